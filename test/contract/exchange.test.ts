import { minuteMs } from '../../src/clock.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { silentLog } from '../support/silent-log.js'
import { TestClock } from '../support/test-clock.js'

const tenantId = '8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21'
const lagMs = 10 * minuteMs

/** The adapters that must all behave alike. Each is given a simulated tenant to talk to. */
const adapters: { name: string; make: (tenant: SimulatedTenant, clock: TestClock) => Exchange }[] = [
  {
    name: 'admin-api',
    make: (tenant, clock) =>
      createAdminApi({
        url: tenant.url,
        tenantId,
        scope: 'https://outlook.office365.com/.default',
        tokens: { token: async () => ({ ok: true, token: 'reader' }) },
        clock,
        newId: () => crypto.randomUUID(),
        log: silentLog,
      }),
  },
]

describe.each(adapters)('Exchange through $name', ({ make }) => {
  let clock: TestClock
  let tenant: SimulatedTenant
  let exchange: Exchange

  beforeEach(async () => {
    clock = new TestClock()
    tenant = createSimulatedTenant({ tenantId, clock, lagMs })
    await tenant.start()
    exchange = make(tenant, clock)
  })

  afterEach(() => tenant.stop())

  const callsOf = (cmdlet: string) => tenant.log.filter((request) => request.cmdlet === cmdlet)

  async function send(connectorId: string) {
    const ready = await exchange.readyRemoval(connectorId, 'CR-42 approved by Adele Vance')
    if (!ready.ok) throw new Error(ready.message)
    return ready.removal
  }

  test('lists nothing while nothing is restricted', async () => {
    expect(await exchange.restricted()).toEqual({ ok: true, rows: [], complete: true })
  })

  test('lists every restricted connector with its id, name, created time and reason', async () => {
    const one = tenant.restrict()
    tenant.restrict()
    const listed = await exchange.restricted()
    expect(listed).toMatchObject({ ok: true, complete: true })
    expect(listed.ok && listed.rows).toHaveLength(2)
    expect(listed.ok && listed.rows[0]).toEqual({
      connectorId: one.connectorId,
      connectorName: one.connectorName,
      createdAt: '2026-11-22T03:00:00.0000000+00:00',
      reason: one.reason,
    })
  })

  test('lists the inbound connectors with id, name and whether they are on', async () => {
    const listed = await exchange.inboundConnectors()
    expect(listed).toEqual({
      ok: true,
      connectors: tenant.connectors.map(({ id, name, enabled }) => ({ id, name, enabled })),
    })
  })

  test('a list that is longer than a page is read to its end', async () => {
    tenant.connectors = Array.from({ length: 2_500 }, (_, at) => ({
      id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      name: `Connector ${at}`,
      enabled: true,
      type: 'OnPremises',
      source: 'Default',
      senderDomains: [],
      senderIps: [],
      createdAt: clock.now(),
      changedAt: clock.now(),
    }))
    const listed = await exchange.inboundConnectors()
    expect(listed.ok && new Set(listed.connectors.map(({ id }) => id)).size).toBe(2_500)
  })

  test('reads of one tenant never overlap, whoever asks for them', async () => {
    tenant.faults.next('Get-BlockedConnector', { kind: 'hang' })
    const first = exchange.restricted()
    const second = exchange.inboundConnectors()
    const third = exchange.restricted()
    await untilSeen(tenant, 1)
    expect(tenant.log.map(({ cmdlet }) => cmdlet)).toEqual(['Get-BlockedConnector'])
    clock.advance(2 * minuteMs)
    expect(await first).toMatchObject({ ok: false, code: 'timeout', retryable: true })
    expect([await second, await third]).toMatchObject([{ ok: true }, { ok: true }])
    expect(tenant.log.map(({ cmdlet }) => cmdlet)).toEqual([
      'Get-BlockedConnector',
      'Get-InboundConnector',
      'Get-BlockedConnector',
    ])
  })

  test('a removal is sent only by send(), and once, however often send() is called', async () => {
    const { connectorId } = tenant.restrict()
    const removal = await send(connectorId)
    expect(callsOf('Remove-BlockedConnector')).toHaveLength(0)
    expect(await Promise.all([removal.send(), removal.send()])).toEqual([
      { kind: 'accepted' },
      { kind: 'accepted' },
    ])
    expect(callsOf('Remove-BlockedConnector').map(({ parameters }) => parameters)).toEqual([
      { ConnectorId: connectorId, Reason: 'CR-42 approved by Adele Vance' },
    ])
  })

  test('an accepted removal shows in the list only when Exchange has caught up', async () => {
    const { connectorId } = tenant.restrict()
    await (await send(connectorId)).send()
    clock.advance(lagMs - 1)
    expect(await exchange.restricted()).toMatchObject({ rows: [{ connectorId }] })
    clock.advance(1)
    expect(await exchange.restricted()).toEqual({ ok: true, rows: [], complete: true })
  })

  test('an id in capital letters removes the same connector', async () => {
    const { connectorId } = tenant.restrict()
    await (await send(connectorId.toUpperCase())).send()
    clock.advance(lagMs)
    expect(tenant.restricted()).toEqual([])
  })

  test('a removal that Exchange refuses is not done', async () => {
    const { connectorId } = tenant.restrict()
    tenant.faults.next('Remove-BlockedConnector', {
      kind: 'answer',
      status: 400,
      body: '{"error":{"message":"The limit is reached."}}',
    })
    const outcome = await (await send(connectorId)).send()
    expect(outcome).toMatchObject({ kind: 'notDone', cause: expect.stringContaining('The limit is reached') })
  })

  test.each([
    ['cut off', { kind: 'reset' }],
    ['answered with HTTP 503', { kind: 'answer', status: 503 }],
  ] as const)(
    'a removal that was carried out but %s has an unknown outcome, and is sent once',
    async (_, how) => {
      const { connectorId } = tenant.restrict()
      tenant.faults.next('Remove-BlockedConnector', { ...how, executes: true })
      expect(await (await send(connectorId)).send()).toMatchObject({ kind: 'unknown' })
      expect(callsOf('Remove-BlockedConnector')).toHaveLength(1)
    },
  )

  test('a removal that is never answered has an unknown outcome after a minute', async () => {
    const { connectorId } = tenant.restrict()
    tenant.faults.next('Remove-BlockedConnector', { kind: 'hang', executes: true })
    const sent = (await send(connectorId)).send()
    await untilSeen(tenant, 1)
    clock.advance(minuteMs)
    expect(await sent).toMatchObject({ kind: 'unknown' })
  })

  test('while Exchange is down reads fail and nothing is sent', async () => {
    const { connectorId } = tenant.restrict()
    const removal = await send(connectorId)
    await tenant.stop()
    expect(await exchange.restricted()).toMatchObject({ ok: false, code: 'unreachable', retryable: true })
    expect(await removal.send()).toMatchObject({
      kind: 'notDone',
      cause: expect.stringContaining('nothing was sent'),
    })
  })

  test('something that is no connector id is a fault, and nothing is sent', async () => {
    await expect(exchange.readyRemoval('*', 'CR-42')).rejects.toMatchObject({ code: 'connectorIdInvalid' })
    expect(tenant.log).toEqual([])
  })
})

/** Lets the loopback connection do its work until the tenant has seen so many requests. */
async function untilSeen(tenant: SimulatedTenant, requests: number): Promise<void> {
  for (let turn = 0; tenant.log.length < requests; turn++) {
    if (turn === 100_000) throw new Error(`The tenant saw ${tenant.log.length} requests, not ${requests}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

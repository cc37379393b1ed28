import { minuteMs, secondMs } from '../../src/clock.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { adapters, stillness, tenantId, untilSeen } from '../support/exchange-adapters.js'
import { TestClock } from '../support/test-clock.js'

const lagMs = 10 * minuteMs

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

  const cmdlets = () => tenant.log.map(({ cmdlet }) => cmdlet)

  const connectorsNumbering = (count: number) => {
    tenant.connectors = Array.from({ length: count }, (_, at) => ({
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
  }

  async function send(connectorId: string) {
    const ready = await exchange.readyRemoval(connectorId, 'CR-42 approved by Adele Vance')
    if (!ready.ok) throw new Error(ready.message)
    return ready.removal
  }

  test('lists nothing while nothing is restricted', async () => {
    expect(await exchange.restricted()).toEqual({ ok: true, rows: [], complete: true })
  })

  test('lists every restricted connector with its id, name, created time and reason, and the row as it came', async () => {
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
      raw: {
        ConnectorId: one.connectorId,
        ConnectorName: one.connectorName,
        Reason: one.reason,
        CreatedDatetime: '2026-11-22T03:00:00.0000000+00:00',
        ChangedDatetime: '2026-11-22T03:00:00.0000000+00:00',
      },
    })
  })

  test('reads of the restricted list never overlap, whoever asks for them', async () => {
    tenant.faults.next('Get-BlockedConnector', { kind: 'hang' })
    const first = exchange.restricted()
    await untilSeen(tenant, 1)
    const second = exchange.restricted()
    expect(await exchange.inboundConnectors()).toMatchObject({ ok: true })
    expect(cmdlets()).toEqual(['Get-BlockedConnector', 'Get-InboundConnector'])
    clock.advance(minuteMs)
    expect(await first).toMatchObject({ ok: false, code: 'timeout', retryable: true })
    expect(await second).toMatchObject({ ok: true })
  })

  test('at most two things are asked of a tenant at once: the list, and one other', async () => {
    for (const cmdlet of ['Get-BlockedConnector', 'Get-InboundConnector'])
      tenant.faults.next(cmdlet, { kind: 'hang' })
    const all = [
      exchange.inboundConnectors(),
      exchange.auditing(),
      exchange.restricted(),
      exchange.traffic('203.0.113.24', '2026-11-21T03:00:00.000Z', clock.now()),
    ]
    await untilSeen(tenant, 2)
    await stillness()
    expect(cmdlets().sort()).toEqual(['Get-BlockedConnector', 'Get-InboundConnector'])
    clock.advance(minuteMs)
    await Promise.all(all)
    expect(tenant.log).toHaveLength(4)
  })

  test('a removal goes before all reads that wait, and they wait until it has been answered', async () => {
    const { connectorId } = tenant.restrict()
    tenant.faults.next('Get-InboundConnector', { kind: 'hang' })
    tenant.faults.next('Remove-BlockedConnector', { kind: 'hang', executes: true })
    const hanging = exchange.inboundConnectors()
    await untilSeen(tenant, 1)
    const waiting = exchange.auditing()
    const removal = send(connectorId)
    clock.advance(20 * secondMs)
    await hanging
    const sent = (await removal).send()
    await untilSeen(tenant, 2)
    await stillness()
    expect(cmdlets()).toEqual(['Get-InboundConnector', 'Remove-BlockedConnector'])
    clock.advance(minuteMs)
    expect(await sent).toMatchObject({ kind: 'unknown' })
    expect(await waiting).toMatchObject({ ok: true })
  })

  test('a removal waits for one request of a read at most, not for its last page', async () => {
    const { connectorId } = tenant.restrict()
    connectorsNumbering(2_500)
    const read = exchange.inboundConnectors()
    await untilSeen(tenant, 1)
    await (await send(connectorId)).send()
    expect(await read).toMatchObject({ ok: true, complete: true })
    expect(cmdlets()).toEqual([
      'Get-InboundConnector',
      'Remove-BlockedConnector',
      'Get-InboundConnector',
      'Get-InboundConnector',
    ])
  })

  test('removals wait for one another, and one that would wait for long is not sent', async () => {
    const { connectorId } = tenant.restrict()
    const first = await send(connectorId)
    const second = exchange.readyRemoval(tenant.restrict().connectorId, 'CR-43')
    clock.advance(30 * secondMs)
    expect(await second).toMatchObject({ ok: false, code: 'timeout', retryable: true })
    const third = exchange.readyRemoval(connectorId, 'CR-44')
    first.release()
    expect(await third).toMatchObject({ ok: true })
    expect(tenant.log).toEqual([])
  })

  test('a removal that is given up lets the reads that wait for it go on', async () => {
    const { connectorId } = tenant.restrict()
    const removal = await send(connectorId)
    const waiting = exchange.auditing()
    await stillness()
    expect(tenant.log).toEqual([])
    removal.release()
    removal.release()
    expect(await waiting).toMatchObject({ ok: true })
    expect(callsOf('Remove-BlockedConnector')).toEqual([])
  })

  test('the list is read while a removal is being prepared', async () => {
    const { connectorId } = tenant.restrict()
    const removal = await send(connectorId)
    expect(await exchange.restricted()).toMatchObject({ ok: true, rows: [{ connectorId }] })
    expect(await removal.send()).toEqual({ kind: 'accepted' })
  })

  test('once it is stopped, nothing hangs and nothing is asked any more', async () => {
    const { connectorId } = tenant.restrict()
    for (const cmdlet of ['Get-BlockedConnector', 'Get-InboundConnector'])
      tenant.faults.always(cmdlet, { kind: 'hang' })
    const stopping = { ok: false, code: 'stopping' }
    const all = [
      exchange.restricted(),
      exchange.restricted(),
      exchange.inboundConnectors(),
      exchange.auditing(),
      exchange.alertPolicy(),
    ]
    await untilSeen(tenant, 2)
    const removal = exchange.readyRemoval(connectorId, 'CR-42')
    exchange.stop()
    for (const answer of await Promise.all([...all, removal])) expect(answer).toMatchObject(stopping)
    expect(await exchange.restricted()).toMatchObject(stopping)
    expect(await exchange.auditing()).toMatchObject(stopping)
    expect(tenant.log).toHaveLength(2)
  })

  test('a removal that was sent before the stop is waited for', async () => {
    const { connectorId } = tenant.restrict()
    const sent = (await send(connectorId)).send()
    exchange.stop()
    expect(await sent).toEqual({ kind: 'accepted' })
  })

  test('a connector that left the list between the vote and the removal: the list has to tell', async () => {
    const { connectorId } = tenant.restrict()
    const removal = await send(connectorId)
    tenant.release(connectorId)
    expect(await removal.send()).toMatchObject({ kind: 'unknown' })
    expect(await exchange.restricted()).toEqual({ ok: true, rows: [], complete: true })
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

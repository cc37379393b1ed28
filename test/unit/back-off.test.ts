import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { answering, connectionTo, tenantId, untilSeen } from '../support/exchange-adapters.js'
import { TestClock } from '../support/test-clock.js'

let clock: TestClock
let tenant: SimulatedTenant
let exchange: Exchange

beforeEach(async () => {
  clock = new TestClock()
  tenant = createSimulatedTenant({ tenantId, clock, lagMs: 0 })
  await tenant.start()
  exchange = createAdminApi(connectionTo(tenant, clock))
})

afterEach(() => tenant.stop())

const auditing = 'Get-AdminAuditLogConfig'

describe('a tenant that asks to be left alone', () => {
  test.each<[string, string, (api: Exchange) => Promise<unknown>]>([
    ['the restricted list', 'Get-BlockedConnector', (api) => api.restricted()],
    ['evidence', 'Get-InboundConnector', (api) => api.inboundConnectors()],
    ['the alert policy', 'Get-ProtectionAlert', (api) => api.alertPolicy()],
    ['a removal', 'Remove-BlockedConnector', (api) => remove(api)],
  ])('when asked for %s is asked for no evidence until then', async (_, cmdlet, ask) => {
    tenant.restrict()
    tenant.faults.next(cmdlet, faults.tooManyRequests('40'))
    await ask(exchange)
    const before = tenant.log.length
    clock.advance(39 * secondMs)
    expect(await exchange.auditing()).toMatchObject({ ok: false, code: 'throttled', retryAfterMs: secondMs })
    expect(await exchange.inboundConnectors()).toMatchObject({ ok: false, code: 'throttled' })
    expect(tenant.log).toHaveLength(before)
    clock.advance(secondMs)
    expect(await exchange.auditing()).toMatchObject({ ok: true })
  })

  test('may name a date, and may ask it of a call that it answers', async () => {
    const until = 'Sun, 22 Nov 2026 03:00:40 GMT'
    tenant.faults.next('Get-BlockedConnector', answering(200, { value: [] }, { 'retry-after': until }))
    expect(await exchange.restricted()).toMatchObject({ ok: true })
    expect(await exchange.auditing()).toMatchObject({
      ok: false,
      message:
        'Exchange asked to be left alone for a while (since 2026-11-22 03:00:00 UTC; it is asked again from 2026-11-22 03:00:40 UTC)',
    })
  })

  test('is told apart from others, and unblocks and lists all the same', async () => {
    tenant.restrict()
    tenant.faults.next('Get-InboundConnector', faults.tooManyRequests('60'))
    await exchange.inboundConnectors()
    const another = createAdminApi(connectionTo(tenant, clock))
    expect(await another.auditing()).toMatchObject({ ok: true })
    expect(await exchange.restricted()).toMatchObject({ ok: true })
    expect(await remove(exchange)).toEqual({ kind: 'accepted' })
  })
})

describe('evidence that could not be had', () => {
  test.each([
    ['because the connection breaks', { kind: 'reset' as const }, 'unreachable'],
    ['for want of a role', faults.blankForbidden, 'permission'],
    ['because the token is not accepted', answering(401), 'credentials'],
    ['because Exchange is busy, without saying how long', faults.throttledInPlainText, 'throttled'],
  ])(
    '%s is asked for again after a minute, then ever more seldom, up to 15 minutes',
    async (_, fault, code) => {
      tenant.faults.always(auditing, fault)
      const minutes: number[] = []
      for (let minute = 0; minute <= 62; minute++) {
        const before = tenant.log.length
        expect(await exchange.auditing()).toMatchObject({ ok: false, code })
        if (tenant.log.length > before) minutes.push(minute)
        clock.advance(minuteMs)
      }
      expect(minutes).toEqual([0, 1, 3, 7, 15, 30, 45, 60])
    },
  )

  test('tells in the meantime since when, and when it is asked for again', async () => {
    tenant.faults.always(auditing, { kind: 'reset' })
    const first = await exchange.auditing()
    const message = first.ok ? '' : first.message
    expect(message).toMatch(/^Exchange did not answer: the connection was cut \(\w+\)$/)
    clock.advance(minuteMs)
    await exchange.auditing()
    clock.advance(minuteMs)
    expect(await exchange.auditing()).toMatchObject({
      message: `${message} (since 2026-11-22 03:00:00 UTC; it is asked again from 2026-11-22 03:03:00 UTC)`,
    })
  })

  test('keeps no other evidence from being read, nor the list, nor a removal', async () => {
    tenant.restrict()
    tenant.faults.always(auditing, faults.blankForbidden)
    await exchange.auditing()
    expect(await exchange.inboundConnectors()).toMatchObject({ ok: true })
    expect(await exchange.restricted()).toMatchObject({ ok: true })
    expect(await remove(exchange)).toEqual({ kind: 'accepted' })
  })

  test('is had again as soon as it is there, and forgotten', async () => {
    tenant.faults.next(auditing, { kind: 'reset' })
    await exchange.auditing()
    clock.advance(minuteMs)
    expect(await exchange.auditing()).toMatchObject({ ok: true })
    clock.advance(hourMs)
    tenant.faults.next(auditing, { kind: 'reset' })
    await exchange.auditing()
    expect(await exchange.auditing()).toMatchObject({
      message: expect.stringContaining(
        'since 2026-11-22 04:01:00 UTC; it is asked again from 2026-11-22 04:02',
      ),
    })
  })

  test('because Exchange failed, or made no sense, may be asked for again at once', async () => {
    for (const fault of [answering(503), faults.html]) {
      tenant.faults.next(auditing, fault)
      expect(await exchange.auditing()).toMatchObject({ ok: false, retryable: true })
    }
    expect(await exchange.auditing()).toMatchObject({ ok: true })
  })

  test('makes others that wait for the same not wait as long again', async () => {
    tenant.faults.always('Get-MessageTraceV2', { kind: 'hang' })
    const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    const all = addresses.map((ip) => exchange.traffic(ip, '2026-11-21T03:00:00.000Z', clock.now()))
    await untilSeen(tenant, 1)
    clock.advance(20 * secondMs)
    for (const answer of await Promise.all(all)) expect(answer).toMatchObject({ ok: false, code: 'timeout' })
    expect(tenant.log).toHaveLength(1)
  })
})

async function remove(api: Exchange) {
  const ready = await api.readyRemoval('159eb7c4-75d7-43e2-95fe-ced44b3e0a56', 'CR-42')
  if (!ready.ok) throw new Error(ready.message)
  return ready.removal.send()
}

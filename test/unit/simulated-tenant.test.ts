import { minuteMs, systemClock } from '../../src/clock.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { TestClock } from '../support/test-clock.js'

const tenantId = '8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21'

let clock: TestClock
let tenant: SimulatedTenant

beforeEach(async () => {
  clock = new TestClock()
  tenant = createSimulatedTenant({ tenantId, clock, lagMs: minuteMs })
  await tenant.start()
})

afterEach(() => tenant.stop())

const bearer = { authorization: 'Bearer anything' }

const call = (
  cmdlet: string,
  { headers = bearer, version = 'beta', tenant: named = tenantId }: Record<string, never> | CallSettings = {},
) =>
  fetch(`${tenant.url}/adminapi/${version}/${named}/InvokeCommand`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ CmdletInput: { CmdletName: cmdlet, Parameters: {} } }),
  })

interface CallSettings {
  headers?: Record<string, string>
  version?: string
  tenant?: string
}

describe('as Exchange does', () => {
  test('it turns away whoever brings no bearer token, or one for another tenant', async () => {
    expect((await call('Get-BlockedConnector', { headers: {} })).status).toBe(401)
    expect((await call('Get-BlockedConnector', { headers: { authorization: 'Basic eDp5' } })).status).toBe(
      401,
    )
    expect((await call('Get-BlockedConnector', { tenant: 'fabrikam' })).status).toBe(401)
    expect(tenant.log.map(({ authorized, answer }) => ({ authorized, answer }))).toEqual([
      { authorized: false, answer: 401 },
      { authorized: false, answer: 401 },
      { authorized: true, answer: 401 },
    ])
  })

  test('it never keeps a token', async () => {
    await call('Get-BlockedConnector', { headers: { authorization: 'Bearer canary' } })
    expect(JSON.stringify(tenant.log)).not.toContain('canary')
  })

  test('it knows InvokeCommand in version beta only', async () => {
    expect((await call('Get-BlockedConnector', { version: 'v1.0' })).status).toBe(405)
    expect((await fetch(`${tenant.url}/owa`, { headers: bearer })).status).toBe(404)
  })

  test('it answers an unknown cmdlet with 403 and a body that cannot be decoded', async () => {
    const response = await call('Remove-Mailbox')
    expect(response.status).toBe(403)
    await expect(response.text()).rejects.toThrow()
  })

  test('it says in its own shape what is wrong with a request', async () => {
    expect(await (await call('Remove-BlockedConnector')).json()).toMatchObject({
      error: { code: 'BadRequest', details: [{ message: expect.stringMatching(/^[^|]+\|[^|]+\|[^|]+$/) }] },
    })
    const nonsense = await fetch(`${tenant.url}/adminapi/beta/${tenantId}/InvokeCommand`, {
      method: 'POST',
      headers: bearer,
      body: 'nonsense',
    })
    expect(nonsense.status).toBe(400)
  })

  test('it puts annotations beside values and writes dates with seven digits', async () => {
    const { connectorId } = tenant.restrict()
    const { value } = (await (await call('Get-BlockedConnector')).json()) as { value: object[] }
    expect(value).toEqual([
      expect.objectContaining({
        'ConnectorId@data.type': 'System.Guid',
        'ConnectorId@odata.type': '#Guid',
        ConnectorId: connectorId,
        CreatedDatetime: '2026-11-22T03:00:00.0000000+00:00',
      }),
    ])
  })

  test('it gives pages of the size that was asked for', async () => {
    const size = { headers: { ...bearer, prefer: 'odata.maxpagesize=3' } }
    const first = (await (await call('Get-InboundConnector', size)).json()) as Record<string, unknown>
    expect(first.value).toHaveLength(3)
    const second = await fetch(String(first['@odata.nextLink']), {
      method: 'POST',
      headers: size.headers,
      body: JSON.stringify({ CmdletInput: { CmdletName: 'Get-InboundConnector' } }),
    })
    expect(await second.json()).toMatchObject({ value: [{ Name: 'Fabrikam payroll (partner)' }] })
  })
})

describe('restricting', () => {
  test('takes the connectors in turn, or the one that is named', () => {
    const [first, second, third] = tenant.connectors
    expect(tenant.restrict().connectorId).toBe(first?.id)
    expect(tenant.restrict(third?.name).connectorId).toBe(third?.id)
    expect(tenant.restrict().connectorId).toBe(second?.id)
    expect(tenant.restricted()).toHaveLength(3)
  })

  test('one that is listed already starts a new episode', () => {
    const { connectorId, createdAt } = tenant.restrict()
    clock.advance(minuteMs)
    expect(tenant.restrict(connectorId).createdAt > createdAt).toBe(true)
    expect(tenant.restricted()).toHaveLength(1)
  })

  test('says so when there is nothing left to restrict, or no such connector', () => {
    for (const _ of tenant.connectors) tenant.restrict()
    expect(() => tenant.restrict()).toThrow('All connectors of the simulated tenant are restricted already.')
    expect(() => tenant.restrict('Woodgrove')).toThrow('has no connector "Woodgrove"')
  })

  test('can be undone at once, as if from the portal', () => {
    const { connectorId } = tenant.restrict()
    tenant.release(connectorId)
    expect(tenant.restricted()).toEqual([])
  })
})

describe('faults', () => {
  test('happen as often as they were asked for, or until they are cleared', async () => {
    const statuses = async () => [
      (await call('Get-BlockedConnector')).status,
      (await call('Get-BlockedConnector')).status,
    ]
    tenant.faults.next('Get-BlockedConnector', { kind: 'answer', status: 503 })
    expect(await statuses()).toEqual([503, 200])
    tenant.faults.always('Get-BlockedConnector', { kind: 'answer', status: 500 })
    expect(await statuses()).toEqual([500, 500])
    tenant.faults.clear()
    expect(await statuses()).toEqual([200, 200])
  })

  test('happen to their cmdlet only', async () => {
    tenant.faults.always('Remove-BlockedConnector', { kind: 'reset' })
    expect((await call('Get-BlockedConnector')).status).toBe(200)
  })
})

test('stopping cuts a request that is kept hanging', async () => {
  tenant.faults.next('Get-BlockedConnector', { kind: 'hang' })
  const hanging = expect(call('Get-BlockedConnector')).rejects.toThrow()
  while (tenant.log.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await tenant.stop()
  await hanging
  expect(() => tenant.url).toThrow('not running')
})

test('a port that is taken is an error at the start', async () => {
  const port = Number(new URL(tenant.url).port)
  const second = createSimulatedTenant({ tenantId, clock: systemClock, lagMs: 0, port })
  await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

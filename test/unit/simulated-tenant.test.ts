import { createServer } from 'node:http'
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

const compliance = { headers: { ...bearer, 'x-anchormailbox': `UPN:SystemMailbox@contoso.onmicrosoft.com` } }

describe('as Security & Compliance does', () => {
  const greet = (path = "beta/8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21/EXOBanner('AutogenSession')") =>
    fetch(`${tenant.url}/adminapi/${path}?Version=3.9.2`, { headers: bearer, redirect: 'manual' })

  test('it answers a greeting with a redirect to the region, which is here', async () => {
    const response = await greet()
    expect(response.status).toBe(302)
    expect(new URL(String(response.headers.get('location'))).origin).toBe(tenant.url)
    expect(tenant.log[0]).toMatchObject({ method: 'GET', cmdlet: 'EXOBanner', answer: 302 })
  })

  test('it runs its own cmdlets for a mailbox that is named as a person, and Exchange does not know them', async () => {
    const policies = (await (await call('Get-ProtectionAlert', compliance)).json()) as { value: object[] }
    expect(policies.value.length).toBeGreaterThan(1)
    expect((await call('Get-ProtectionAlert')).status).toBe(403)
    expect((await call('Get-BlockedConnector', compliance)).status).toBe(403)
  })

  test('it says of audit logging that it is off, whatever it is', async () => {
    const asked = async (settings?: CallSettings) => {
      const reply = (await (await call('Get-AdminAuditLogConfig', settings)).json()) as { value: object[] }
      return reply.value[0]
    }
    expect(await asked()).toMatchObject({ UnifiedAuditLogIngestionEnabled: true })
    expect(await asked(compliance)).toMatchObject({ UnifiedAuditLogIngestionEnabled: false })
  })
})

describe('what is on record', () => {
  const search = async () => {
    const response = await fetch(`${tenant.url}/adminapi/beta/${tenantId}/InvokeCommand`, {
      method: 'POST',
      headers: bearer,
      body: JSON.stringify({
        CmdletInput: {
          CmdletName: 'Search-UnifiedAuditLog',
          Parameters: {
            StartDate: '2026-11-22T00:00:00.000Z',
            EndDate: clock.now(),
            Operations: ['Set-InboundConnector', 'Remove-BlockedConnector'],
          },
        },
      }),
    })
    const { value } = (await response.json()) as { value: { AuditData: string; ResultCount: number }[] }
    return value.map((row) => ({ ...row, AuditData: JSON.parse(row.AuditData) }))
  }

  test('is written as Exchange writes it, with what happened as JSON inside and times without a zone', async () => {
    expect(await search()).toMatchObject([
      {
        UserIds: 'svc-mailadmin@contoso.example',
        Operations: 'Set-InboundConnector',
        CreationDate: '2026-11-22T01:00:00.0000000+00:00',
        ResultIndex: 1,
        ResultCount: 1,
        AuditData: {
          CreationTime: '2026-11-22T01:00:00',
          ObjectId: 'Contoso headquarters relay',
          ResultStatus: 'True',
          Parameters: expect.arrayContaining([
            { Name: 'SenderIPAddresses', Value: '203.0.113.24;198.51.100.77' },
          ]),
        },
      },
    ])
  })

  test('names the app, not the person, where the bot removed a block', async () => {
    const { connectorId } = tenant.restrict()
    const body = {
      CmdletName: 'Remove-BlockedConnector',
      Parameters: { ConnectorId: connectorId, Reason: 'CR-42' },
    }
    await fetch(`${tenant.url}/adminapi/beta/${tenantId}/InvokeCommand`, {
      method: 'POST',
      headers: bearer,
      body: JSON.stringify({ CmdletInput: body }),
    })
    expect((await search())[0]).toMatchObject({
      UserIds: expect.stringMatching(/^ServicePrincipal_/),
      AuditData: { Parameters: expect.arrayContaining([{ Name: 'Reason', Value: 'CR-42' }]) },
    })
  })

  test('is who unblocked a connector elsewhere; its row stays for a while', async () => {
    const { connectorId } = tenant.restrict()
    tenant.unblock(connectorId, 'ben@contoso.example')
    expect(tenant.restricted()).toHaveLength(1)
    clock.advance(minuteMs)
    expect(tenant.restricted()).toEqual([])
    expect((await search())[0]).toMatchObject({ UserIds: 'ben@contoso.example' })
  })

  test('is nothing of Contoso where a test brings its own connectors', () => {
    const own = createSimulatedTenant({ tenantId, clock, lagMs: 0, connectors: [] })
    expect(own.acts).toEqual([])
  })

  test('is whose connector is gone, and its block with it', () => {
    const { connectorId } = tenant.restrict()
    tenant.removeConnector(connectorId, 'ben@contoso.example')
    expect(tenant.restricted()).toEqual([])
    expect(tenant.connectors.map(({ id }) => id)).not.toContain(connectorId)
    expect(tenant.acts.at(-1)).toMatchObject({
      operation: 'Remove-InboundConnector',
      account: 'ben@contoso.example',
    })
  })
})

test('many tenants can stand behind one port, told apart by the id in the path', async () => {
  const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
  const tenants = new Map(
    ids.map((id) => [id, createSimulatedTenant({ tenantId: id, clock, lagMs: 0, logged: 1 })]),
  )
  const server = createServer((request, response) => {
    const id = request.url?.split('/')[3] ?? ''
    tenants.get(id)?.handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const listedOf = async (id: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/adminapi/beta/${id}/InvokeCommand`, {
      method: 'POST',
      headers: bearer,
      body: JSON.stringify({ CmdletInput: { CmdletName: 'Get-BlockedConnector' } }),
    })
    return ((await response.json()) as { value: object[] }).value.length
  }
  const [first = '', second = ''] = ids
  tenants.get(second)?.restrict()
  expect([await listedOf(first), await listedOf(second), await listedOf(second)]).toEqual([0, 1, 1])
  expect(tenants.get(second)?.log).toHaveLength(1)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
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

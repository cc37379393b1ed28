import type { TokenSource } from '../../src/credentials.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { silentLog } from '../support/silent-log.js'
import { TestClock } from '../support/test-clock.js'

const tenantId = '44444444-4444-4444-8444-444444444444'
const clock = new TestClock()

let exchange: SimulatedTenant
let calls: string[]
beforeEach(async () => {
  calls = []
  exchange = createSimulatedTenant({
    tenantId,
    clock,
    lagMs: 0,
    admits: (token, cmdlet) => {
      calls.push(`${token}: ${cmdlet}`)
      return true
    },
  })
  await exchange.start()
})
afterEach(() => exchange.stop())

const tokensOf = (app: string): TokenSource => ({ token: async () => ({ ok: true, token: app }) })

/** Reads the list and removes the one row of it. */
async function unblock(unblockTokens: TokenSource | undefined): Promise<void> {
  const { connectorId } = exchange.restrict()
  const api = createAdminApi({
    url: exchange.url,
    tenantId,
    organization: 'contoso.onmicrosoft.com',
    complianceUrl: exchange.url,
    scope: 'scope',
    tokens: tokensOf('reader'),
    unblockTokens,
    clock,
    newId: () => '77777777-7777-4777-8777-777777777777',
    log: silentLog,
  })
  await api.restricted()
  const ready = await api.readyRemoval(connectorId, 'reason')
  if (!ready.ok) throw new Error(ready.message)
  await ready.removal.send()
}

describe('the removal', () => {
  test('is made by the second app where there is one, which does nothing else', async () => {
    await unblock(tokensOf('unblocker'))
    expect(calls).toEqual(['reader: Get-BlockedConnector', 'unblocker: Remove-BlockedConnector'])
  })

  test('is made by the app that reads where there is no other', async () => {
    await unblock(undefined)
    expect(calls).toEqual(['reader: Get-BlockedConnector', 'reader: Remove-BlockedConnector'])
  })

  test('is not made where the second app gets no token, whatever the first one has', async () => {
    const failure = { ok: false, code: 'credentials', message: 'the secret has expired' } as const
    await expect(unblock({ token: async () => failure })).rejects.toThrow('the secret has expired')
    expect(calls).toEqual(['reader: Get-BlockedConnector'])
  })
})

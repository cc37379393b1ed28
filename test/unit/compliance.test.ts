import { minuteMs } from '../../src/clock.js'
import type { TokenSource } from '../../src/credentials.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Connection } from '../../src/exchange/connection.js'
import { faults, type SimulatedFault } from '../../src/exchange/simulated-faults.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { trustedRegion } from '../../src/exchange/trusted-url.js'
import { answering, connectionTo, tenantId } from '../support/exchange-adapters.js'
import { TestClock } from '../support/test-clock.js'

const greeting = 'EXOBanner'
const cmdlet = 'Get-ProtectionAlert'
const inPortal = 'Defender portal'

let clock: TestClock
let tenant: SimulatedTenant
let admitted: (token: string) => boolean

beforeEach(async () => {
  clock = new TestClock()
  admitted = () => true
  tenant = createSimulatedTenant({ tenantId, clock, lagMs: 0, admits: (token) => admitted(token) })
  await tenant.start()
})

afterEach(() => tenant.stop())

const exchangeWith = (settings: Partial<Connection> = {}) =>
  createAdminApi({ ...connectionTo(tenant, clock), ...settings })

const cmdlets = () => tenant.log.map((request) => request.cmdlet)

const policyRow = {
  Name: 'Suspicious connector activity',
  Disabled: false,
  NotificationEnabled: true,
  NotifyUser: ['TenantAdmins'],
  NotifyUserThrottleThreshold: null,
}

const answeredWith = async (...rows: unknown[]) => {
  tenant.faults.next(cmdlet, answering(200, { value: rows }))
  return exchangeWith().alertPolicy()
}

describe('the way to Security & Compliance', () => {
  test('is a greeting that names the region, and then the cmdlet there, with a mailbox of the organisation', async () => {
    await exchangeWith().alertPolicy()
    const [first, second] = tenant.log
    expect(first).toMatchObject({ method: 'GET', cmdlet: greeting, authorized: true })
    expect(first?.url.pathname).toBe(`/adminapi/beta/${tenantId}/EXOBanner('AutogenSession')`)
    expect(first?.url.search).toBe('?Version=3.9.2')
    expect(second).toMatchObject({ method: 'POST', cmdlet, parameters: {}, authorized: true })
    expect(second?.url.pathname).toBe(`/adminapi/beta/${tenantId}/InvokeCommand`)
    expect(second?.headers['x-anchormailbox']).toBe(
      'UPN:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@contoso.onmicrosoft.com',
    )
  })

  test('is asked for once, until the region fails', async () => {
    const exchange = exchangeWith()
    await exchange.alertPolicy()
    await exchange.alertPolicy()
    expect(cmdlets()).toEqual([greeting, cmdlet, cmdlet])
    tenant.faults.next(cmdlet, answering(503))
    await exchange.alertPolicy()
    await exchange.alertPolicy()
    expect(cmdlets().slice(3)).toEqual([cmdlet, greeting, cmdlet])
  })

  test('takes tokens for itself, unless the settings name another scope', async () => {
    const asked: string[] = []
    const tokens: TokenSource = {
      token: async (scope) => {
        asked.push(scope)
        return { ok: true, token: 'reader' }
      },
    }
    await exchangeWith({ tokens }).alertPolicy()
    await exchangeWith({ tokens, complianceScope: 'https://compliance.example/.default' }).alertPolicy()
    const own = `${tenant.url}/.default`
    const other = 'https://compliance.example/.default'
    expect(asked).toEqual([own, own, other, other])
  })

  test('renews a token that is not accepted, once', async () => {
    admitted = (token) => token === 'fresh'
    const tokens: TokenSource = {
      token: async (_scope, { fresh = false } = {}) => ({ ok: true, token: fresh ? 'fresh' : 'stale' }),
    }
    expect(await exchangeWith({ tokens }).alertPolicy()).toMatchObject({ ok: true })
  })

  test('never leads our token to another host', async () => {
    const elsewhere = createSimulatedTenant({ tenantId, clock, lagMs: 0 })
    await elsewhere.start()
    const failed = { ok: false, code: 'unreadable', message: expect.stringContaining(inPortal) }
    tenant.faults.next(greeting, faults.redirect(`${elsewhere.url}/adminapi/beta/x`))
    expect(await exchangeWith().alertPolicy()).toMatchObject(failed)
    tenant.faults.next(cmdlet, faults.redirect(`${elsewhere.url}/adminapi/beta/${tenantId}/InvokeCommand`))
    expect(await exchangeWith().alertPolicy()).toMatchObject(failed)
    tenant.faults.next(cmdlet, answering(200, { value: [], '@odata.nextLink': elsewhere.url }))
    expect(await exchangeWith().alertPolicy()).toMatchObject(failed)
    expect(elsewhere.log).toEqual([])
    await elsewhere.stop()
  })

  test('ends where the greeting is answered without a redirect', async () => {
    tenant.faults.next(greeting, answering(200, { value: [] }))
    expect(await exchangeWith().alertPolicy()).toMatchObject({ ok: true, policy: { enabled: true } })
  })

  test.each([
    ['https://eur01b.ps.compliance.protection.outlook.com/a', true],
    ['https://ps.compliance.protection.outlook.com/a', true],
    ['http://eur01b.ps.compliance.protection.outlook.com/a', false],
    ['https://eur01b.ps.compliance.protection.outlook.com:8443/a', false],
    ['https://compliance.protection.outlook.com/a', false],
    ['https://ps.compliance.protection.outlook.com.evil.example/a', false],
    ['https://evil-ps.compliance.protection.outlook.com/a', false],
    ['https://me:pw@eur01b.ps.compliance.protection.outlook.com/a', false],
    ['https://outlook.office365.com/a', false],
    ['', true],
  ])('%s is a region: %s', (candidate, trusted) => {
    const configured = new URL('https://ps.compliance.protection.outlook.com')
    expect(trustedRegion(candidate, configured) !== undefined).toBe(trusted)
  })
})

describe('the policy', () => {
  test.each<[string, object, object]>([
    ['its name in any case', { Name: 'SUSPICIOUS connector ACTIVITY' }, { enabled: true }],
    [
      'words for booleans',
      { Disabled: 'True', NotificationEnabled: 'False' },
      { enabled: false, notifies: false },
    ],
    ['recipients as text', { NotifyUser: 'a@contoso.example,b@contoso.example' }, { recipients: 2 }],
    ['no recipients', { NotifyUser: [] }, { recipients: 0 }],
    ['recipients that are null', { NotifyUser: null }, { recipients: 0 }],
    ['a daily limit', { NotifyUserThrottleThreshold: 3 }, { dailyLimit: 3 }],
    ['a daily limit as text', { NotifyUserThrottleThreshold: '3' }, { dailyLimit: 3 }],
    ['no daily limit', { NotifyUserThrottleThreshold: null }, { dailyLimit: undefined }],
  ])('is understood with %s', async (_, changes, expected) => {
    expect(await answeredWith({ ...policyRow, ...changes })).toMatchObject({ ok: true, policy: expected })
  })

  test.each(['Disabled', 'NotificationEnabled', 'NotifyUser'])(
    'without %s is unreadable, which is neither well nor amiss',
    async (missing) => {
      const { [missing as keyof typeof policyRow]: _, ...rest } = policyRow
      expect(await answeredWith(rest)).toMatchObject({ ok: false, code: 'unreadable' })
    },
  )

  const other = { ...policyRow, Name: 'Creation of forwarding/redirect rule' }
  test.each<[string, object]>([
    ['the list was cut', { value: [other], '@adminapi.warnings': ['There are more results available.'] }],
    ['a policy came without its name', { value: [other, {}] }],
    ['no policy came at all', { value: [] }],
  ])('is not taken for missing where %s', async (_, body) => {
    tenant.faults.next(cmdlet, answering(200, body))
    expect(await exchangeWith().alertPolicy()).toMatchObject({ ok: false, code: 'unreadable' })
  })

  test('is missing where Microsoft lists others and not this one', async () => {
    expect(await answeredWith(other)).toEqual({ ok: true, policy: undefined })
  })
})

describe('Security & Compliance that does not let the app in', () => {
  const cases: [string, string, SimulatedFault, string, string][] = [
    ['at its door', greeting, faults.blankForbidden, 'permission', 'Security Reader'],
    ['at the cmdlet', cmdlet, faults.blankForbidden, 'permission', 'Security Reader'],
    ['for its token', greeting, answering(401), 'credentials', 'Exchange.ManageAsApp'],
    ['because it is down', greeting, answering(503), 'serverError', 'Security & Compliance failed'],
    ['because the connection breaks', cmdlet, { kind: 'reset' }, 'unreachable', 'did not answer'],
  ]
  test.each(cases)('%s is a failure with a remedy', async (_, at, fault, code, words) => {
    tenant.faults.always(at, fault)
    const failure = await exchangeWith().alertPolicy()
    expect(failure).toMatchObject({ ok: false, code, message: expect.stringContaining(words) })
    expect(failure).toMatchObject({ message: expect.stringContaining(inPortal) })
    expect(failure).toMatchObject({ message: expect.not.stringMatching(/Exchange (refuses|failed|did not)/) })
  })

  test('says after 20 seconds that it did not answer', async () => {
    tenant.faults.next(greeting, { kind: 'hang' })
    const asked = exchangeWith().alertPolicy()
    while (tenant.log.length === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(minuteMs / 3)
    expect(await asked).toMatchObject({
      ok: false,
      code: 'timeout',
      message: expect.stringContaining('within 20 seconds'),
    })
  })

  test('without a token says why there is none', async () => {
    const tokens: TokenSource = {
      token: async () => ({ ok: false, code: 'credentials', message: 'AADSTS500011.' }),
    }
    expect(await exchangeWith({ tokens }).alertPolicy()).toMatchObject({
      ok: false,
      code: 'credentials',
      message: expect.stringMatching(/^AADSTS500011\. Until then look in the Defender portal/),
    })
  })
})

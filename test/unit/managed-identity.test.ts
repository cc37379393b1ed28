import { minuteMs, secondMs } from '../../src/clock.js'
import { createCredentials, type TokenSource } from '../../src/credentials.js'
import { FakePlatform, type PlatformFault } from '../support/fake-platform.js'
import { TestClock } from '../support/test-clock.js'

const tenantId = '8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21'
const clientId = '5b0d1f6e-2c3a-4e8f-9b7d-a1c2e3f40516'
const scope = 'https://outlook.office365.com/.default'
const resource = 'https://outlook.office365.com'

let platform: FakePlatform
let clock: TestClock
beforeEach(async () => {
  platform = await FakePlatform.start()
  clock = new TestClock()
})
afterEach(() => platform.stop())

/** No secret, no certificate: whoever runs the program says who it is. Entra itself is asked nothing. */
const identity = (environment: Record<string, string>, id?: string): TokenSource =>
  createCredentials({
    authority: 'https://127.0.0.1:1',
    tenantId,
    clientId: id,
    managedIdentity: true,
    environment,
    clock,
  })

describe('a managed identity', () => {
  test('of App Service or Container Apps gets a token for the resource, with what proves that it runs there', async () => {
    const source = identity(platform.appService, clientId)
    expect(await source.token(scope)).toEqual({ ok: true, token: 'identity-token-1' })
    expect(platform.requests).toEqual([
      {
        path: '/msi/token',
        query: { 'api-version': '2019-08-01', resource, client_id: clientId },
        identityHeader: 'header-canary',
      },
    ])
  })

  test('of a virtual machine gets one from its metadata service', async () => {
    expect(await identity(platform.machine).token(scope)).toEqual({ ok: true, token: 'identity-token-1' })
    expect(platform.requests).toEqual([
      {
        path: '/metadata/identity/oauth2/token',
        query: { 'api-version': '2018-02-01', resource },
        metadata: 'true',
      },
    ])
  })

  test('is asked once by many who ask at once, and again five minutes before its token expires', async () => {
    const source = identity(platform.appService)
    await Promise.all(Array.from({ length: 20 }, () => source.token(scope)))
    clock.advance(54 * minuteMs)
    await source.token(scope)
    expect(platform.requests).toHaveLength(1)
    clock.advance(minuteMs)
    await source.token(scope)
    expect(platform.requests).toHaveLength(2)
  })

  test('is asked again for a token that was not accepted', async () => {
    const source = identity(platform.appService)
    await source.token(scope)
    expect(await source.token(scope, { fresh: true })).toEqual({ ok: true, token: 'identity-token-2' })
  })

  test('that does not answer for a while goes on with the token that is still good', async () => {
    const source = identity(platform.appService)
    const first = await source.token(scope)
    platform.fault = { status: 503 }
    clock.advance(57 * minuteMs)
    expect(await source.token(scope)).toEqual(first)
    clock.advance(3 * minuteMs)
    expect(await source.token(scope)).toMatchObject({ ok: false, code: 'unreachable' })
  })
})

describe('no token of a managed identity', () => {
  test.each([400, 401, 403])('HTTP %d: it is not there, with what to do', async (status) => {
    platform.fault = { status }
    expect(await identity(platform.appService, clientId).token(scope)).toEqual({
      ok: false,
      code: 'credentials',
      message: `The managed identity ${clientId} gave no token: the platform answered HTTP ${status}. Assign it to what this runs in, and compare its client id.`,
    })
  })

  test("without a client id it is the machine's own that is missing", async () => {
    platform.fault = { status: 400 }
    expect(await identity(platform.machine).token(scope)).toMatchObject({
      code: 'credentials',
      message: expect.stringContaining('system-assigned'),
    })
  })

  const passing: [string, PlatformFault][] = [
    ['while it is being updated (404)', { status: 404 }],
    ['while it is being updated (410)', { status: 410 }],
    ['when too many ask (429)', { status: 429 }],
    ['when it fails (500)', { status: 500 }],
    ['with a page of HTML', { status: 200, body: '<html>' }],
    ['without a token', { status: 200, body: '{}' }],
    ['without a time', { status: 200, body: '{"access_token":"canary"}' }],
  ]
  test.each(passing)('%s may come later, and is asked for once', async (_title, fault) => {
    platform.fault = fault
    const answer = await identity(platform.appService).token(scope)
    expect(answer).toMatchObject({ ok: false, code: 'unreachable' })
    expect(JSON.stringify(answer)).not.toContain('canary')
    expect(platform.requests).toHaveLength(1)
  })

  test('a redirect is not followed: what proves who we are stays here', async () => {
    const elsewhere = await FakePlatform.start()
    platform.fault = { status: 302, location: elsewhere.url }
    expect(await identity(platform.appService).token(scope)).toMatchObject({ code: 'unreachable' })
    expect(elsewhere.requests).toEqual([])
    await elsewhere.stop()
  })

  test('where nobody answers is said, and that it takes Azure', async () => {
    const gone = platform.machine
    await platform.stop()
    expect(await identity(gone).token(scope)).toEqual({
      ok: false,
      code: 'unreachable',
      message: expect.stringMatching(
        /^No managed identity answers on this machine \(127\.0\.0\.1:\d+: .*ECONNREFUSED.*on Azure only/,
      ),
    })
    platform = await FakePlatform.start()
  })

  test('where the metadata service hangs, as it does outside Azure, there is an end after ten seconds', async () => {
    platform.fault = 'hang'
    const asked = identity(platform.machine).token(scope)
    await platform.seen(1)
    clock.advance(10 * secondMs)
    expect(await asked).toMatchObject({
      ok: false,
      code: 'unreachable',
      message: expect.stringContaining('no answer in time'),
    })
  })
})

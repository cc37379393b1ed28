import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { minuteMs, secondMs } from '../../src/clock.js'
import { createCredentials, createTokenSources, type Issuer } from '../../src/credentials.js'
import { type FakeEntra, makeAppCertificate, startFakeEntra } from '../support/fake-entra.js'
import { TestClock } from '../support/test-clock.js'

const tenantId = '8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21'
const clientId = '5b0d1f6e-2c3a-4e8f-9b7d-a1c2e3f40516'
const secret = 'canary-of-a-secret'
const scope = 'https://outlook.office365.com/.default'

let entra: FakeEntra
let clock: TestClock

beforeEach(async () => {
  entra = await startFakeEntra({ [clientId]: { secret } })
  clock = new TestClock()
})

afterEach(() => entra.stop())

const issuer = (): Issuer => ({ authority: entra.url, ca: entra.ca, environment: {}, clock })
const credentials = (changes: Partial<Issuer & { secret: string }> = {}) =>
  createCredentials({ ...issuer(), tenantId, clientId, secret, ...changes })

describe('getting a token', () => {
  test('the secret gets one for the scope, from the authority that the settings name and no other', async () => {
    expect(await credentials().token(scope)).toEqual({
      ok: true,
      token: `token-1_of_${clientId}_for_${scope}`,
    })
    expect(entra.requests).toEqual([
      { path: `/${tenantId}/v2.0/.well-known/openid-configuration` },
      { path: `/${tenantId}/oauth2/v2.0/token`, clientId, scope, proof: 'secret' },
    ])
  })

  test('a certificate gets one too, and the secret key stays here', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warden-'))
    const certificatePath = join(folder, 'app.pem')
    const made = await makeAppCertificate()
    await writeFile(certificatePath, `${made.private}\n${made.cert}`)
    entra.apps.set(clientId, { certificate: made.cert })
    const source = createCredentials({ ...issuer(), tenantId, clientId, certificatePath })
    expect(await source.token(scope)).toEqual({ ok: true, token: expect.any(String) })
    expect(entra.tokenRequests()).toMatchObject([{ proof: 'certificate' }])
    await rm(folder, { recursive: true })
  })

  test('many who ask at once share one request', async () => {
    const source = credentials()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => source.token(scope)))
    expect(new Set(tokens.map((answer) => answer.ok && answer.token)).size).toBe(1)
    expect(entra.tokenRequests()).toHaveLength(1)
  })

  test('each scope has its own', async () => {
    const source = credentials()
    await source.token(scope)
    await source.token('https://api.botframework.com/.default')
    expect(entra.tokenRequests().map((request) => request.scope)).toEqual([
      scope,
      'https://api.botframework.com/.default',
    ])
  })

  test('a certificate authority that nobody named is not trusted', async () => {
    expect(await credentials({ ca: undefined }).token(scope)).toMatchObject({
      ok: false,
      code: 'unreachable',
    })
    expect(entra.requests).toEqual([])
  })
})

describe('keeping a token', () => {
  test('it is used until five minutes before it expires', async () => {
    const source = credentials()
    await source.token(scope)
    clock.advance(54 * minuteMs)
    await source.token(scope)
    expect(entra.tokenRequests()).toHaveLength(1)
    clock.advance(minuteMs)
    await source.token(scope)
    expect(entra.tokenRequests()).toHaveLength(2)
  })

  test('one that lives a second is used once', async () => {
    entra.tokenLifeSeconds = 1
    const source = credentials()
    expect(await source.token(scope)).toMatchObject({ ok: true })
    expect(await source.token(scope)).toMatchObject({ ok: true })
    expect(entra.tokenRequests()).toHaveLength(2)
  })

  test('a fresh one is asked for even if one is kept, and kept from then on', async () => {
    const source = credentials()
    await source.token(scope)
    const fresh = await source.token(scope, { fresh: true })
    expect(fresh).toEqual({ ok: true, token: `token-2_of_${clientId}_for_${scope}` })
    expect(await source.token(scope)).toEqual(fresh)
  })

  test('while Entra is away, one that is still good goes on being used until it expires', async () => {
    const source = credentials()
    const first = await source.token(scope)
    entra.fail({ kind: 'status', status: 503 })
    clock.advance(58 * minuteMs)
    expect(await source.token(scope)).toEqual(first)
    clock.advance(2 * minuteMs)
    expect(await source.token(scope)).toMatchObject({ ok: false, code: 'unreachable' })
    entra.recover()
    expect(await source.token(scope)).toMatchObject({ ok: true })
  })

  test('one that was not accepted is not used again because Entra is away', async () => {
    const source = credentials()
    await source.token(scope)
    entra.fail({ kind: 'status', status: 500 })
    expect(await source.token(scope, { fresh: true })).toMatchObject({ ok: false, code: 'unreachable' })
  })

  test('a failure is not kept: whoever asks next tries again', async () => {
    const source = credentials()
    entra.failNext({ kind: 'refuse', aadsts: '7000215', text: 'Invalid client secret provided.' })
    expect(await source.token(scope)).toMatchObject({ ok: false })
    expect(await source.token(scope)).toMatchObject({ ok: true })
  })
})

describe('no token', () => {
  test('a wrong secret is named as what it is, with what to do, without the secret', async () => {
    const answer = await credentials({ secret: `${secret}-mistyped` }).token(scope)
    expect(answer).toEqual({
      ok: false,
      code: 'credentials',
      message: `App ${clientId} could not sign in to tenant ${tenantId}. AADSTS7000215: the client secret is wrong; set the secret's value, not its id.`,
    })
  })

  test.each([
    ['7000222', 'has expired'],
    ['700016', 'does not know the app'],
    ['90002', 'no such tenant'],
    ['53003', 'Conditional Access'],
    ['99999', 'https://login.microsoftonline.com/error?code=99999'],
  ])('AADSTS%s is worded', async (aadsts, words) => {
    entra.failNext({ kind: 'refuse', aadsts, text: 'Long text with a Trace ID.', status: 400 })
    const answer = await credentials().token(scope)
    expect(answer).toMatchObject({ ok: false, code: 'credentials', message: expect.stringContaining(words) })
    expect(!answer.ok && answer.message).not.toContain('Trace ID')
  })

  test.each([
    ['a missing file', undefined],
    ['a file that is no certificate', 'canary-of-a-key'],
  ])('%s as the certificate is said, and nothing of what is in it', async (_, content) => {
    const folder = await mkdtemp(join(tmpdir(), 'warden-'))
    const certificatePath = join(folder, 'app.pem')
    if (content) await writeFile(certificatePath, content)
    const source = createCredentials({ ...issuer(), tenantId, clientId, certificatePath })
    const answer = await source.token(scope)
    expect(answer).toMatchObject({ ok: false, code: 'credentials' })
    expect(!answer.ok && answer.message).toContain('unusable')
    expect(!answer.ok && answer.message).not.toContain('canary')
    expect(entra.requests).toEqual([])
    await rm(folder, { recursive: true })
  })

  test('an authority that is not https is refused, and the secret is not sent', async () => {
    const answer = await credentials({ authority: 'http://127.0.0.1:9' }).token(scope)
    expect(answer).toMatchObject({
      ok: false,
      code: 'credentials',
      message: expect.stringContaining('https'),
    })
  })

  test.each([
    ['down with a web page', { kind: 'status', status: 500 }, 'HTTP 500'],
    ['busy', { kind: 'refuse', aadsts: '90055', text: 'Throttled.', status: 429 }, 'HTTP 429 (AADSTS90055)'],
    ['answering without a token', { kind: 'status', status: 200, body: '{}' }, 'HTTP 200'],
  ] as const)('Entra %s may answer later', async (_, fault, words) => {
    entra.failNext(fault)
    expect(await credentials().token(scope)).toMatchObject({
      ok: false,
      code: 'unreachable',
      message: expect.stringContaining(words),
    })
    expect(entra.tokenRequests()).toHaveLength(1)
  })

  test.each([302, 307])(
    'a redirect (HTTP %d) is not followed: the secret stays with the authority',
    async (status) => {
      const elsewhere = await startFakeEntra({ [clientId]: { secret } })
      const location = `${elsewhere.url}/${tenantId}/oauth2/v2.0/token`
      entra.failNext({ kind: 'status', status, headers: { location } })
      expect(await credentials().token(scope)).toMatchObject({ ok: false, code: 'unreachable' })
      const sameAuthority = { location: location.replace(elsewhere.url, entra.url) }
      entra.failNext({ kind: 'status', status, headers: sameAuthority })
      expect(await credentials().token(scope)).toMatchObject({ ok: false, code: 'unreachable' })
      expect(elsewhere.requests).toEqual([])
      await elsewhere.stop()
    },
  )

  test('Entra gets ten seconds', async () => {
    entra.failNext({ kind: 'hang' })
    const asked = credentials().token(scope)
    await entra.seen(1)
    clock.advance(10 * secondMs)
    expect(await asked).toMatchObject({
      ok: false,
      code: 'unreachable',
      message: expect.stringContaining('10 seconds'),
    })
  })

  test('an authority where nobody listens is unreachable', async () => {
    const { url } = entra
    await entra.stop()
    expect(await credentials({ authority: url }).token(scope)).toMatchObject({
      ok: false,
      code: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('a federated token', () => {
  let folder: string
  let federatedTokenFile: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warden-'))
    federatedTokenFile = join(folder, 'token')
    entra.apps.set(clientId, { federatedToken: 'token.of-the.cluster' })
  })
  afterEach(() => rm(folder, { recursive: true }))

  const federated = () => createCredentials({ ...issuer(), tenantId, clientId, federatedTokenFile })

  test('signs the app in without any secret of its own', async () => {
    await writeFile(federatedTokenFile, 'token.of-the.cluster\n')
    expect(await federated().token(scope)).toEqual({ ok: true, token: `token-1_of_${clientId}_for_${scope}` })
    expect(entra.tokenRequests()).toMatchObject([{ clientId, scope, proof: 'federated' }])
  })

  test('is read anew each time, because the platform renews it', async () => {
    const source = federated()
    await writeFile(federatedTokenFile, 'token.of-the.cluster')
    await source.token(scope)
    await writeFile(federatedTokenFile, 'token.that-is.newer')
    entra.apps.set(clientId, { federatedToken: 'token.that-is.newer' })
    expect(await source.token(scope, { fresh: true })).toMatchObject({ ok: true })
  })

  test('that the app does not trust is said, with what to compare, and not shown', async () => {
    await writeFile(federatedTokenFile, 'canary.of-a.token')
    const answer = await federated().token(scope)
    expect(answer).toEqual({
      ok: false,
      code: 'credentials',
      message: `App ${clientId} could not sign in to tenant ${tenantId}. AADSTS700213: the app trusts no federated token like this one; compare issuer, subject and audience with its federated credentials.`,
    })
  })

  test('whose file never ends, as on a network drive that hangs, is waited for no longer than ten seconds', async () => {
    execFileSync('mkfifo', [federatedTokenFile])
    const asked = federated().token(scope)
    clock.advance(10 * secondMs)
    expect(await asked).toMatchObject({
      ok: false,
      code: 'unreachable',
      message: expect.stringContaining('10 seconds'),
    })
    await writeFile(federatedTokenFile, '')
  })

  test.each([
    ['is missing', undefined, 'cannot be read (ENOENT)'],
    ['is empty', ' \n', 'is empty'],
  ])('whose file %s is said, with the file, and Entra is not asked', async (_title, content, words) => {
    if (content !== undefined) await writeFile(federatedTokenFile, content)
    expect(await federated().token(scope)).toMatchObject({
      ok: false,
      code: 'credentials',
      message: expect.stringContaining(`${federatedTokenFile} ${words}`),
    })
    expect(entra.requests).toEqual([])
  })
})

describe('sources of tokens', () => {
  test('are shared by whatever has the same app, tenant and proof, in whatever order that is written', async () => {
    const sourceOf = createTokenSources(issuer())
    const one = sourceOf({ tenantId, clientId, secret })
    expect(sourceOf({ secret, clientId, tenantId })).toBe(one)
    await Promise.all([one.token(scope), sourceOf({ tenantId, clientId, secret }).token(scope)])
    expect(entra.tokenRequests()).toHaveLength(1)
  })

  test.each([
    ['another secret', { tenantId, clientId, secret: 'another' }],
    ['another tenant', { tenantId: clientId, clientId, secret }],
    ['another app', { tenantId, clientId: tenantId, secret }],
    ['another kind of proof', { tenantId, clientId, certificatePath: secret }],
  ])('are not shared with %s', (_title, credential) => {
    const sourceOf = createTokenSources(issuer())
    expect(sourceOf(credential)).not.toBe(sourceOf({ tenantId, clientId, secret }))
  })
})

test("the fake's authority can be written for processes that a test starts", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warden-'))
  await entra.writeCa(join(folder, 'ca.pem'))
  expect(await readFile(join(folder, 'ca.pem'), 'utf8')).toContain('BEGIN CERTIFICATE')
  await rm(folder, { recursive: true })
})

import { pino } from 'pino'
import { minuteMs } from '../../src/clock.js'
import type { TokenSource } from '../../src/credentials.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Connection } from '../../src/exchange/connection.js'
import { faults, type SimulatedFault } from '../../src/exchange/simulated-faults.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { trustedUrl } from '../../src/exchange/trusted-url.js'
import { answering, connectionTo, tenantId } from '../support/exchange-adapters.js'
import { startFakeEntra } from '../support/fake-entra.js'
import { TestClock } from '../support/test-clock.js'

const connectorId = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'
const path = `/adminapi/beta/${tenantId}/InvokeCommand`

let clock: TestClock
let tenant: SimulatedTenant
let admitted: (token: string, cmdlet: string) => boolean

beforeEach(async () => {
  clock = new TestClock()
  admitted = () => true
  tenant = createSimulatedTenant({
    tenantId,
    clock,
    lagMs: minuteMs,
    admits: (token, cmdlet) => admitted(token, cmdlet),
  })
  await tenant.start()
})

afterEach(() => tenant.stop())

/** Always the same token, and a new one each time it is asked for a fresh one. */
function tokensNamed(name: string): TokenSource & { asked: { fresh: boolean }[] } {
  const asked: { fresh: boolean }[] = []
  let generation = 1
  return {
    asked,
    token: async (_scope, { fresh = false } = {}) => {
      asked.push({ fresh })
      if (fresh) generation++
      return { ok: true, token: `${name}-${generation}` }
    },
  }
}

const exchangeWith = (settings: Partial<Connection> = {}) =>
  createAdminApi({ ...connectionTo(tenant, clock), tokens: tokensNamed('reader'), ...settings })

const read = (fault: SimulatedFault) => {
  tenant.faults.next('Get-BlockedConnector', fault)
  return exchangeWith().restricted()
}

async function remove(settings: Partial<Connection> = {}) {
  const ready = await exchangeWith(settings).readyRemoval(connectorId, 'CR-42')
  if (!ready.ok) throw new Error(ready.message)
  return ready.removal.send()
}

describe('what a request carries', () => {
  test('it names the cmdlet, the tenant and an anchor mailbox, and asks for no compression', async () => {
    const exchange = exchangeWith()
    await exchange.restricted()
    await exchange.inboundConnectors()
    const [first, second] = tenant.log.map(({ headers }) => headers)
    expect(tenant.log[0]).toMatchObject({ cmdlet: 'Get-BlockedConnector', parameters: {}, authorized: true })
    expect(tenant.log[0]?.url.pathname).toBe(path)
    expect(first).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json;charset=utf-8',
      'accept-encoding': 'identity',
      'x-anchormailbox': `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${tenantId}`,
      prefer: 'odata.maxpagesize=1000',
    })
    expect(second?.['connection-id']).toBe(first?.['connection-id'])
    expect(second?.['client-request-id']).not.toBe(first?.['client-request-id'])
  })

  test('the reason is one line of at most 500 characters', async () => {
    const ready = await exchangeWith().readyRemoval(
      connectorId,
      `CR-42\r\n\tby\u2028Adele\u0000 ${'x'.repeat(600)}`,
    )
    if (ready.ok) await ready.removal.send()
    const reason = String(tenant.log[0]?.parameters.Reason)
    expect(reason).toMatch(/^CR-42 by Adele x+$/)
    expect(reason).toHaveLength(500)
  })
})

describe('rows', () => {
  const listOf = (...rows: object[]) => answering(200, { value: rows })

  test.each([
    ['ConnectorName before Name', { ConnectorName: 'A', Name: 'B' }, { connectorName: 'A' }],
    ['Name', { Name: 'B' }, { connectorName: 'B' }],
    ['a blank name as none', { ConnectorName: ' ', Name: 7 }, { connectorName: undefined }],
    ['CreatedDateTime', { CreatedDateTime: '2026-01-01' }, { createdAt: '2026-01-01' }],
    ['CreatedTime', { CreatedTime: '2026-01-02' }, { createdAt: '2026-01-02' }],
    ['WhenCreatedUTC', { WhenCreatedUTC: '2026-01-03' }, { createdAt: '2026-01-03' }],
    ['names in any case', { connectorNAME: 'C', REASON: 'spam' }, { connectorName: 'C', reason: 'spam' }],
  ])('understands %s', async (_, properties, expected) => {
    const listed = await read(listOf({ ConnectorId: connectorId.toUpperCase(), ...properties }))
    expect(listed).toMatchObject({ ok: true, complete: true, rows: [{ connectorId, ...expected }] })
  })

  test('a row that is repeated on the next page counts once', async () => {
    const listed = await read(
      listOf({ ConnectorId: connectorId }, { ConnectorId: connectorId, Name: 'newer' }),
    )
    expect(listed).toMatchObject({ rows: [{ connectorId, connectorName: 'newer' }] })
  })

  test.each([
    ['no id', { Name: 'secret name' }],
    ['an id that is no GUID', { ConnectorId: '*', Name: 'secret name' }],
    ['nothing that is a row', 'secret name'],
    ['a row that is null', null],
  ])('a row with %s makes the read incomplete and does not hide the others', async (_, row) => {
    const listed = await read(answering(200, { value: [row, { ConnectorId: connectorId }] }))
    expect(listed).toMatchObject({ ok: true, complete: false, rows: [{ connectorId }] })
  })

  test('a list that Exchange says it has cut makes the read incomplete', async () => {
    const warning = 'There are more results available than are currently displayed.'
    const listed = await read(answering(200, { '@adminapi.warnings': [warning], value: [] }))
    expect(listed).toMatchObject({ ok: true, complete: false })
  })

  test('an incomplete read is logged once, by the names of the properties, until a read is complete', async () => {
    const lines: string[] = []
    const exchange = exchangeWith({ log: pino({ level: 'debug' }, { write: (line) => lines.push(line) }) })
    tenant.restrict()
    const readWith = (fault?: SimulatedFault) => {
      if (fault) tenant.faults.next('Get-BlockedConnector', fault)
      return exchange.restricted()
    }
    await readWith(listOf({ 'Name@data.type': 'System.String', Name: 'secret name' }))
    await readWith({ kind: 'rowWithoutId' })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ cmdlet: 'Get-BlockedConnector', properties: ['name'] })
    expect(lines[0]).not.toContain('secret name')
    await readWith()
    await readWith({ kind: 'rowWithoutId' })
    expect(lines).toHaveLength(2)
  })

  test('the row as it came is kept, within bounds, without annotations and without what is no plain value', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`Property${at}`, at]))
    const listed = await read(
      listOf({
        'ConnectorId@data.type': 'System.Guid',
        ConnectorId: connectorId,
        Expires: null,
        Hosts: ['a', 'b'],
        Permanent: false,
        Count: 7,
        Reason: 'x'.repeat(1_000),
        ...many,
      }),
    )
    const raw = listed.ok ? (listed.rows[0]?.raw ?? {}) : {}
    expect(raw).toMatchObject({
      ConnectorId: connectorId,
      Permanent: 'false',
      Count: '7',
      Reason: 'x'.repeat(200),
      Property0: '0',
    })
    expect(Object.keys(raw)).toHaveLength(30)
    for (const absent of ['Expires', 'Hosts', 'ConnectorId@data.type']) expect(raw).not.toHaveProperty(absent)
  })
})

describe('only HTTP 200 with a list says that nothing is restricted', () => {
  test.each<[string, SimulatedFault]>([
    ['value null', faults.noList],
    ['an empty body', faults.empty],
    ['HTTP 204', answering(204)],
    ['a sign-in page', faults.html],
    ['a bare list', answering(200, [])],
    ['a body that is not what its encoding says', { ...faults.blankForbidden, status: 200 }],
    ['a page that breaks off', { kind: 'cutOff' }],
  ])('%s is a failed read', async (_, fault) => {
    tenant.restrict()
    expect(await read(fault)).toMatchObject({ ok: false, code: 'unreadable', retryable: true })
  })

  test('an error inside HTTP 200 is a failed read', async () => {
    const failure = await read(answering(200, { error: { message: 'Bad luck.' }, value: [] }))
    expect(failure).toMatchObject({
      ok: false,
      code: 'serverError',
      message: expect.stringContaining('Bad luck'),
    })
  })

  test('a read whose second page fails has failed', async () => {
    tenant.faults.next(
      'Get-BlockedConnector',
      answering(200, { value: [], '@odata.nextLink': `${path}?page=2` }),
    )
    expect(await read(answering(503))).toMatchObject({ ok: false, code: 'serverError' })
    expect(tenant.log.map(({ url }) => url.search)).toEqual(['', '?page=2'])
  })

  test('a list without end fails after a hundred pages', async () => {
    tenant.faults.always('Get-BlockedConnector', answering(200, { value: [], '@odata.nextLink': path }))
    expect(await exchangeWith().restricted()).toMatchObject({ ok: false, code: 'unreadable' })
    expect(tenant.log).toHaveLength(100)
  })
})

describe('where the token goes', () => {
  let elsewhere: SimulatedTenant
  beforeEach(async () => {
    elsewhere = createSimulatedTenant({ tenantId, clock, lagMs: 0 })
    await elsewhere.start()
  })
  afterEach(() => elsewhere.stop())

  test('never to a next page on another host', async () => {
    const link = `${elsewhere.url}${path}`
    expect(await read(answering(200, { value: [], '@odata.nextLink': link }))).toMatchObject({
      ok: false,
      code: 'unreadable',
    })
    expect(elsewhere.log).toEqual([])
  })

  test('never to another host that a redirect names', async () => {
    expect(await read(faults.redirect(`${elsewhere.url}${path}`))).toMatchObject({
      ok: false,
      code: 'unreadable',
    })
    tenant.faults.next('Remove-BlockedConnector', faults.redirect(`${elsewhere.url}${path}`))
    expect(await remove()).toMatchObject({ kind: 'unknown' })
    expect(elsewhere.log).toEqual([])
  })

  test('a redirect within Exchange is followed by reads, and the removal goes there too', async () => {
    tenant.restrict()
    tenant.faults.next('Get-BlockedConnector', faults.redirect(`${path}?region=eu`))
    const exchange = exchangeWith()
    expect(await exchange.restricted()).toMatchObject({ ok: true, rows: [{ connectorId }] })
    const ready = await exchange.readyRemoval(connectorId, 'CR-42')
    expect(ready.ok && (await ready.removal.send())).toEqual({ kind: 'accepted' })
    expect(tenant.log.map(({ url }) => url.search)).toEqual(['', '?region=eu', '?region=eu'])
  })

  test('a region that stops answering is given up for the configured host', async () => {
    const exchange = exchangeWith()
    for (const fault of [faults.redirect(`${path}?region=eu`), answering(200, { value: [] }), answering(503)])
      tenant.faults.next('Get-BlockedConnector', fault)
    for (const _ of [1, 2, 3]) await exchange.restricted()
    expect(tenant.log.map(({ url }) => url.search)).toEqual(['', '?region=eu', '?region=eu', ''])
  })

  test('a region that is only busy is not given up', async () => {
    const exchange = exchangeWith()
    for (const fault of [faults.redirect(`${path}?region=eu`), faults.tooManyRequests()])
      tenant.faults.next('Get-BlockedConnector', fault)
    for (const _ of [1, 2]) await exchange.restricted()
    expect(tenant.log.map(({ url }) => url.search)).toEqual(['', '?region=eu', '?region=eu'])
  })

  test('redirects in a circle end', async () => {
    tenant.faults.always('Get-BlockedConnector', faults.redirect(path))
    expect(await exchangeWith().restricted()).toMatchObject({ ok: false, code: 'unreadable' })
    expect(tenant.log).toHaveLength(4)
  })

  test.each([
    ['https://eu.outlook.office365.com/a', true],
    ['https://outlook.office365.com:443/a', true],
    ['/relative', true],
    ['http://outlook.office365.com/a', false],
    ['https://outlook.office365.com:8443/a', false],
    ['https://outlook.office365.com.evil.example/a', false],
    ['https://evil-office365.com/a', false],
    ['https://outlook.office365.us/a', false],
    ['https://outlook.office365.com@evil.example/a', false],
    ['https://me:pw@outlook.office365.com/a', false],
    ['javascript:alert(1)', false],
    ['https://', false],
  ])('%s is trusted: %s', (candidate, trusted) => {
    expect(trustedUrl(candidate, new URL('https://outlook.office365.com')) !== undefined).toBe(trusted)
  })
})

describe('errors', () => {
  test('say the part that is meant for people, and neither ids, types nor stack traces', async () => {
    const failure = await read(faults.refusal(404, 'NotFound', "object 'X' couldn't be found."))
    expect(failure).toEqual({
      ok: false,
      code: 'unreadable',
      message:
        "Exchange did not find what Get-BlockedConnector asks for (HTTP 404): object 'X' couldn't be found",
      retryable: false,
      requestId: '00000000-0000-4000-8000-000000000001',
      clientRequestId: tenant.log[0]?.headers['client-request-id'],
    })
  })

  test.each([
    ['details', { Details: [{ Message: 'E1|Type|from details' }], message: 'general' }, 'from details'],
    [
      'the inner exception',
      {
        innererror: { internalException: { message: 'from inside', stacktrace: 'at X' } },
        message: 'general',
      },
      'from inside',
    ],
    ['the message', { details: [{ message: ' ' }], message: 'general\nadvice' }, 'general advice'],
  ])('are worded by %s first', async (_, error, words) => {
    const failure = await read(answering(400, { error }))
    expect(failure).toMatchObject({
      ok: false,
      message: `Exchange refused Get-BlockedConnector (HTTP 400): ${words}`,
    })
  })

  test('are shortened', async () => {
    const failure = await read(answering(400, { error: { message: 'x'.repeat(10_000) } }))
    expect(!failure.ok && failure.message.length).toBeLessThan(400)
  })

  test.each<[string, SimulatedFault]>([
    ['that cannot be decoded', faults.blankForbidden],
    ['with words', faults.refusal(403, 'Forbidden', 'Access denied.')],
    ['without a body', answering(403)],
  ])('a 403 %s is a missing permission, and says which role to give', async (_, fault) => {
    expect(await read(fault)).toMatchObject({
      ok: false,
      code: 'permission',
      retryable: false,
      message: expect.stringContaining('Security Reader'),
    })
  })

  test.each([200, 400, 403, 500, 503])(
    'the plain-text throttle is one under status %d too',
    async (status) => {
      const failure = await read({ ...faults.throttledInPlainText, status } as SimulatedFault)
      expect(failure).toMatchObject({ ok: false, code: 'throttled', retryable: true })
    },
  )

  test.each([
    ['17', 17_000],
    ['300', 120_000],
    ['Sun, 22 Nov 2026 03:00:40 GMT', 40_000],
    ['Sun, 22 Nov 2026 02:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('Retry-After %s asks for a wait of %s ms', async (header, retryAfterMs) => {
    const failure = await read(faults.tooManyRequests(header))
    expect(failure).toMatchObject({ ok: false, code: 'throttled', retryable: true })
    expect(!failure.ok && failure.retryAfterMs).toBe(retryAfterMs)
  })

  test.each([
    [500, 'serverError'],
    [502, 'serverError'],
    [503, 'serverError'],
    [504, 'serverError'],
    [408, 'timeout'],
  ])('HTTP %d is worth another read', async (status, code) => {
    expect(await read(answering(status))).toMatchObject({ ok: false, code, retryable: true })
  })

  test('a connection that breaks is worth another read', async () => {
    expect(await read({ kind: 'reset' })).toMatchObject({ ok: false, code: 'unreachable', retryable: true })
  })
})

describe('tokens', () => {
  test('one that is not accepted is renewed once, and the read succeeds', async () => {
    admitted = (token) => token === 'reader-2'
    const tokens = tokensNamed('reader')
    expect(await exchangeWith({ tokens }).restricted()).toMatchObject({ ok: true })
    expect(tokens.asked).toEqual([{ fresh: false }, { fresh: true }])
  })

  test('a second one that is not accepted fails the read', async () => {
    admitted = () => false
    expect(await exchangeWith().restricted()).toMatchObject({
      ok: false,
      code: 'credentials',
      retryable: false,
      message: expect.stringContaining('Exchange.ManageAsApp'),
    })
    expect(tenant.log).toHaveLength(2)
  })

  test.each([
    ['credentials', false],
    ['unreachable', true],
  ] as const)('without one (%s) nothing is sent, and reading again helps: %s', async (code, retryable) => {
    let asked = 0
    const tokens: TokenSource = {
      token: async () => {
        asked++
        return { ok: false, code, message: 'No token.' }
      },
    }
    const failure = { ok: false, code, message: 'No token.', retryable }
    expect(await exchangeWith({ tokens }).restricted()).toEqual(failure)
    expect(await exchangeWith({ tokens }).readyRemoval(connectorId, 'CR-42')).toEqual(failure)
    expect(tenant.log).toEqual([])
    expect(asked).toBe(2)
  })

  test('a removal takes those of its own app, if it has one', async () => {
    tenant.restrict()
    admitted = (token, cmdlet) => token === (cmdlet === 'Remove-BlockedConnector' ? 'remover-1' : 'reader-1')
    const exchange = exchangeWith({ unblockTokens: tokensNamed('remover') })
    expect(await exchange.restricted()).toMatchObject({ ok: true })
    const ready = await exchange.readyRemoval(connectorId, 'CR-42')
    expect(ready.ok && (await ready.removal.send())).toEqual({ kind: 'accepted' })
  })

  test('without one a removal gives its turn back', async () => {
    const unblockTokens: TokenSource = {
      token: async () => ({ ok: false, code: 'unreachable', message: 'No token.' }),
    }
    const exchange = exchangeWith({ unblockTokens })
    expect(await exchange.readyRemoval(connectorId, 'CR-42')).toMatchObject({ ok: false })
    expect(await exchange.auditing()).toMatchObject({ ok: true })
  })

  test('one that a removal was refused with is renewed for the next removal, not for that one', async () => {
    tenant.restrict()
    admitted = (token) => token === 'reader-2'
    const exchange = exchangeWith()
    const attempt = async () => {
      const ready = await exchange.readyRemoval(connectorId, 'CR-42')
      return ready.ok && ready.removal.send()
    }
    expect(await attempt()).toMatchObject({ kind: 'notDone' })
    expect(tenant.log).toHaveLength(1)
    expect(await attempt()).toEqual({ kind: 'accepted' })
  })
})

describe('what a removal came to', () => {
  const trace = 'request-id 00000000-0000-4000-8000-000000000001'

  test.each<[string, SimulatedFault]>([
    ['an empty list', answering(200, { value: [] })],
    ['value null', faults.noList],
    ['an empty body', faults.empty],
    ['HTTP 204', answering(204)],
    ['a warning', answering(200, { '@adminapi.warnings': ['It may take an hour.'], value: [] })],
  ])('%s means that Exchange accepted it', async (_, fault) => {
    tenant.faults.next('Remove-BlockedConnector', fault)
    expect(await remove()).toEqual({ kind: 'accepted' })
  })

  test.each<[string, SimulatedFault, string]>([
    ['a refusal in words', faults.refusal(400, 'BadRequest', 'Too many unblocks.'), 'Too many unblocks'],
    ['HTTP 401', answering(401), 'did not accept the app'],
    ['HTTP 403', answering(403), 'Security Administrator'],
    ['HTTP 403 that cannot be decoded', faults.blankForbidden, 'Security Administrator'],
    ['HTTP 429', faults.tooManyRequests('5'), 'Exchange is busy'],
    ['the plain-text throttle', faults.throttledInPlainText, 'Exchange is busy'],
  ])('%s means that it was not done, with cause and request id', async (_, fault, cause) => {
    tenant.faults.next('Remove-BlockedConnector', fault)
    const outcome = await remove()
    expect(outcome).toMatchObject({ kind: 'notDone', cause: expect.stringContaining(cause) })
    expect(outcome).toMatchObject({ cause: expect.stringContaining(`Nothing was removed (${trace}).`) })
    expect(tenant.log).toHaveLength(1)
  })

  test.each<[string, SimulatedFault]>([
    ['HTTP 404', faults.refusal(404, 'NotFound', 'No such object.')],
    ['HTTP 408', answering(408)],
    ['HTTP 500', answering(500)],
    ['HTTP 503', answering(503, '', { 'retry-after': '1' })],
    ['a redirect within Exchange', faults.redirect(`${path}?region=eu`)],
    ['a sign-in page', faults.html],
    ['an error inside HTTP 200', answering(200, { error: { message: 'No.' } })],
    ['a body that breaks off', { kind: 'cutOff' }],
    ['HTTP 400 that cannot be read', answering(400, '<html>')],
    ['a connection that breaks', { kind: 'reset' }],
  ])('after %s nobody knows, and it is not sent again', async (_, fault) => {
    tenant.restrict()
    tenant.faults.next('Remove-BlockedConnector', fault)
    expect(await remove()).toMatchObject({ kind: 'unknown', cause: expect.any(String) })
    expect(tenant.log).toHaveLength(1)
  })

  test('for a connector that is not listed the list has to tell', async () => {
    expect(await remove()).toMatchObject({ kind: 'unknown', cause: expect.stringContaining('did not find') })
  })

  test('one that nobody answered is told by our own id of the call, and so is the log', async () => {
    const lines: string[] = []
    tenant.faults.next('Remove-BlockedConnector', { kind: 'reset' })
    const outcome = await remove({ log: pino({}, { write: (line) => lines.push(line) }) })
    const clientRequestId = tenant.log[0]?.headers['client-request-id']
    expect(outcome).toMatchObject({
      cause: expect.stringContaining(`(client-request-id ${clientRequestId})`),
    })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ code: 'unreachable', clientRequestId }])
  })

  test('a host whose certificate is not trusted was sent nothing', async () => {
    const stranger = await startFakeEntra({})
    expect(await remove({ url: stranger.url })).toMatchObject({
      kind: 'notDone',
      cause: expect.stringContaining('nothing was sent'),
    })
    expect(stranger.requests).toEqual([])
    await stranger.stop()
  })

  test('a host without an address was sent nothing', async () => {
    expect(await remove({ url: `http://${'too-long'.repeat(10)}.localhost` })).toMatchObject({
      kind: 'notDone',
      cause: expect.stringContaining('nothing was sent'),
    })
  })
})

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { BotConnectorAuthentication } from '../../bot/channel-authentication.js'
import { createServer as createBotServer } from '../../bot/server.js'
import { minuteMs, secondMs } from '../../src/clock.js'
import type { FakeMessage } from '../support/fake-teams.js'
import { postOf, speak, speakOn, statusOf } from '../support/raw-http.js'
import { silentLog } from '../support/silent-log.js'
import { botAppId, cast, homeTenant, issuer, Story } from '../support/story.js'
import { TestClock } from '../support/test-clock.js'

const notAuthenticated = { error: 'not authenticated' }
const noActivity = { error: 'not an activity of Microsoft Teams' }
const elsewhere = '99999999-9999-4999-8999-999999999999'

let story: Story
let card: FakeMessage

let notes = 0
/** A click that works, if it is let in; each one is another note. */
const click = (changes: object = {}) =>
  story.activity(cast.rae, {
    type: 'invoke',
    name: 'adaptiveCard/action',
    replyToId: card.id,
    value: {
      action: {
        type: 'Action.Execute',
        verb: 'x',
        data: { verb: 'note', incident: 'CR-1', note: `Note ${++notes}` },
      },
    },
    ...changes,
  })

/** Everything that a turn would leave behind: calls to Teams and Exchange, and lines of the record. */
const traces = async (): Promise<object> => {
  await story.quiet()
  const journal = await readFile(join(story.folder, 'data', 'journal.jsonl'), 'utf8')
  return { teams: story.teams.requests.length, exchange: story.exchange.log.length, journal: journal.length }
}

/** Sends something and makes sure that nobody but the door has noticed. */
const atTheDoor = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
  const before = await traces()
  const answer = await send()
  expect(await traces()).toEqual(before)
  return answer
}

const post = async (body: string | Buffer, headers: Record<string, string> = {}) => {
  const response = await fetch(`http://127.0.0.1:${story.bot.port}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: new Uint8Array(Buffer.from(body)),
  })
  return { status: response.status, text: await response.text() }
}

const genuine = async () => `Bearer ${await story.teams.token(story.claims())}`
const isServed = async (authorization?: string) => {
  const edits = card.edits.length
  const answer = await story.send(click(), authorization)
  expect(answer).toMatchObject({ status: 200, body: { type: 'application/vnd.microsoft.card.adaptive' } })
  await story.until('the card, edited', () => card.edits.length > edits)
}
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

describe('the front door', () => {
  beforeAll(async () => {
    story = await Story.watching()
    story.exchange.restrict()
    await story.pass(minuteMs)
    card = await story.card('CR-1')
  })
  afterAll(() => story.end())

  describe('with a token that covers the request', () => {
    test('a click is served', () => isServed())

    test.each([
      ['ran out four minutes ago', { exp: -240 }],
      ['begins in four minutes', { nbf: 240 }],
    ])('clocks may differ by five minutes: one that %s is served', async (_what, offsets) => {
      const now = Math.floor(Date.parse(story.clock.now()) / 1_000)
      const times = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]))
      await isServed(`Bearer ${await story.teams.token({ ...story.claims(), ...times })}`)
    })
  })

  describe('a token that does not cover the request gets 401, and nothing happens', () => {
    const now = () => Math.floor(Date.parse(story.clock.now()) / 1_000)
    const without = (name: string): JWTPayload => {
      const { [name]: _left, ...rest } = story.claims()
      return rest
    }
    const changed = (changes: object) => (): JWTPayload => ({ ...story.claims(), ...changes })
    const entra = (iss: string) =>
      changed({ iss, aud: botAppId, azp: botAppId, appid: botAppId, tid: elsewhere })

    const claims: [string, () => JWTPayload][] = [
      ['ran out ten minutes ago', () => ({ ...story.claims(), exp: now() - 600 })],
      ['begins in ten minutes', () => ({ ...story.claims(), nbf: now() + 600 })],
      ['never runs out', () => without('exp')],
      ['does not say when it begins', () => without('nbf')],
      ['names no service URL', () => without('serviceurl')],
      ['names an empty service URL', changed({ serviceurl: '' })],
      ['names another service URL', changed({ serviceurl: 'https://smba.trafficmanager.net/teams/' })],
      [
        'names the service URL with one more slash',
        () => ({ ...story.claims(), serviceurl: `${story.teams.url}/` }),
      ],
      ['names service URLs in a list', () => ({ ...story.claims(), serviceurl: [story.teams.url] })],
      ['is for another bot', changed({ aud: elsewhere })],
      ['is for the Bot Framework itself', changed({ aud: issuer })],
      ['is for nobody', () => without('aud')],
      ['has no issuer', () => without('iss')],
      ['is issued by somebody else', changed({ iss: 'https://evil.example' })],
      ['is issued by almost the right one', changed({ iss: `${issuer}/` })],
      ['is of another cloud', changed({ iss: 'https://api.botframework.us' })],
      ['is an Entra token, v1, of a foreign tenant', entra(`https://sts.windows.net/${elsewhere}/`)],
      ['is an Entra token, v1, of the home tenant', entra(`https://sts.windows.net/${homeTenant}/`)],
      [
        'is an Entra token, v2, of a foreign tenant',
        entra(`https://login.microsoftonline.com/${elsewhere}/v2.0`),
      ],
      [
        'is an Entra token, v2, of the home tenant',
        entra(`https://login.microsoftonline.com/${homeTenant}/v2.0`),
      ],
      ['is of the emulator', entra('https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/')],
    ]
    test.each(claims)('one that %s', async (_what, claimsOf) => {
      const answer = await atTheDoor(async () =>
        story.send(click(), `Bearer ${await story.teams.token(claimsOf())}`),
      )
      expect(answer).toMatchObject({ status: 401, body: notAuthenticated })
    })

    const forgeries: [string, () => Promise<string>][] = [
      [
        'signed with a key of one’s own under the right name',
        async () => {
          const { privateKey } = await generateKeyPair('RS256')
          return new SignJWT(story.claims())
            .setProtectedHeader({ alg: 'RS256', kid: 'endorsed' })
            .sign(privateKey)
        },
      ],
      [
        'that brings its own key along',
        async () => {
          const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
          const x5c = [Buffer.from(await exportSPKI(publicKey)).toString('base64')]
          return new SignJWT(story.claims())
            .setProtectedHeader({ alg: 'RS256', kid: 'endorsed', x5c, jku: 'https://evil.example/keys' })
            .sign(privateKey)
        },
      ],
      [
        'signed with a key that nobody published',
        () => story.teams.token(story.claims(), { kid: 'unknown' }),
      ],
      [
        'signed with a key that is endorsed for nothing',
        () => story.teams.token(story.claims(), { key: 'unendorsed' }),
      ],
      [
        'signed with a shared secret that is the public key',
        async () => {
          const response = await fetch(`${story.teams.url}/keys`)
          const secret = new TextEncoder().encode(await response.text())
          return new SignJWT(story.claims())
            .setProtectedHeader({ alg: 'HS256', kid: 'endorsed' })
            .sign(secret)
        },
      ],
      ['without a signature', async () => `${encode({ alg: 'none' })}.${encode(story.claims())}.`],
      [
        'that says it has no signature, and has one',
        async () => `${encode({ alg: 'none', kid: 'endorsed' })}.${encode(story.claims())}.AAAA`,
      ],
      [
        'whose claims were changed after it was signed',
        async () => {
          const [head, , signature] = (await story.teams.token({ ...story.claims(), aud: elsewhere })).split(
            '.',
          )
          return [head, encode(story.claims()), signature].join('.')
        },
      ],
      ['that is no token at all', async () => 'a.b.c'],
      [
        'that is half of one',
        async () => (await story.teams.token(story.claims())).split('.').slice(0, 2).join('.'),
      ],
      ['with something behind it', async () => `${await story.teams.token(story.claims())}.x`],
      ['that is empty', async () => ''],
    ]
    test.each(forgeries)('one %s', async (_what, forge) => {
      const answer = await atTheDoor(async () => story.send(click(), `Bearer ${await forge()}`))
      expect(answer).toMatchObject({ status: 401, body: notAuthenticated })
    })

    test.each([
      ['no token', async () => ({})],
      ['another scheme', async () => ({ authorization: (await genuine()).replace('Bearer', 'Basic') })],
      [
        'a token without its scheme',
        async () => ({ authorization: (await genuine()).replace('Bearer ', '') }),
      ],
    ])('%s', async (_what, headersOf) => {
      const answer = await atTheDoor(async () => post(JSON.stringify(click()), await headersOf()))
      expect(answer).toEqual({ status: 401, text: JSON.stringify(notAuthenticated) })
    })

    test('a token that was issued for another activity of another service URL', async () => {
      const activity = click({ serviceUrl: 'https://smba.trafficmanager.net/teams/' })
      const answer = await atTheDoor(async () => story.send(activity, await genuine()))
      expect(answer).toMatchObject({ status: 401, body: notAuthenticated })
    })
  })

  describe('a service URL that is not Teams’ is refused even with a token that names it', () => {
    const heard: string[] = []
    const evil = createServer((request, response) => {
      heard.push(`${request.url} ${request.headers.authorization}`)
      response.end('{}')
    })
    beforeAll(() => new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve)))
    afterAll(() => new Promise((resolve) => evil.close(resolve)))

    test.each([
      ['another port of an allowed address', (own: number) => `http://127.0.0.1:${own}/`],
      ['an allowed host in front of an @', (own: number) => `http://${story.teams.host}@127.0.0.1:${own}/`],
      ['a user name', () => story.teams.url.replace('http://', 'http://evil@')],
      ['an address', () => 'https://203.0.113.5/'],
      ['plain http', () => 'http://smba.trafficmanager.net/teams/'],
      ['a name under the same suffix', () => 'https://evil.trafficmanager.net/teams/'],
      ['an allowed host with something behind it', () => 'https://smba.trafficmanager.net.evil.example/'],
      ['a query that swallows the path', () => `${story.teams.url}/?x=`],
    ])('%s', async (_what, urlOf) => {
      const serviceUrl = urlOf((evil.address() as AddressInfo).port)
      const token = await story.teams.token({ ...story.claims(), serviceurl: serviceUrl })
      const answer = await atTheDoor(() => story.send(click({ serviceUrl }), `Bearer ${token}`))
      expect(answer).toMatchObject({ status: 401, body: notAuthenticated })
      expect(heard).toEqual([])
    })
  })

  describe('what is no activity of Teams gets 400, whatever token it brings', () => {
    test.each([
      ['an empty channel', { channelId: '' }],
      ['another channel', { channelId: 'directline' }],
      ['the emulator', { channelId: 'emulator' }],
      ['a number for a channel', { channelId: 5 }],
      ['a list of channels', { channelId: ['msteams'] }],
      ['no channel', { channelId: undefined }],
      ['no service URL', { serviceUrl: undefined }],
      ['an empty service URL', { serviceUrl: '' }],
      ['a number for a service URL', { serviceUrl: 5 }],
      ['a relative service URL', { serviceUrl: '/v3' }],
      ['nobody who sends it', { from: null }],
      ['a sender without an id', { from: { name: 'Ann' } }],
      ['a sender whose object id is a path', { from: { id: '29:a', aadObjectId: '../../etc/passwd' } }],
      ['no conversation', { conversation: undefined }],
      ['a conversation that is a word', { conversation: 'general' }],
      ['no recipient', { recipient: null }],
      ['no type', { type: undefined }],
      ['a type that is an object', { type: { $ne: '' } }],
      ['a text that is a list', { text: ['approve CR-1'] }],
      ['entities that are no list', { entities: 'all' }],
      ['channel data that is a word', { channelData: 'x' }],
    ])('%s', async (_what, changes) => {
      const answer = await atTheDoor(async () => story.send(click(changes), await genuine()))
      expect(answer).toMatchObject({ status: 400, body: noActivity })
    })

    test.each(['{}', '[]', 'null', '1', '"activity"', 'true'])('the body %s', async (body) => {
      const answer = await atTheDoor(async () => post(body, { authorization: await genuine() }))
      expect(answer).toEqual({ status: 400, text: JSON.stringify(noActivity) })
    })

    test('100,000 levels of lists', async () => {
      const deep = '['.repeat(100_000) + ']'.repeat(100_000)
      const answer = await atTheDoor(async () => post(deep, { authorization: await genuine() }))
      expect(answer).toEqual({ status: 400, text: JSON.stringify(noActivity) })
    })

    test('a click with 20,000 levels of data', async () => {
      const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
      const body = JSON.stringify(click({ value: 'here' })).replace('"here"', deep)
      const answer = await atTheDoor(async () => post(body, { authorization: await genuine() }))
      expect(answer).toEqual({ status: 400, text: JSON.stringify(noActivity) })
    })

    test.each(['', '{', '{"type":', 'type=invoke', '\u0000', '{"type":"invoke"}x', '\ufeff{}'])(
      'junk instead of JSON: %j',
      async (body) => {
        const answer = await atTheDoor(async () => post(body, { authorization: await genuine() }))
        expect(answer).toEqual({ status: 400, text: '{"error":"not JSON"}' })
      },
    )
  })

  describe('a body that is no plain JSON is refused unread, and the next click is served', () => {
    afterEach(() => isServed())

    test.each([
      ['gzip', 'notgzip'],
      ['gzip', gzipSync('{"type":"invoke"}').subarray(0, 15)],
      ['gzip', gzipSync(Buffer.alloc(50_000_000))],
      ['deflate', deflateSync(Buffer.alloc(50_000_000))],
      ['br', brotliCompressSync('{}')],
      ['identity', '{}'],
      ['nonsense', '{}'],
    ])('encoded as %s', async (encoding, body) => {
      const answer = await atTheDoor(() => post(body, { 'content-encoding': encoding }))
      expect(answer).toEqual({ status: 415, text: '{"error":"encoded bodies are not served"}' })
    })

    test.each([
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
      'application/jsonp',
      'text/json',
      '',
    ])('of type %j', async (type) => {
      const body = '--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--x--\r\n'
      const answer = await atTheDoor(() => post(body, { 'content-type': type }))
      expect(answer).toEqual({ status: 415, text: '{"error":"only JSON is served"}' })
    })

    test('of one megabyte, refused before it is sent', async () => {
      const head = postOf({ 'content-type': 'application/json', 'content-length': '1048576' })
      const answer = await atTheDoor(() => speak(story.bot.port, head))
      expect(statusOf(answer)).toBe(413)
      expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    })

    test('without end, cut off', async () => {
      const head = postOf({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
      const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
      const sent = await atTheDoor(() => speakOn(story.bot.port, head, chunk, 200_000_000))
      expect(sent).toBeLessThan(50_000_000)
    })

    test('whose sender hangs up in the middle', async () => {
      const head = postOf({ 'content-type': 'application/json', 'content-length': '1000' }, '{"type":')
      await atTheDoor(() => speakOn(story.bot.port, head, ' ', 10))
    })

    test('with both a length and chunks, as smugglers send it', async () => {
      const head = postOf(
        { 'content-type': 'application/json', 'content-length': '4', 'transfer-encoding': 'chunked' },
        '0\r\n\r\n',
      )
      expect(statusOf(await atTheDoor(() => speak(story.bot.port, head)))).toBe(400)
    })
  })

  describe('whatever else is asked for gets a short answer that repeats nothing', () => {
    const ask = async (method: string, path: string) => {
      const answer = await atTheDoor(() =>
        speak(story.bot.port, `${method} ${path} HTTP/1.1\r\nhost: bot.example\r\nconnection: close\r\n\r\n`),
      )
      expect(answer).not.toMatch(/canary|etc|stack|node_modules|restify/i)
      return { status: statusOf(answer), body: answer.split('\r\n\r\n')[1] }
    }

    test.each([
      ['GET', '/api/messages'],
      ['HEAD', '/api/messages'],
      ['PUT', '/api/messages'],
      ['DELETE', '/api/messages'],
      ['PATCH', '/api/messages'],
      ['OPTIONS', '/api/messages'],
      ['TRACE', '/api/messages'],
      ['POST', '/healthz'],
      ['POST', '/readyz'],
    ])('%s %s is not allowed', async (method, path) => {
      expect(await ask(method, path)).toMatchObject({ status: 405 })
    })

    test.each([
      '/',
      '/canary',
      '/api',
      '/api/messages/canary',
      '/api/alerts',
      '/API/MESSAGES',
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/healthz/../../etc/passwd',
      '/.env',
      '/metrics',
    ])('GET %s is not there', async (path) => {
      expect(await ask('GET', path)).toMatchObject({ status: 404 })
    })

    test.each(['/%', '/%zz', '/healthz%00', '/%c0%ae'])('GET %s is refused', async (path) => {
      const { status } = await ask('GET', path)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    })

    test.each([
      ['nonsense', 'canary\r\n\r\n', 400],
      ['headers of 100 KB', postOf({ 'x-canary': 'x'.repeat(100_000) }), 431],
      ['an expectation that nobody knows', postOf({ expect: 'canary' }), 417],
      ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n', 0],
    ])('%s', async (_what, bytes, status) => {
      const answer = await atTheDoor(() => speak(story.bot.port, bytes))
      expect(statusOf(answer)).toBe(status)
      expect(answer).not.toMatch(/canary/)
    })

    test('an upgrade to another protocol is not made', async () => {
      const headers = { upgrade: 'websocket', connection: 'upgrade', 'content-type': 'application/json' }
      const bytes = postOf({ ...headers, 'content-length': '2' }, '{}').replace('connection: close\r\n', '')
      expect(statusOf(await atTheDoor(() => speak(story.bot.port, bytes)))).toBe(400)
    })

    test('the next click is served', () => isServed())
  })

  describe('health and readiness', () => {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${story.bot.port}${path}`)
      return { status: response.status, body: (await response.json()) as unknown }
    }

    test('say that it runs and serves, and nothing else', async () => {
      expect(await get('/healthz')).toEqual({ status: 200, body: { status: 'running' } })
      expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ready', degraded: [] } })
    })

    test('what is wrong is said in constant words, without a name', async () => {
      story.exchange.faults.next('Get-BlockedConnector', {
        kind: 'answer',
        status: 403,
        body: 'contoso canary',
      })
      await story.writeRoleMap({ roles: { canary: {} } })
      await story.type(cast.rae, 'unwatch')
      await story.pass(minuteMs)
      const { status, body } = await get('/readyz')
      expect(status).toBe(200)
      expect(body).toMatchObject({ status: 'ready' })
      const { degraded } = body as { degraded: string[] }
      expect(degraded).toEqual(expect.arrayContaining(['nobodyWatches', 'roleMapBroken']))
      for (const word of degraded) expect(word).toMatch(/^(exchange-)?[a-zA-Z]+$/)
      expect(JSON.stringify(body)).not.toMatch(/contoso|canary/)
    })
  })
})

describe('the signing keys', () => {
  beforeAll(async () => {
    story = await Story.watching()
    story.exchange.restrict()
    await story.pass(minuteMs)
    card = await story.card('CR-1')
  })
  afterAll(() => story.end())

  const readiness = async () => {
    const response = await fetch(`http://127.0.0.1:${story.bot.port}/readyz`)
    await story.quiet()
    const { degraded } = (await response.json()) as { degraded: string[] }
    return { status: response.status, degraded }
  }

  test('cannot be had at a start: clicks wait, readiness says so, and watching goes on', async () => {
    story.teams.keysDown = true
    await story.restart()
    // What the bot looks at by itself after a start is over.
    await story.pass(5 * secondMs)
    const answer = await atTheDoor(() => story.send(click()))
    expect(answer).toMatchObject({ status: 503, body: notAuthenticated })
    expect(await readiness()).toEqual({ status: 503, degraded: ['signingKeysMissing'] })
    story.exchange.restrict()
    await story.pass(minuteMs)
    await story.card('CR-2')
  })

  test('are had again as soon as the endpoint works, though no click was sent meanwhile', async () => {
    story.teams.keysDown = false
    await story.pass(10 * secondMs)
    await readiness()
    await story.until('readiness', () => story.teams.keyFetches > 1)
    await story.quiet()
    expect(await readiness()).toEqual({ status: 200, degraded: [] })
    await isServed()
  })

  test('are fetched once, however many first clicks come together', async () => {
    story.teams.keysDown = true
    await story.restart()
    await story.pass(10 * secondMs)
    story.teams.keysDown = false
    const before = story.teams.keyFetches
    const first = click()
    const answers = await Promise.all(Array.from({ length: 50 }, () => story.send(first)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(story.teams.keyFetches).toBe(before + 1)
  })

  test('are not fetched again for tokens that name keys which nobody published', async () => {
    const before = story.teams.keyFetches
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) =>
        story.send(click(), `Bearer ${await story.teams.token(story.claims(), { kid: `unknown-${n}` })}`),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(story.teams.keyFetches).toBe(before)
  })

  test('in hand go on serving while the endpoint is down', async () => {
    story.teams.keysDown = true
    await story.pass(2 * 60 * minuteMs)
    await isServed()
    expect(await readiness()).toEqual({ status: 200, degraded: [] })
  })
})

describe('a key endpoint that answers something else', () => {
  let asked = 0
  /** A key endpoint with these answers, and what the bot makes of a token meanwhile. */
  const withEndpoint = async (
    answers: Record<string, string>,
    work: (authentication: BotConnectorAuthentication, clock: TestClock) => Promise<void>,
  ) => {
    asked = 0
    const clock = new TestClock()
    const server = createServer((request, response) => {
      asked += 1
      response.setHeader('content-type', 'application/json')
      response.end((answers[request.url ?? ''] ?? '').replace('{here}', `http://${request.headers.host}`))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const metadataUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/openid`
    const parts = { appId: botAppId, issuer, metadataUrl, clock, log: silentLog }
    await work(new BotConnectorAuthentication(parts), clock).finally(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  const verify = (authentication: BotConnectorAuthentication) => {
    const token = `${encode({ alg: 'RS256', kid: 'x' })}.${encode({})}.AAAA`
    return authentication.verify(`Bearer ${token}`, { serviceUrl: 'https://x.example', channelId: 'msteams' })
  }

  test.each([
    ['a page', { '/openid': '<html>sign in</html>' }],
    ['no address of keys', { '/openid': '{}' }],
    ['keys over plain http elsewhere', { '/openid': '{"jwks_uri":"http://keys.example/"}' }],
    ['no keys', { '/openid': '{"jwks_uri":"{here}/keys"}', '/keys': '{}' }],
    ['keys that are none', { '/openid': '{"jwks_uri":"{here}/keys"}', '/keys': '{"keys":"none"}' }],
    ['nothing for keys', { '/openid': '{"jwks_uri":"{here}/keys"}', '/keys': '' }],
  ])('%s: nobody is called a forger for it', async (_what, answers) => {
    await withEndpoint(answers, async (authentication) => {
      expect(await verify(authentication)).toMatchObject({ kind: 'unavailable' })
      expect(authentication.ready()).toBe(false)
    })
  })

  test('is asked once however many requests wait, and again after five seconds', async () => {
    await withEndpoint({}, async (authentication, clock) => {
      await Promise.all(Array.from({ length: 20 }, () => verify(authentication)))
      for (let n = 0; n < 20; n++) await verify(authentication)
      authentication.ready()
      expect(asked).toBe(1)
      clock.advance(5 * secondMs)
      await verify(authentication)
      expect(asked).toBe(2)
    })
  })
})

test('slow clients are given ten seconds for headers and twenty for all, looked at every two', () => {
  const { server } = createBotServer({
    take: async () => undefined,
    isServiceHost: () => false,
    readiness: async () => ({ down: false, degraded: [] }),
    log: silentLog,
  })
  expect(server).toMatchObject({
    headersTimeout: 10 * secondMs,
    requestTimeout: 20 * secondMs,
    keepAliveTimeout: 5 * secondMs,
    connectionsCheckingInterval: 2 * secondMs,
    maxConnections: 1_000,
  })
})

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as realPause } from 'node:timers/promises'
import { ConnectorClient } from '../../bot/connector-client.js'
import { Pacing } from '../../bot/pacing.js'
import { serviceHosts } from '../../bot/service-hosts.js'
import { elapsedMs, hourMs, minuteMs, secondMs } from '../../src/clock.js'
import type { Conversation } from '../../src/incident/delivery.js'
import { buttonsOf, cardOf, FakeTeams, type TeamsFault, wordsOf } from '../support/fake-teams.js'
import { silentLog } from '../support/silent-log.js'
import { cast, channel, homeTenant, Story } from '../support/story.js'
import { TestClock } from '../support/test-clock.js'

const hello = { type: 'message', text: 'Hello' }
const secret = 'token-canary'

/** Writes down what it is asked, and answers everything in the same way. */
async function listener(status = 200, headers: Record<string, string> = {}) {
  const heard: { url: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    heard.push({ url: request.url ?? '', authorization: request.headers.authorization })
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end('{"id":"1"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { heard, host, url: `http://${host}`, stop: () => stopServer(server) }
}

const stopServer = (server: Server) => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
}

describe('one call to Teams', () => {
  let teams: FakeTeams
  let clock: TestClock
  let client: ConnectorClient
  let place: Conversation
  let tokensAsked: number

  const clientFor = (hosts: string[], token: ConnectorClient['parts']['token']) =>
    new ConnectorClient({
      isServiceHost: serviceHosts(hosts),
      token,
      pacing: new Pacing(clock),
      clock,
      log: silentLog,
      random: () => 0.5,
    })
  const someToken = async () => {
    tokensAsked += 1
    return { ok: true as const, token: secret }
  }
  const placeAt = (serviceUrl: string): Conversation => ({
    id: channel,
    kind: 'channel',
    serviceUrl,
    tenantId: homeTenant,
    botId: '28:bot',
  })

  beforeAll(async () => {
    teams = await FakeTeams.start()
  })
  beforeEach(() => {
    teams.requests.length = 0
    teams.messages.length = 0
    clock = new TestClock()
    tokensAsked = 0
    client = clientFor([teams.host], someToken)
    place = placeAt(teams.url)
  })
  afterAll(() => teams.stop())

  /** Waits for the outcome, and lets virtual time pass whenever the bot waits for nothing else. */
  async function finish<Outcome>(work: Promise<Outcome>): Promise<{ outcome: Outcome; waitedMs: number }> {
    const start = clock.now()
    let over = false
    const done = work.finally(() => {
      over = true
    })
    while (!over) {
      await realPause(1)
      const next = clock.nextAlarm()
      if (next && !over) clock.advance(Math.max(0, elapsedMs(clock.now(), next)))
    }
    return { outcome: await done, waitedMs: elapsedMs(start, clock.now()) }
  }

  const nothingBefore = async () => {}
  const calls = {
    post: () => client.post(place, hello, nothingBefore),
    reply: () => client.reply(place, '1700000000000', hello),
    edit: () => client.edit(place, '1700000000000', hello),
  }
  const failing = (which: 'post' | 'edit', fault: TeamsFault, times: number) => {
    for (let n = 0; n < times; n++) teams.failNext(which, fault)
  }
  const existing = async () => {
    await client.post(place, hello, nothingBefore)
    teams.requests.length = 0
  }

  test('carries the bot’s token and names the message that came of it', async () => {
    expect(await client.post(place, hello, nothingBefore)).toEqual({
      kind: 'ok',
      value: { message: teams.messages[0]?.id },
    })
    expect(teams.requests[0]?.authorization).toBe(`Bearer ${secret}`)
  })

  test.each([429, 412])('%i without a time to wait is tried again, later each time', async (status) => {
    failing('post', { status }, 3)
    const { outcome, waitedMs } = await finish(calls.post())
    expect(outcome.kind).toBe('ok')
    expect(teams.requests).toHaveLength(4)
    expect(waitedMs).toBe(7 * secondMs)
    expect(teams.messages).toHaveLength(1)
  })

  test.each([
    ['1', secondMs],
    ['25', 25 * secondMs],
    ['300', minuteMs],
    ['0', 0],
    ['-5', secondMs],
    ['soon', secondMs],
    ['Wed, 21 Oct 2026 07:28:00 GMT', secondMs],
  ])('429 with Retry-After %s waits that long, a minute at most', async (value, expected) => {
    failing('post', { status: 429, headers: { 'retry-after': value } }, 1)
    const { outcome, waitedMs } = await finish(calls.post())
    expect(outcome.kind).toBe('ok')
    expect(waitedMs).toBe(expected)
  })

  test('429 without end is given up, and nothing was sent', async () => {
    failing('post', { status: 429 }, 4)
    const { outcome } = await finish(calls.post())
    expect(outcome.kind).toBe('notSent')
    expect(teams.requests).toHaveLength(4)
    expect(teams.messages).toEqual([])
  })

  const doubtful: [string, TeamsFault][] = [
    ['502', { status: 502 }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    ['500', { status: 500 }],
    ['504 after it was taken', { status: 504, after: true }],
    ['a connection cut after it was taken', { status: 0, after: true }],
    ['a connection cut before it was taken', { status: 0 }],
    ['200 without an id', { status: 200, body: {}, after: true }],
    ['200 with an id that is none', { status: 200, body: { id: 5, activityId: null }, after: true }],
  ]
  test.each(doubtful)(
    'a post that is answered by %s is in doubt, and not repeated here',
    async (_what, fault) => {
      for (const call of [calls.post, calls.reply]) {
        teams.requests.length = 0
        failing('post', fault, 1)
        expect((await finish(call())).outcome.kind).toBe('ambiguous')
        expect(teams.requests).toHaveLength(1)
      }
    },
  )

  test.each([502, 503, 504, 0])(
    'an edit that is answered by %i is repeated: it changes nothing twice',
    async (status) => {
      await existing()
      failing('edit', { status }, 2)
      const { outcome } = await finish(calls.edit())
      expect(outcome.kind).toBe('ok')
      expect(teams.requests).toHaveLength(3)
    },
  )

  test.each([
    [400, {}, 'refused'],
    [401, {}, 'notSent'],
    [403, { error: { code: 'BotNotInConversationRoster' } }, 'gone'],
    [403, { error: { code: 'MessageWritesBlocked' } }, 'gone'],
    [409, {}, 'refused'],
    [413, { error: { code: 'MessageSizeTooBig' } }, 'refused'],
  ])('%i %j is not repeated and means: %s', async (status, body, kind) => {
    await existing()
    failing('post', { status, body }, 1)
    failing('edit', { status, body }, 1)
    for (const call of [calls.post, calls.edit]) expect((await finish(call())).outcome.kind).toBe(kind)
    expect(teams.requests).toHaveLength(2)
  })

  test.each(['ConversationNotFound', 'ActivityNotFoundInConversation'])(
    'a 404 (%s) on an edit is about the message; only on a new post it is about the conversation',
    async (code) => {
      await existing()
      failing('post', { status: 404, body: { error: { code } } }, 1)
      failing('edit', { status: 404, body: { error: { code } } }, 1)
      expect((await finish(calls.edit())).outcome.kind).toBe('missing')
      expect((await finish(calls.post())).outcome.kind).toBe('gone')
    },
  )

  test.each([301, 302, 307, 308])(
    'a redirect (%i) is not followed, so nobody else sees the token',
    async (status) => {
      const evil = await listener()
      await existing()
      const fault = { status, headers: { location: `${evil.url}/v3/conversations` } }
      failing('post', fault, 1)
      failing('edit', fault, 1)
      teams.failNext('member', fault)
      teams.rosters.set(channel, [cast.ann])
      const look = () => client.member(place, cast.ann.id, secondMs)
      for (const call of [calls.post, calls.edit, look])
        expect((await finish(call())).outcome.kind).toBe('refused')
      expect(teams.requests).toHaveLength(3)
      expect(evil.heard).toEqual([])
      await evil.stop()
    },
  )

  test('a host that is not on the list is not spoken to, and no token is fetched for it', async () => {
    const evil = await listener()
    place = placeAt(evil.url)
    const look = () => client.member(place, '29:a', secondMs)
    for (const call of [calls.post, calls.reply, calls.edit, look])
      expect((await call()).kind).toBe('refused')
    expect(evil.heard).toEqual([])
    expect(tokensAsked).toBe(0)
    await evil.stop()
  })

  test('a host where nobody listens is tried again, and nothing was sent', async () => {
    const gone = await listener()
    await gone.stop()
    client = clientFor([gone.host], someToken)
    place = placeAt(gone.url)
    const { outcome, waitedMs } = await finish(calls.post())
    expect(outcome.kind).toBe('notSent')
    expect(waitedMs).toBe(7 * secondMs)
  })

  test('without a token nothing is sent', async () => {
    client = clientFor([teams.host], async () => ({
      ok: false,
      code: 'credentials',
      message: 'the secret is wrong',
    }))
    expect((await finish(calls.post())).outcome).toEqual({ kind: 'notSent', why: 'the secret is wrong' })
    expect(teams.requests).toEqual([])
    expect(client.problem).toBe('teamsCredentials')
  })

  test('a token that Teams refuses is remembered until it takes one', async () => {
    teams.failNext('post', { status: 401 })
    await finish(calls.post())
    expect(client.problem).toBe('teamsCredentials')
    await finish(calls.post())
    expect(client.problem).toBeUndefined()
  })

  test('Entra that gives no token is told apart from one that refuses', async () => {
    client = clientFor([teams.host], async () => ({ ok: false, code: 'unreachable', message: 'no answer' }))
    await finish(calls.post())
    expect(client.problem).toBe('teamsUnreachable')
  })

  test('a roster that does not answer is waited for no longer than was said', async () => {
    const mute = createServer(() => undefined)
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(mute.address() as AddressInfo).port}`
    client = clientFor([host], someToken)
    const { outcome } = await finish(client.member(placeAt(`http://${host}`), '29:a', 50))
    expect(outcome.kind).toBe('notSent')
    await stopServer(mute)
  })

  test('ids are data in the path and nothing more', async () => {
    const plain = await listener()
    client = clientFor([plain.host], someToken)
    const hostile = { ...placeAt(plain.url), kind: 'personal' as const, id: '19:a/../../b?c#d%2e%2e' }
    await client.edit(hostile, '../../evil?x#y', hello)
    await client.member(hostile, '../../../admin', secondMs)
    const id = encodeURIComponent(hostile.id)
    expect(plain.heard.map(({ url }) => url)).toEqual([
      `/v3/conversations/${id}/activities/${encodeURIComponent('../../evil?x#y')}`,
      `/v3/conversations/${id}/members/${encodeURIComponent('../../../admin')}`,
    ])
    await plain.stop()
  })

  test('what went wrong is told without the token', async () => {
    failing('post', { status: 400, body: { error: { code: 'x'.repeat(500) }, echo: secret } }, 1)
    const sent = await calls.post()
    expect(JSON.stringify(sent)).not.toContain(secret)
    expect(JSON.stringify(sent).length).toBeLessThan(200)
  })
})

describe('what the channel sees when Teams does not work', () => {
  let story: Story
  beforeEach(async () => {
    story = await Story.watching()
  })
  afterEach(() => story.end())

  /** Messages with a card of that incident, in the order in which they were posted. */
  const cardsOf = (code: string) =>
    story.teams.messages.filter((one) => buttonsOf(cardOf(one)).some(({ data }) => data.incident === code))
  const posts = () =>
    story.teams.requests.filter(({ path, method }) => method === 'POST' && path === '/v3/conversations')
  const copies = (code: string, count: number) =>
    story.until(`${count} copies of ${code}`, () => cardsOf(code).length === count && cardsOf(code))
  const inData = (name: string) => join(story.folder, 'data', name)
  const stored = (name: string) => readFileSync(inData(name), 'utf8')
  const restricted = async (ms = minuteMs) => {
    story.exchange.restrict()
    await story.pass(ms)
  }

  test.each([429, 412])('a card that Teams puts off (%i) appears once', async (status) => {
    story.teams.failNext('post', { status, headers: { 'retry-after': '2' } })
    story.teams.failNext('post', { status })
    await restricted()
    await story.card('CR-1')
    await story.pass(minuteMs)
    expect(cardsOf('CR-1')).toHaveLength(1)
    expect(posts()).toHaveLength(3)
  })

  test('a card of which nobody knows whether it arrived is posted once more, and either copy works', async () => {
    story.teams.failNext('post', { status: 0, after: true })
    await restricted()
    const [first, second] = await copies('CR-1', 2)
    if (!first || !second) throw new Error('two copies were expected')
    const answer = await story.press(cast.rae, first, 'Acknowledge')
    expect(answer.words).toContain('Rae Responder')
    await story.until('the newer copy edited', () => wordsOf(cardOf(second)).includes('Rae Responder'))
    await story.pass(minuteMs)
    expect(posts()).toHaveLength(2)
  })

  test('after a second doubt the card is posted again every now and then: never none at all', async () => {
    story.teams.failNext('post', { status: 504 })
    story.teams.failNext('post', { status: 503 })
    await restricted()
    await story.pass(minuteMs)
    expect([posts().length, cardsOf('CR-1').length]).toEqual([2, 0])
    await story.pass(5 * minuteMs)
    expect([posts().length, cardsOf('CR-1').length]).toEqual([3, 1])
    await story.pass(hourMs)
    expect(cardsOf('CR-1')).toHaveLength(1)
  })

  test('a 404 on one edit silences nothing: the next restriction is announced in the same channel', async () => {
    await restricted()
    story.teams.failNext('edit', { status: 404, body: { error: { code: 'ConversationNotFound' } } })
    await story.type(cast.rae, 'ack CR-1')
    const [old] = cardsOf('CR-1')
    await story.cardShows('CR-1', 'Rae Responder')
    // The answer was wrong, and the old message is still there: it must not keep its buttons.
    await story.until('the old card pointing on', () => wordsOf(cardOf(old)).includes('has moved'))
    await restricted()
    await story.card('CR-2')
  })

  test('a card that somebody deleted is posted anew at the next change', async () => {
    await restricted()
    const card = await story.card('CR-1')
    story.teams.messages.splice(story.teams.messages.indexOf(card), 1)
    await story.type(cast.rae, 'ack CR-1')
    await story.cardShows('CR-1', 'Rae Responder')
    expect(cardsOf('CR-1')).toHaveLength(1)
  })

  test('a channel that refuses the bot is left alone, is said to be missing, and is back with its first word', async () => {
    story.teams.failNext('post', { status: 403, body: { error: { code: 'BotNotInConversationRoster' } } })
    await restricted()
    await story.until('the loss in the record', () => stored('journal.jsonl').includes('conversationGone'))
    const spoken = story.teams.requests.length
    await restricted(hourMs)
    expect(story.teams.requests.length).toBe(spoken)
    const ready = await fetch(`http://127.0.0.1:${story.bot.port}/readyz`)
    expect(await ready.json()).toMatchObject({ degraded: ['nobodyWatches', 'conversationLost'] })
    await story.type(cast.rae, 'list')
    await story.card('CR-1')
    await story.card('CR-2')
  })

  test('a stored service URL that somebody changed to another host is never spoken to', async () => {
    const evil = await listener()
    await story.bot.stop()
    for (const name of ['deliveries.jsonl', 'state.json'])
      await writeFile(inData(name), stored(name).replaceAll(story.teams.url, evil.url))
    expect(stored('deliveries.jsonl')).toContain(evil.url)
    await story.startBot()
    const tokens = story.entra.tokenRequests().length
    await restricted()
    await story.until('the card that is to be posted', () =>
      stored('deliveries.jsonl').includes('"subject":"CR-1"'),
    )
    await story.pass(10 * minuteMs)
    expect(evil.heard).toEqual([])
    expect(
      story.entra
        .tokenRequests()
        .slice(tokens)
        .filter(({ scope }) => scope?.includes('botframework')),
    ).toEqual([])
    await evil.stop()
  })

  test('a redirect leads the token nowhere, and the card comes once the redirect is gone', async () => {
    const evil = await listener()
    story.teams.failNext('post', { status: 307, headers: { location: evil.url } })
    await restricted()
    await story.card('CR-1')
    expect(evil.heard).toEqual([])
    expect(posts()).toHaveLength(2)
    await evil.stop()
  })
})

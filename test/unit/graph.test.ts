import { later, secondMs } from '../../src/clock.js'
import type { TokenSource } from '../../src/credentials.js'
import { createGraph } from '../../src/people/graph.js'
import { FakeGraph } from '../support/fake-graph.js'
import { silentLog } from '../support/silent-log.js'
import { cast } from '../support/story.js'
import { TestClock } from '../support/test-clock.js'

const { ann, nora } = cast
const idOf = (n: number) => `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`
const ids = (count: number) => Array.from({ length: count }, (_, n) => idOf(n))

let graph: FakeGraph
let clock: TestClock
let issued: number

/** Entra as far as the adapter sees it: a token is kept until a fresh one is asked for. */
const tokens: TokenSource = {
  token: async (scope, { fresh = false } = {}) => {
    if (fresh) issued += 1
    return { ok: true, token: `token-${issued}_for_${scope}` }
  },
}
const open = (changes: Partial<Parameters<typeof createGraph>[0]> = {}) =>
  createGraph({ url: graph.url, tokens, clock, log: silentLog, newId: () => 'id', ...changes })
const soon = () => later(clock.now(), 1.5 * secondMs)

beforeEach(async () => {
  graph = await FakeGraph.start(ann, nora)
  clock = new TestClock()
  issued = 1
})
afterEach(() => graph.stop())

describe('in which groups and directory roles somebody is', () => {
  test('is asked by object id in one call, and only what holds the person comes back', async () => {
    graph.put(ann, idOf(1), idOf(2))
    graph.put(nora, idOf(3))
    const answer = await open().memberOf(ann.aadObjectId, [idOf(1), idOf(3), idOf(4)], soon())
    expect(answer).toEqual({ ok: true, ids: [idOf(1)] })
    expect(graph.requests).toMatchObject([
      { method: 'POST', path: `/v1.0/users/${ann.aadObjectId}/checkMemberObjects`, ids: [1, 3, 4].map(idOf) },
    ])
  })

  test('is the same in any spelling of the letters, and asked about once', async () => {
    const id = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
    const body = JSON.stringify({ '@odata.context': 'x', value: [id.toUpperCase()] })
    graph.fail({ kind: 'status', status: 200, body })
    const answer = await open().memberOf(ann.aadObjectId, [id.toUpperCase(), id], soon())
    expect(answer).toEqual({ ok: true, ids: [id] })
    expect(graph.requests[0]?.ids).toEqual([id])
  })

  test.each([
    [20, 1],
    [21, 2],
    [95, 5],
  ])('of %d of them takes %d calls, and a membership in the last counts', async (count, calls) => {
    graph.put(ann, idOf(count - 1))
    const answer = await open().memberOf(ann.aadObjectId, ids(count), soon())
    expect(answer).toEqual({ ok: true, ids: [idOf(count - 1)] })
    expect(graph.requests).toHaveLength(calls)
    expect(Math.max(...graph.requests.map((one) => one.ids?.length ?? 0))).toBe(20)
  })

  test('is asked in at most four calls at once', async () => {
    graph.fail({ kind: 'hang' })
    const asking = open().memberOf(ann.aadObjectId, ids(200), soon())
    await graph.seen(4)
    clock.advance(1.5 * secondMs)
    expect(await asking).toMatchObject({ ok: false, code: 'timeout' })
    expect(graph.requests).toHaveLength(4)
  })

  test('is nothing for whom the home tenant does not know', async () => {
    graph.put(cast.ben, idOf(1))
    expect(await open().memberOf(cast.ben.aadObjectId, [idOf(1)], soon())).toEqual({ ok: true, ids: [] })
  })

  test('is not what Graph names without having been asked', async () => {
    graph.failNext({ kind: 'wrongIds' })
    expect(await open().memberOf(ann.aadObjectId, [idOf(1)], soon())).toEqual({ ok: true, ids: [] })
  })

  test('is not known if one of several calls fails', async () => {
    graph.put(ann, ...ids(40))
    graph.failNext({ kind: 'status', status: 500 })
    expect(await open().memberOf(ann.aadObjectId, ids(40), soon())).toMatchObject({ ok: false })
  })
})

describe('when Graph does not answer as it should', () => {
  const status = (code: number, body?: string, headers?: Record<string, string>) =>
    ({ kind: 'status', status: code, ...(body ? { body } : {}), ...(headers ? { headers } : {}) }) as const

  test.each([
    ['busy', status(429), 'throttled', '429 Faked'],
    ['unavailable', status(503, '<html>'), 'serverError', '503'],
    ['broken', status(500), 'serverError', '500'],
    ['not allowed to tell', status(403), 'permission', 'Directory.Read.All'],
    ['sending elsewhere', status(302, '', { location: 'http://127.0.0.1:1/' }), 'unreadable', '302'],
    ['talking nonsense', status(200, 'sign in here'), 'unreadable', '200'],
    ['without a list', status(200, '{"value":{}}'), 'unreadable', 'cannot be read'],
    ['with something else in the list', status(200, '{"value":[{"id":1}]}'), 'unreadable', 'cannot be read'],
    ['endless', status(200, `{"value":["${'x'.repeat(300_000)}"]}`), 'unreadable', '200'],
    ['missing, as a proxy says it', status(404, '<html>Not here</html>'), 'unreadable', '404'],
  ] as const)('%s, nobody is in anything, and the cause is told', async (_how, fault, code, words) => {
    graph.put(ann, idOf(1))
    graph.failNext(fault)
    const answer = await open().memberOf(ann.aadObjectId, [idOf(1)], soon())
    expect(answer).toEqual({ ok: false, code, message: expect.stringContaining(words) })
  })

  test('nothing is waited for beyond the deadline', async () => {
    graph.failNext({ kind: 'hang' })
    const asking = open().memberOf(ann.aadObjectId, [idOf(1)], soon())
    await graph.seen(1)
    clock.advance(1.5 * secondMs)
    expect(await asking).toMatchObject({ ok: false, code: 'timeout' })
  })

  test('nor for a token, and without time left nothing is asked', async () => {
    const slow: TokenSource = { token: () => new Promise(() => undefined) }
    const asking = open({ tokens: slow }).memberOf(ann.aadObjectId, [idOf(1)], soon())
    clock.advance(1.5 * secondMs)
    expect(await asking).toMatchObject({ ok: false, code: 'timeout' })
    expect(await open().memberOf(ann.aadObjectId, [idOf(1)], clock.now())).toMatchObject({ ok: false })
    expect(graph.requests).toEqual([])
  })

  test('a server that is not there is told as that', async () => {
    const url = graph.url
    await graph.stop()
    const answer = await open({ url }).memberOf(ann.aadObjectId, [idOf(1)], soon())
    expect(answer).toEqual({ ok: false, code: 'unreachable', message: expect.stringContaining('refused') })
    graph = await FakeGraph.start()
  })

  test('without a token its cause is told', async () => {
    const none: TokenSource = {
      token: async () => ({ ok: false, code: 'credentials', message: 'AADSTS7000222: expired' }),
    }
    const answer = await open({ tokens: none }).memberOf(ann.aadObjectId, [idOf(1)], soon())
    expect(answer).toEqual({ ok: false, code: 'credentials', message: 'AADSTS7000222: expired' })
  })

  test('a token that is not accepted any more is renewed once, also for several calls', async () => {
    graph.put(ann, idOf(30))
    graph.revoked.add(`token-1_for_${graph.url}/.default`)
    expect(await open().memberOf(ann.aadObjectId, ids(40), soon())).toEqual({ ok: true, ids: [idOf(30)] })
    expect(issued).toBe(2)
  })

  test('a renewed token that is not accepted either is a failure', async () => {
    graph.fail({ kind: 'status', status: 401 })
    const answer = await open().memberOf(ann.aadObjectId, [idOf(1)], soon())
    expect(answer).toMatchObject({ ok: false, code: 'credentials' })
    expect(graph.requests).toHaveLength(2)
  })

  test.each([
    ['20', 20],
    ['Sun, 22 Nov 2026 03:00:20 GMT', 20],
    ['86400', 60],
  ])('asked by Retry-After %s to wait, it is left alone for %d seconds', async (header, seconds) => {
    graph.put(ann, idOf(1))
    const directory = open()
    const asked = () => directory.memberOf(ann.aadObjectId, [idOf(1)], soon())
    graph.failNext({ kind: 'status', status: 429, headers: { 'retry-after': header } })
    await asked()
    clock.advance(seconds * secondMs - 1)
    expect(await asked()).toMatchObject({ ok: false, code: 'throttled' })
    expect(graph.requests).toHaveLength(1)
    clock.advance(1)
    expect(await asked()).toEqual({ ok: true, ids: [idOf(1)] })
  })
})

describe('whose a user principal name is', () => {
  test('is told by object id', async () => {
    expect(await open().userId(ann.userPrincipalName)).toEqual({ ok: true, id: ann.aadObjectId })
  })

  test('is nobody, if the home tenant has no such user', async () => {
    expect(await open().userId('nobody@contoso.com')).toEqual({ ok: true, id: undefined })
  })

  test('never leaves its place in the address', async () => {
    await open().userId('../groups/x?y#EXT#@contoso.com')
    expect(graph.requests.map(({ path }) => path)).toEqual(['/v1.0/users/../groups/x?y#EXT#@contoso.com'])
  })

  test('is not known, if the answer is no user', async () => {
    graph.failNext({ kind: 'status', status: 200, body: '{"value":[]}' })
    expect(await open().userId(ann.userPrincipalName)).toMatchObject({ ok: false, code: 'unreadable' })
  })

  test('is waited for at most ten seconds', async () => {
    graph.failNext({ kind: 'hang' })
    const asking = open().userId(ann.userPrincipalName)
    await graph.seen(1)
    clock.advance(10 * secondMs)
    expect(await asking).toMatchObject({ ok: false, code: 'timeout' })
  })
})

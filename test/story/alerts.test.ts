import { minuteMs } from '../../src/clock.js'
import { endLawfully } from '../support/moves.js'
import { Story } from '../support/story.js'

const token = 'a-long-token-that-only-the-playbook-knows'

let story: Story
afterEach(() => endLawfully(story))

/** A bot that reads every ten minutes by itself, so that an earlier read was asked for. */
async function begin(): Promise<void> {
  story = await Story.watching({ pollSeconds: 600, settings: { alertToken: token } })
  await story.quiet()
}

const reads = () => story.exchange.log.filter(({ cmdlet }) => cmdlet === 'Get-BlockedConnector').length

interface Posted {
  authorization?: string
  body?: string
  headers?: Record<string, string>
  path?: string
}

function post({ authorization = `Bearer ${token}`, body, headers, path = '/api/alerts' }: Posted = {}) {
  return fetch(`http://127.0.0.1:${story.bot.port}${path}`, {
    method: 'POST',
    headers: { ...(authorization ? { authorization } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

/** What an answer is, without what differs from one to the next. */
async function answered(response: Response) {
  const { status } = response
  return { status, body: await response.text(), type: response.headers.get('content-type') }
}

describe('an alert that comes in', () => {
  test('is answered at once, and what it is about is announced long before the next read', async () => {
    await begin()
    story.exchange.restrict()
    const response = await post({ body: '{"alert":"Suspicious connector activity"}' })
    expect(await answered(response)).toMatchObject({ status: 202, body: '{"status":"reading"}' })
    await story.card('CR-1')
    await story.pass(minuteMs)
  })

  test.each([
    ['nothing', {}],
    ['plain text', { body: 'alert!', headers: { 'content-type': 'text/plain' } }],
    ['JSON that breaks off', { body: '{"alert":', headers: { 'content-type': 'application/json' } }],
    ['a claim that nothing is blocked', { body: '{"restricted":[]}' }],
  ])('may hold %s: it is read and thrown away', async (_what, posted) => {
    await begin()
    const before = reads()
    expect((await post(posted)).status).toBe(202)
    await story.until('the read', () => reads() === before + 1)
    expect(story.removals()).toBe(0)
  })

  test('many times at once makes two reads at most: the one that runs and the next', async () => {
    await begin()
    const before = reads()
    story.exchange.faults.next('Get-BlockedConnector', { kind: 'hang' })
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await post()).status))
    expect(new Set(statuses)).toEqual(new Set([202]))
    await story.quiet()
    expect(reads()).toBe(before + 1)
    await story.pass(2 * minuteMs)
    expect(reads()).toBe(before + 2)
  })

  test.each(['contoso.onmicrosoft.com', 'no such tenant'])(
    'for one tenant (%s) has it read',
    async (name) => {
      await begin()
      const before = reads()
      expect((await post({ path: `/api/alerts?tenant=${encodeURIComponent(name)}` })).status).toBe(202)
      await story.until('the read', () => reads() === before + 1)
    },
  )

  test('is refused if it is too large or encoded', async () => {
    await begin()
    const before = reads()
    expect((await post({ body: 'x'.repeat(300 * 1024) })).status).toBe(413)
    expect((await post({ body: 'x', headers: { 'content-encoding': 'gzip' } })).status).toBe(415)
    await story.quiet()
    expect(reads()).toBe(before)
  })

  test('more than sixty times a minute is told when to come again', async () => {
    await begin()
    for (let n = 0; n < 60; n++) expect((await post()).status).toBe(202)
    const response = await post()
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    story.clock.advance(minuteMs)
    expect((await post()).status).toBe(202)
  })
})

describe('somebody without the token', () => {
  test.each([
    ['no token', ''],
    ['a wrong one', 'Bearer wrong'],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}x`],
    ['it in another scheme', `Basic ${token}`],
  ])('is turned away with %s, and nothing is read', async (_what, authorization) => {
    await begin()
    const before = reads()
    const response = await post({ authorization })
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await answered(response)).toMatchObject({ status: 401, body: '{"error":"not authenticated"}' })
    await story.quiet()
    expect(reads()).toBe(before)
  })

  test('may guess thirty times a minute, and never keeps out whoever has it', async () => {
    await begin()
    const guess = () => post({ authorization: 'Bearer wrong' })
    for (let n = 0; n < 30; n++) expect((await guess()).status).toBe(401)
    const response = await guess()
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await post()).status).toBe(202)
    story.clock.advance(minuteMs)
    expect((await guess()).status).toBe(401)
  })
})

test('without a token in the settings there is no such place', async () => {
  story = await Story.watching()
  const unknown = await answered(await post({ path: '/api/nothing' }))
  expect(await answered(await post())).toEqual(unknown)
  expect(unknown.status).toBe(404)
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clickVerbs } from '../../cards/clicks.js'
import { minuteMs, secondMs } from '../../src/clock.js'
import { buttonsOf, cardOf, type FakeMessage, type FakePerson, wordsOf } from '../support/fake-teams.js'
import { type Answered, cast, channel, homeTenant, roleMapOf, Story, usualRoleMap } from '../support/story.js'

const elsewhere = '99999999-9999-4999-8999-999999999999'
const approve = { verb: 'approve', incident: 'CR-1', reason: 'Looked at everything' }
const unreadable = 'That button sent something that I cannot read'
const asMessage = 'application/vnd.microsoft.activity.message'
const asCard = 'application/vnd.microsoft.card.adaptive'

let story: Story
let card: FakeMessage
let edits: number

const recorded = () => readFile(join(story.folder, 'data', 'journal.jsonl'), 'utf8')
/** What was decided: who was refused, and which role map was read, is in the record too and decides nothing. */
const decided = async () => {
  await story.quiet()
  return (await recorded())
    .split('\n')
    .filter((line) => line && !/"type":"(refused|roleMapLoaded)"/.test(line))
}

/** Makes sure that a click changes nothing, is answered as Teams wants it, and gives nothing away. */
async function inVain(click: () => Promise<Answered>): Promise<string> {
  const before = await decided()
  const answer = await click()
  expect(await decided()).toEqual(before)
  expect(story.removals()).toBe(0)
  expect(answer).toMatchObject({ status: 200, body: { statusCode: 200, type: asMessage } })
  expect(answer.words).not.toMatch(
    /node_modules|\bat \S+ \(|\.ts:|Bearer|eyJ|password|secret|\[object|undefined/,
  )
  return answer.words
}

/** The same data as a client sends it that knows no Action.Execute; returns the words of the answer. */
async function submit(who: FakePerson, value: unknown, changes: object = {}): Promise<string> {
  // Answers in words are messages, and those are paced.
  await story.pass(2 * secondMs)
  const before = story.teams.messages.length
  const { status } = await story.send(story.activity(who, { type: 'message', value, ...changes }))
  expect(status).toBe(200)
  await story.quiet()
  return story.teams.messages
    .slice(before)
    .map((one) => wordsOf(one.activity))
    .join('\n')
}

// With these rules one good click is enough, so that what is refused is refused for its own sake.
const oneClickUnblocks = { rules: { checklist: { required: [] } } }

const begin = async (options: Parameters<typeof Story.watching>[0] = oneClickUnblocks) => {
  story = await Story.watching(options)
  story.exchange.restrict()
  await story.pass(minuteMs)
  // What the bot finds out by itself is on the card before anybody clicks.
  card = await story.cardShows('CR-1', '(Get-MessageTraceV2, ')
  edits = card.edits.length
}

describe('a click whose data no button of ours holds', () => {
  beforeAll(() => begin())
  afterAll(() => story.end())

  const tampered: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a word', 'approve CR-1'],
    ['a number', 1],
    ['a list', [approve]],
    ['no verb', { ...approve, verb: undefined }],
    ['an unknown verb', { ...approve, verb: 'removeAll' }],
    ['a verb in capitals', { ...approve, verb: 'APPROVE' }],
    ['verbs in a list', { ...approve, verb: ['approve'] }],
    ['a verb that every object has', { ...approve, verb: 'constructor' }],
    ['a verb that can only be typed', { ...approve, verb: 'override' }],
    ['the demo’s verb', { verb: 'simulate' }],
    ['a verb that can only be typed, watch', { verb: 'watch', incident: 'CR-1' }],
    ['approved: true', { ...approve, approved: true }],
    ['a role', { ...approve, role: 'approver' }],
    ['a quorum', { ...approve, required: 0 }],
    ['a tenant', { ...approve, tenant: 'contoso.onmicrosoft.com' }],
    ['a connector', { ...approve, connectorId: '159eb7c4-75d7-43e2-95fe-ced44b3e0a56' }],
    ['a person', { ...approve, from: cast.ben.aadObjectId }],
    [
      '__proto__',
      JSON.parse(`{"__proto__":{"verb":"approve"},"verb":"approve","incident":"CR-1","reason":"abc"}`),
    ],
    ['only __proto__', JSON.parse(`{"__proto__":${JSON.stringify(approve)}}`)],
    ['constructor', JSON.parse(`{"constructor":{"prototype":{"x":1}},"verb":"approve","incident":"CR-1"}`)],
    ['no incident', { ...approve, incident: undefined }],
    ...[
      '',
      'CR-0',
      'CR--1',
      'CR-01',
      'CR-99999999999',
      'CR-1.5',
      'CR-1e3',
      'cr-1',
      ' CR-1',
      'CR-1\n',
      'CR-1 CR-2',
    ].map((incident): [string, unknown] => [
      `the incident ${JSON.stringify(incident)}`,
      { ...approve, incident },
    ]),
    ['the incident in other digits', { ...approve, incident: 'CR-１' }],
    ['the incident as a path', { ...approve, incident: '../../CR-1' }],
    ['the incident as a number', { ...approve, incident: 1 }],
    ['the incident as a condition', { ...approve, incident: { $gt: '' } }],
    ['a version that is a word', { ...approve, version: 'latest' }],
    ['a version below zero', { ...approve, version: -1 }],
    ['a broken version', { ...approve, version: 0.5 }],
    ['a version beyond all numbers', { ...approve, version: 1e300 }],
    ['a reason that is a list', { ...approve, reason: ['Looked at everything'] }],
    ['a reason that is an object', { ...approve, reason: { toString: 'Looked at everything' } }],
    ['a reason of 100,000 characters', { ...approve, reason: 'x'.repeat(100_000) }],
    ['a note of 100,000 characters', { verb: 'note', incident: 'CR-1', note: 'x'.repeat(100_000) }],
    ['a step that does not exist', { verb: 'done', incident: 'CR-1', step: 'everything' }],
    ['a step that every object has', { verb: 'done', incident: 'CR-1', step: '__proto__' }],
    ['no step', { verb: 'skip', incident: 'CR-1', note: 'Not needed' }],
    ['a page before the first', { verb: 'page', list: '', page: 0 }],
    ['a page beyond all', { verb: 'page', list: '', page: 1e9 }],
    ['a page of two lists', { verb: 'page', list: '', batch: 'x', page: 1 }],
  ]

  test.each(tampered)('%s: nothing happens, and the clicker is told', async (_what, data) => {
    expect(await inVain(() => story.invoke(cast.ann, card, data))).toContain(unreadable)
  })

  test.each(tampered.filter(([, data]) => typeof data === 'object' && data !== null))(
    '%s, sent by a client that knows no Action.Execute: the same',
    async (_what, value) => {
      const before = await decided()
      expect(await submit(cast.ann, value)).toContain(unreadable)
      expect(await decided()).toEqual(before)
      expect(story.removals()).toBe(0)
    },
  )

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a word', 'approve'],
    ['a list', [{ action: { data: approve } }]],
    ['no action', { trigger: 'manual' }],
    ['an action that is null', { action: null }],
    ['an action that is a word', { action: 'approve' }],
    ['data beside the action', { action: {}, data: approve }],
    ['a verb of the action without data', { action: { type: 'Action.Execute', verb: 'approve' } }],
  ])('an invoke with %s around it: the same', async (_what, value) => {
    expect(await inVain(() => story.invoke(cast.ann, card, approve, { value }))).toContain(unreadable)
  })

  test.each([
    'task/fetch',
    'task/submit',
    'composeExtension/submitAction',
    'composeExtension/query',
    'fileConsent/invoke',
    'actionableMessage/executeAction',
    'signin/verifyState',
    'signin/tokenExchange',
    'config/submit',
    'adaptiveCard/ACTION',
    '',
    undefined,
  ])('an invoke of another name, %s, is answered properly and does nothing', async (name) => {
    await inVain(() => story.invoke(cast.ann, card, approve, { name }))
  })

  test.each([
    ['an incident that is not there', { ...approve, incident: 'CR-2' }, 'no CR-2'],
    ['the largest number', { ...approve, incident: 'CR-999999999' }, 'no CR-999999999'],
    ['no reason', { ...approve, reason: undefined }, '**Reason**'],
    ['a reason of blanks', { ...approve, reason: ' \n\t ' }, '**Reason**'],
    ['a digest that is a path', { verb: 'page', batch: '../../etc/passwd', page: 1 }, 'another conversation'],
    ['a digest that every object has', { verb: 'page', batch: '__proto__', page: 1 }, 'another conversation'],
  ])('%s: refused with what is wrong', async (_what, data, words) => {
    expect(await inVain(() => story.invoke(cast.ann, card, data))).toContain(words)
  })

  test('a card that is redrawn by itself is only redrawn, whatever its button was', async () => {
    const before = await decided()
    for (const data of [approve, { verb: 'acknowledge', incident: 'CR-1' }, { ...approve, verb: 'keep' }]) {
      const value = { action: { type: 'Action.Execute', data }, trigger: 'automatic' }
      const answer = await story.invoke(cast.ann, card, data, { value })
      expect(answer).toMatchObject({ status: 200, body: { type: asCard } })
    }
    expect(await decided()).toEqual(before)
    expect(story.removals()).toBe(0)
  })

  test('nothing of all that has changed the card', () => {
    expect(card.edits).toHaveLength(edits)
  })

  test('a version from long ago or from the future is no reason to refuse a note', async () => {
    for (const version of [0, 999_999]) {
      const data = { verb: 'note', incident: 'CR-1', version, note: `Version ${version}` }
      expect((await story.invoke(cast.rae, card, data)).body?.type).toBe(asCard)
      await story.cardShows('CR-1', `Version ${version}`)
    }
  })

  test('a client that knows no Action.Execute reaches the same: the card is edited, without further words', async () => {
    const data = buttonsOf(cardOf(card)).find(({ title }) => title === 'Acknowledge')?.data
    expect(await submit(cast.rae, { ...data, reason: '', note: '' }, { text: ' ' })).toBe('')
    await story.cardShows('CR-1', 'Rae Responder')
  })

  test('such a client is refused the same, in words', async () => {
    expect(await submit(cast.rae, approve)).toContain('approver')
    expect(story.removals()).toBe(0)
  })

  test('the same click, untouched, does unblock', async () => {
    await story.invoke(cast.ann, card, approve)
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('a click by somebody who may not', () => {
  beforeAll(() => begin())
  afterAll(() => story.end())

  const { ann, nora } = cast
  const without = ({ id, name }: FakePerson) => ({ from: { id, name } })

  const people: [string, FakePerson, object, string][] = [
    ['a responder', cast.rae, {}, 'approver'],
    ['a viewer', cast.vic, {}, 'approver'],
    ['a member without a role', nora, {}, 'no role'],
    ['a guest who stands in the role map', cast.gus, {}, 'Guests'],
    ['a person of another tenant who stands in the role map', cast.fay, {}, 'organisation'],
    ['somebody of whom Teams says no object id', ann, without(ann), 'who you are'],
    ['somebody who is not in the channel', { ...ann, id: '29:unknown' }, {}, 'nothing was done'],
    ['a member under the object id of an approver', { ...ann, id: nora.id }, {}, 'who you are'],
    ['an approver’s chat id under another object id', { ...nora, id: ann.id }, {}, 'who you are'],
    [
      'an approver in a chat of another tenant',
      ann,
      { channelData: { tenant: { id: elsewhere } } },
      'organisation',
    ],
    [
      'an approver in a conversation of another tenant',
      ann,
      { conversation: { id: channel, conversationType: 'channel', tenantId: elsewhere } },
      'organisation',
    ],
    [
      'an approver where Teams names no tenant',
      ann,
      { conversation: { id: channel, conversationType: 'channel' }, channelData: {} },
      'organisation',
    ],
    [
      'an approver whose two tenants differ',
      ann,
      { conversation: { id: channel, tenantId: homeTenant }, channelData: { tenant: { id: elsewhere } } },
      'organisation',
    ],
  ]

  test.each(people)('%s is refused in words of its own', async (_what, who, changes, words) => {
    expect(await inVain(() => story.invoke(who, card, approve, changes))).toContain(words)
    expect(card.edits).toHaveLength(edits)
  })

  test('a claim in the data of who clicks is a click that nobody can read', async () => {
    const data = { ...approve, from: { aadObjectId: ann.aadObjectId } }
    expect(await inVain(() => story.invoke(nora, card, data))).toContain(unreadable)
  })

  test.each([
    ['does not know', { status: 404 }],
    ['is down', { status: 500 }],
    ['puts off', { status: 429 }],
    ['forbids', { status: 403 }],
    ['sends away', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['answers nonsense about', { status: 200, body: { name: 'Ann' } }],
  ])('an approver whom the roster %s cannot approve', async (_what, fault) => {
    story.teams.failNext('member', fault)
    await inVain(() => story.invoke(ann, card, approve))
  })

  test('the role map is asked at the click: who was taken out of it is refused', async () => {
    await story.writeRoleMap(roleMapOf({ responder: [ann] }))
    expect(await inVain(() => story.invoke(ann, card, approve))).toContain('approver')
    await story.writeRoleMap(usualRoleMap)
  })
})

describe('a card that is clicked somewhere else', () => {
  const otherChannel = '19:somewhere-else@thread.tacv2'
  const personal = 'a:personal-chat-of-ann'
  const inPersonal = {
    conversation: { id: personal, conversationType: 'personal', tenantId: homeTenant },
    channelData: { tenant: { id: homeTenant } },
  }
  const inOther = () => ({ conversation: story.conversation(`${otherChannel};messageid=1`) })

  beforeAll(async () => {
    await begin()
    for (const place of [otherChannel, personal]) story.teams.rosters.set(place, Object.values(cast))
  })
  afterAll(() => story.end())

  test('forwarded to a channel that does not watch, it decides nothing', async () => {
    expect(await inVain(() => story.invoke(cast.ann, card, approve, inOther()))).toContain('does not watch')
  })

  test('forwarded to a personal chat, it decides nothing', async () => {
    expect(await inVain(() => story.invoke(cast.ann, card, approve, inPersonal))).toContain(
      'another conversation',
    )
  })

  test('forwarded to a channel that watches and was never shown it, it decides nothing', async () => {
    const [first] = story.exchange.connectors
    if (!first) throw new Error('the tenant has no connectors')
    for (let n = 0; n < 11; n++) {
      const id = `aaaaaaaa-0000-4000-8000-0000000000${n + 10}`
      story.exchange.connectors.push({ ...first, id, name: `Relay ${n}` })
      story.exchange.restrict(id)
    }
    await story.pass(minuteMs)
    // More than ten are listed to a channel that begins to watch, not posted.
    expect(await story.type(cast.rae, 'watch', otherChannel)).toContain('CR-1')
    await story.quiet()
    expect(await inVain(() => story.invoke(cast.ann, card, approve, inOther()))).toContain(
      'another conversation',
    )
    for (const verb of ['acknowledge', 'keep', 'refresh'])
      await inVain(() => story.invoke(cast.ann, card, { ...approve, verb }, inOther()))
  })

  test('asked for there by name, it works there', async () => {
    await story.type(cast.rae, 'show CR-1', otherChannel)
    const shown = await story.until('the card in the other channel', () =>
      story.teams.messages.find(
        (one) =>
          one.conversation === otherChannel &&
          buttonsOf(cardOf(one)).some(({ data }) => data.verb === 'approve'),
      ),
    )
    const answer = await story.invoke(cast.rae, shown, { verb: 'acknowledge', incident: 'CR-1' })
    expect(answer.body?.type).toBe(asCard)
  })
})

describe('hostile words', () => {
  const hostile = [
    '[Approve here](https://evil.example/login)',
    '<at>Everyone</at> <a href="https://evil.example">x</a><script>alert(1)</script>',
    '${$root.incident} ${range(1,2000000)} ${json(\'{"type":"Action.Execute"}\')}',
    '{{DATE(1999-01-01T00:00:00Z)}} {{TIME(1999-01-01T00:00:00Z)}}',
    '\u202egnp.exe\u202c \u2066x\u2069 \u200bzero\u200dwidth \u0000\u0007\u001b[31m',
    `${'[x](https://evil.example)<at>y</at>'.repeat(300)}`,
    'Relay\n\n# Unblocked\r\n- [x] approved\n> ok',
    '"},{"type":"Action.Execute","title":"Approve unblock"},{"text":"',
    '![x](https://evil.example/track.png) **b** _i_ `c` ~~s~~',
  ]

  const approver: FakePerson = { ...cast.ann, name: '[Ann](https://evil.example)<at>Everyone</at>' }
  const responder: FakePerson = { ...cast.rae, name: '</at><at>Everyone</at> [Rae](https://evil.example)' }

  beforeAll(async () => {
    story = await Story.begin({
      ...oneClickUnblocks,
      roleMap: roleMapOf({ approver: [approver], responder: [responder] }),
    })
    story.teams.rosters.set(channel, [approver, responder])
    await story.type(responder, 'watch')
    const [first] = story.exchange.connectors
    if (!first) throw new Error('the tenant has no connectors')
    for (const [n, name] of hostile.entries()) {
      const id = `bbbbbbbb-0000-4000-8000-00000000000${n}`
      story.exchange.connectors.push({ ...first, id, name })
      story.exchange.restrict(id).reason = name
    }
    await story.pass(minuteMs)
  })
  afterAll(() => story.end())

  /** Everything of a message that a client makes something of. */
  const expectInert = (activity: Record<string, unknown>) => {
    const { entities = [] } = activity as {
      entities?: { text: string; mentioned: { id: string } }[]
    }
    const { text, summary, attachments } = activity
    const json = JSON.stringify({ text, summary, attachments })
    // Our own links are buttons; in text there is none.
    expect(json).not.toMatch(/\]\(|<a |<script|\$\{|\{\{(DATE|TIME)\(1999/)
    expect(json).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u200d]|\\u00[01]/)
    const mentions = json.match(/<at>.*?<\/at>/g) ?? []
    expect(mentions).toEqual(entities.map(({ text }) => text))
    expect(entities.every(({ mentioned }) => mentioned.id === responder.id)).toBe(true)
    expect(Buffer.byteLength(json)).toBeLessThan(25_000)
    for (const { data } of buttonsOf(cardOf({ activity }))) expect(clickVerbs).toContain(data.verb)
    for (const [, url] of json.matchAll(/"url":"([^"]*)"/g))
      expect(url).toMatch(/^https:\/\/(security|admin\.exchange|entra|learn|purview)\.microsoft\.com\//)
  }

  const numbers = hostile.map((_name, n) => `CR-${n + 1}`)

  test.each(numbers)('of Exchange stand inert on the card of %s', async (code) => {
    expectInert((await story.card(code)).activity)
  })

  test('a responder with a hostile name is called by it, and nobody else is', async () => {
    const { activity } = await story.card('CR-1')
    expect(activity.entities).toHaveLength(1)
    const [mention] = activity.entities as { text: string }[]
    expect(String(activity.text).split(mention?.text ?? 'missing')).toHaveLength(2)
    expect(mention?.text.match(/<\/?at>/g)).toEqual(['<at>', '</at>'])
  })

  test.each(hostile.map((words, n): [string, string] => [`CR-${n + 1}`, words.slice(0, 400)]))(
    'of people stand inert on the card and in the thread of %s',
    async (code, words) => {
      const shown = await story.card(code)
      await story.press(responder, shown, 'Add note', { note: words })
      await story.press(approver, shown, 'Keep blocked', { reason: words })
      const told = await story.until(`the reply in the thread of ${code}`, () =>
        story.teams.messages.find(({ thread }) => thread === shown.id),
      )
      await story.quiet()
      expectInert(told.activity)
      expectInert(shown.activity)
      expect(wordsOf(told.activity)).toContain(code)
    },
  )

  test('of a command are not repeated as more than words', async () => {
    for (const words of hostile) {
      const before = story.teams.messages.length
      for (const typed of [words, `show ${words}`, `list ${words}`]) {
        await story.pass(2 * secondMs)
        await story.type(approver, typed)
      }
      await story.quiet()
      for (const { activity } of story.teams.messages.slice(before)) expectInert(activity)
    }
  })

  test('change no line of the record but their own', async () => {
    const lines = (await recorded()).trim().split('\n')
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
    await story.restart()
    expect(story.removals()).toBe(0)
  })
})

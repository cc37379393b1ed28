import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import type { FakePerson } from '../support/fake-teams.js'
import { decide, endLawfully, readyToDecide, reason, restricted } from '../support/moves.js'
import { cast, roleMapOf, Story, type StoryOptions } from '../support/story.js'

const securityAdministrator = '194ae4cb-b126-40b2-bd5b-6091b380977d'
const globalReader = 'f2ef992c-3afb-46b9-b7cf-a126ee74c451'
const relayOwners = '00000000-0000-4000-9000-000000000001'

const { ann, ben, nora, vic, fay, gus, rae } = cast

/** Nobody is named but the responder: whoever may approve has it from Entra. */
const byEntra = {
  roles: {
    approver: { directoryRoles: ['Security Administrator'], groups: [relayOwners] },
    responder: { users: [rae.aadObjectId] },
    viewer: { directoryRoles: ['Global Reader'] },
  },
}

let story: Story

async function begin(options: StoryOptions = {}, ready = true): Promise<void> {
  story = await Story.watching({ roleMap: byEntra, ...options })
  if (ready) await readyToDecide(story)
}

afterEach(() => endLawfully(story))

/** What Graph was asked about roles; who changed the connector is asked as well, and is nobody's role. */
const askedAboutRoles = () => story.graph.requests.filter(({ path }) => path.includes('checkMemberObjects'))

const removed = () => story.until('the removal', () => story.removals() === 1)

/** The decisions that the record holds. */
async function recorded(type: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(story.folder, 'data', 'journal.jsonl'), 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { events?: { type: string }[] })
  return lines.flatMap(({ events = [] }) => events).filter((event) => event.type === type)
}

const approveInVain = async (who: FakePerson): Promise<string> => {
  const answer = await decide(story, 'Approve unblock', who)
  expect(answer).toMatchObject({ status: 200, body: { type: 'application/vnd.microsoft.activity.message' } })
  await story.pass(2 * minuteMs)
  expect(story.removals()).toBe(0)
  return answer.words
}

describe('an approver by Entra', () => {
  test.each([
    ['a directory role', securityAdministrator],
    ['a group', relayOwners],
  ])('has the role by %s, approves, and is asked about again before the removal', async (_what, id) => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, id)
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await removed()
    const asked = story.graph.requests.filter(({ path }) => path.includes(ann.aadObjectId))
    expect(asked.length).toBeGreaterThanOrEqual(2)
    const [vote] = await recorded('voted')
    expect(vote?.basis).toEqual({
      rules: expect.stringMatching(/^[\da-f]{64}$/),
      roleMap: expect.stringMatching(/^[\da-f]{64}$/),
    })
  })

  test('who has just activated the role is refused, told to press again, and need not wait', async () => {
    await begin()
    expect(await approveInVain(ann)).toContain('just activated your role in Entra (PIM), press again')
    story.graph.put(ann, securityAdministrator)
    await decide(story, 'Approve unblock')
    await removed()
  })

  test('whose role was taken away after the card was shown is refused', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, relayOwners)
    await readyToDecide(story)
    // Known from less than a minute ago, which is good enough for this and not for approving.
    await story.press(ann, await story.card('CR-1'), 'Refresh')
    story.graph.remove(ann, relayOwners)
    expect(await approveInVain(ann)).toContain('no role')
  })

  test('whose role is taken away after the vote has voted for nothing', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, relayOwners)
    await readyToDecide(story)
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'answer', status: 500 })
    await decide(story, 'Approve unblock')
    await story.quiet()
    story.graph.remove(ann, relayOwners)
    story.exchange.faults.clear()
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'waiting for approval', 'Ann Archer', 'counts no more')
  })

  test('may be one by any of more than twenty groups', async () => {
    const groups = Array.from({ length: 45 }, (_, n) => `00000000-0000-4000-9000-0000000001${n + 10}`)
    await begin({ roleMap: { roles: { ...byEntra.roles, approver: { groups } } } })
    story.graph.put(ann, groups[44] ?? '')
    await decide(story, 'Approve unblock')
    await removed()
  })

  test('counts as one person, in a group, a directory role and the map itself', async () => {
    const approver = { ...byEntra.roles.approver, users: [ann.aadObjectId] }
    await begin({
      roleMap: { roles: { ...byEntra.roles, approver } },
      rules: { approvals: { required: 2 } },
    })
    for (const who of [ann, ben]) story.graph.put(who, relayOwners, securityAdministrator)
    for (let times = 0; times < 3; times++) await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    await decide(story, 'Approve unblock', ben)
    await removed()
  })
})

describe('whom being in the group does not help', () => {
  test.each([
    ['a guest', gus, 'Guests'],
    // As in a shared channel: the conversation is of our tenant, the member is not.
    ['a member of another organisation', fay, 'organisation'],
  ])('%s can do nothing, and Entra is not even asked', async (_who, person, words) => {
    await begin()
    story.graph.put(person, relayOwners, securityAdministrator)
    const before = askedAboutRoles().length
    expect(await approveInVain(person)).toContain(words)
    for (const typed of ['list', 'watch', 'show CR-1', `keep CR-1 ${reason}`])
      expect(await story.type(person, typed)).toContain(words)
    expect(askedAboutRoles()).toHaveLength(before)
  })

  test('whoever may be a guest, because the roster does not answer, is shown nothing', async () => {
    await begin()
    story.graph.put(gus, relayOwners)
    for (const typed of ['list', 'show CR-1']) {
      await story.pass(minuteMs)
      story.teams.failNext('member', { status: 503 })
      expect(await story.type(gus, typed)).toContain('did not confirm just now that you are a member')
    }
  })

  test('somebody whom the home tenant does not know', async () => {
    await begin()
    const zoe = { ...nora, id: '29:z', aadObjectId: '00000000-0000-4000-8000-0000000000ff' }
    story.teams.rosters.get('19:mail-security@thread.tacv2')?.push(zoe)
    story.graph.put(zoe, relayOwners)
    expect(await approveInVain(zoe)).toContain('no role')
  })

  test('somebody for whom Graph names a group that nobody asked about', async () => {
    await begin()
    story.graph.fail({ kind: 'wrongIds' })
    expect(await approveInVain(ann)).toContain('no role')
  })
})

describe('while Microsoft Graph does not answer', () => {
  const down = { kind: 'status', status: 503 } as const

  test.each([
    ['is down', down, 'HTTP 503'],
    ['is busy', { kind: 'status', status: 429, headers: { 'retry-after': '30' } }, 'HTTP 429'],
    ['refuses', { kind: 'status', status: 403 }, 'GroupMember.Read.All'],
    ['talks nonsense', { kind: 'status', status: 200, body: '<html>Sign in</html>' }, 'HTTP 200'],
  ] as const)(
    'as it %s, approving is refused, and nobody is told to lack the role',
    async (_how, fault, cause) => {
      story = await Story.watching({ roleMap: byEntra })
      story.graph.put(ann, securityAdministrator)
      await readyToDecide(story)
      story.graph.fail(fault)
      const words = await approveInVain(ann)
      expect(words).toContain('Microsoft Entra did not say just now whether you have the **approver** role')
      expect(words).toContain('Nothing was changed')
      expect(words).toContain(cause)
      expect(words).not.toContain('do not have it')
      story.graph.recover()
      await story.pass(minuteMs)
      await decide(story, 'Approve unblock')
      await removed()
    },
  )

  test('as it hangs, a click is answered within two seconds', async () => {
    await begin()
    story.graph.fail({ kind: 'hang' })
    const asked = story.graph.requests.length
    const card = await story.card('CR-1')
    const answer = story.press(ann, card, 'Approve unblock', { reason })
    await story.graph.seen(asked + 1)
    story.clock.advance(1.5 * secondMs)
    expect((await answer).words).toContain('did not answer in time')
  })

  test('keeping it blocked is open to whom Entra knew as an approver within 24 hours', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, relayOwners)
    const seenAt = story.clock.now()
    await story.type(ann, 'list')
    await restricted(story)
    story.graph.fail(down)
    const stranger = await decide(story, 'Keep blocked', nora)
    expect(stranger.words).toContain('Microsoft Entra did not say')
    await decide(story, 'Keep blocked', ann)
    await story.cardShows('CR-1', 'Kept blocked', 'Ann Archer')
    expect(await recorded('keptBlocked')).toMatchObject([{ roleSeenAt: seenAt }])
  })

  test('and not to whom it knew as one before that', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, relayOwners)
    await story.type(ann, 'list')
    story.clock.advance(24 * hourMs)
    await restricted(story)
    story.graph.fail(down)
    expect((await decide(story, 'Keep blocked', ann)).words).toContain('Microsoft Entra did not say')
    expect(await recorded('keptBlocked')).toEqual([])
  })

  test('keeping it blocked is open to approvers whom the map names, and so is approving', async () => {
    const approver = { ...byEntra.roles.approver, users: [ann.aadObjectId] }
    await begin({ roleMap: { roles: { ...byEntra.roles, approver } } })
    story.graph.fail(down)
    await decide(story, 'Keep blocked', ann)
    await story.cardShows('CR-1', 'Kept blocked', 'Ann Archer')
    expect((await recorded('keptBlocked'))[0]).not.toHaveProperty('roleSeenAt')
    await decide(story, 'Reopen', ann)
    await story.cardShows('CR-1', 'waiting for approval')
    await decide(story, 'Approve unblock', ann)
    await removed()
  })

  test('responders whom the map names go on working, without waiting for it', async () => {
    await begin({}, false)
    await restricted(story)
    story.graph.fail({ kind: 'hang' })
    const answer = await story.press(rae, await story.card('CR-1'), 'Acknowledge')
    expect(answer.body?.type).toBe('application/vnd.microsoft.card.adaptive')
    expect(askedAboutRoles()).toEqual([])
  })

  test('whoever may have a role is told that, whatever is typed', async () => {
    await begin()
    story.graph.fail(down)
    for (const typed of ['list', 'show CR-1', 'unwatch'])
      expect(await story.type(nora, typed)).toContain('Microsoft Entra did not say')
  })

  test('an approval that was given waits, says so, and is carried out once it answers', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, securityAdministrator)
    await readyToDecide(story)
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'answer', status: 500 })
    await decide(story, 'Approve unblock')
    await story.quiet()
    story.graph.fail(down)
    story.exchange.faults.clear()
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'Held up', 'Microsoft Entra cannot be asked')
    story.graph.recover()
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(1)
  })

  test('and is void when it does not answer for ten minutes', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, securityAdministrator)
    await readyToDecide(story)
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'answer', status: 500 })
    await decide(story, 'Approve unblock')
    await story.quiet()
    story.graph.fail({ kind: 'hang' })
    story.exchange.faults.clear()
    await story.pass(12 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'counts no more')
  })
})

describe('whoami', () => {
  test('says how each role came about', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.put(ann, relayOwners)
    story.graph.put(ben, securityAdministrator)
    story.graph.put(vic, globalReader)
    expect(await story.type(ann, 'whoami')).toContain(`role map, approver: group ${relayOwners}`)
    expect(await story.type(ben, 'whoami')).toContain('approver: directory role Security Administrator')
    expect(await story.type(vic, 'whoami')).toContain('viewer: directory role Global Reader')
    expect(await story.type(rae, 'whoami')).toContain(`responder: ${rae.aadObjectId}`)
    expect(await story.type(nora, 'whoami')).toContain('no role')
  })

  test('says that Entra could not be asked, and why', async () => {
    story = await Story.watching({ roleMap: byEntra })
    story.graph.fail({ kind: 'status', status: 403 })
    const words = await story.type(rae, 'whoami')
    expect(words).toContain('below may be less than you have')
    expect(words).toContain('if that is not enough, Directory.Read.All')
    expect(words).toContain('responder')
  })
})

test('Graph gets a token of the bot for Graph, and no other token', async () => {
  await begin()
  await decide(story, 'Approve unblock')
  expect(story.graph.requests.length).toBeGreaterThan(0)
  for (const { token } of story.graph.requests) expect(token).toContain(`_for_${story.graph.url}/.default`)
})

test('people whom the map names need no Graph at all', async () => {
  await begin({ roleMap: roleMapOf({ approver: [ann], responder: [rae] }) })
  await decide(story, 'Approve unblock')
  await removed()
  expect(askedAboutRoles()).toEqual([])
})

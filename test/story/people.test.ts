import { minuteMs, secondMs } from '../../src/clock.js'
import { cardOf, wordsOf } from '../support/fake-teams.js'
import { endLawfully, reason, requiredSteps } from '../support/moves.js'
import { cast, channel, homeTenant, Story, usualRoleMap } from '../support/story.js'

let story: Story

/** A story with one incident announced, its required steps settled if asked for. */
async function withIncident(
  options: Parameters<typeof Story.watching>[0] = {},
  settled = true,
): Promise<Story> {
  const begun = await Story.watching(options)
  begun.exchange.restrict()
  await begun.pass(minuteMs)
  await begun.card('CR-1')
  if (settled) for (const step of requiredSteps) await begun.type(cast.rae, `done CR-1 ${step}`)
  await begun.pass(minuteMs)
  return begun
}

afterEach(() => endLawfully(story))

describe('who may do what', () => {
  test.each([
    ['a responder', cast.rae, 'approver'],
    ['a viewer', cast.vic, 'approver'],
    ['somebody without a role', cast.nora, 'no role'],
    ['a guest, though named in the role map', cast.gus, 'Guests'],
    ['a member of another tenant, though named in the role map', cast.fay, 'organisation'],
  ])('%s cannot approve, is told why in private, and nothing is changed', async (_who, person, words) => {
    story = await withIncident()
    const before = story.teams.messages.length
    const answer = await story.press(person, await story.card('CR-1'), 'Approve unblock', { reason })
    expect(answer).toMatchObject({
      status: 200,
      body: { type: 'application/vnd.microsoft.activity.message' },
    })
    expect(answer.words).toContain(words)
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    expect(story.teams.messages).toHaveLength(before)
  })

  test('an activity that names another tenant is turned away, whoever it claims to be from', async () => {
    story = await withIncident()
    const foreign = { tenant: { id: cast.fay.tenantId }, channel: { id: channel } }
    const card = await story.card('CR-1')
    const answer = await story.invoke(
      cast.ann,
      card,
      { verb: 'approve', incident: 'CR-1', reason },
      { channelData: foreign },
    )
    expect(answer.words).toContain('organisation')
    expect(story.removals()).toBe(0)
  })

  test('with an empty role map nobody can do anything but ask for help and whoami', async () => {
    story = await Story.begin({ roleMap: {} })
    expect(await story.type(cast.ann, 'watch')).toContain('responder')
    expect(await story.type(cast.ann, 'whoami')).toContain('no role')
    expect(await story.type(cast.ann, 'help')).toContain('approve CR-42')
  })

  test('a role that is taken away in the file is gone with the next click', async () => {
    story = await withIncident()
    await story.writeRoleMap({ ...usualRoleMap, roles: { ...usualRoleMap.roles, approver: { users: [] } } })
    const answer = await story.press(cast.ann, await story.card('CR-1'), 'Approve unblock', { reason })
    expect(answer.words).toContain('role')
    expect(story.removals()).toBe(0)
  })

  test('a user principal name in the role map counts for whom the roster gives it', async () => {
    story = await withIncident({
      roleMap: {
        roles: { approver: { users: ['ANN@contoso.com'] }, responder: { users: [cast.rae.aadObjectId] } },
      },
    })
    await story.press(cast.ann, await story.card('CR-1'), 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('several people at once', () => {
  test('two who do different things in the same instant both succeed', async () => {
    story = await withIncident({}, false)
    const card = await story.card('CR-1')
    const answers = await Promise.all([
      story.press(cast.rae, card, 'Acknowledge'),
      story.press(cast.ann, card, 'Done', { step: 'traffic' }),
      story.press(cast.ben, card, 'Done', { step: 'audit' }),
      story.press(cast.ann, card, 'Add note', { note: 'Called the owner of the relay' }),
    ])
    expect(answers.map(({ body }) => body?.type)).toEqual(
      Array(4).fill('application/vnd.microsoft.card.adaptive'),
    )
    await story.cardShows('CR-1', 'Rae Responder', 'Ann Archer', 'Ben Baker', 'Called the owner')
  })

  test('of twenty notes in the same instant none is lost and nobody is told to try again', async () => {
    story = await withIncident({}, false)
    const card = await story.card('CR-1')
    const notes = Array.from({ length: 20 }, (_, n) => `Finding number ${n}`)
    const answers = await Promise.all(notes.map((note) => story.press(cast.rae, card, 'Add note', { note })))
    expect(new Set(answers.map(({ body }) => body?.type))).toEqual(
      new Set(['application/vnd.microsoft.card.adaptive']),
    )
  })

  test('of two approvers in the same instant one decides, the other is told who, and one removal is sent', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    const answers = await Promise.all(
      [cast.ann, cast.ben].map((who) => story.press(who, card, 'Approve unblock', { reason })),
    )
    const types = answers.map(({ body }) => body?.type).sort()
    expect(types).toEqual([
      'application/vnd.microsoft.activity.message',
      'application/vnd.microsoft.card.adaptive',
    ])
    expect(answers.map(({ words }) => words).join()).toMatch(/by (Ann Archer|Ben Baker)/)
    await story.pass(10 * minuteMs)
    expect(story.removals()).toBe(1)
  })

  test('four eyes: the first approval waits, the second decides, and both names reach Exchange', async () => {
    story = await withIncident({ rules: { approvals: { required: 2 } } })
    await story.press(cast.ann, await story.card('CR-1'), 'Approve unblock', { reason })
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', '1 of 2', 'Ann Archer')
    await story.press(cast.ben, await story.card('CR-1'), 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
    const removal = story.exchange.log.find(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')
    expect(removal?.parameters.Reason).toMatch(/Ann Archer.*Ben Baker/)
  })

  test('one click delivered four times is one act, and each delivery is answered', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    const clicks = Array.from({ length: 4 }, () => story.press(cast.ann, card, 'Approve unblock', { reason }))
    for (const answer of await Promise.all(clicks))
      expect(answer.body?.type).toBe('application/vnd.microsoft.card.adaptive')
    await story.pass(10 * minuteMs)
    expect(story.removals()).toBe(1)
  })
})

describe('cards that are not what is now', () => {
  test('a click on a card from before a decision is answered with what happened, who did it and when', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    const old = { ...card, activity: structuredClone(card.activity) }
    await story.press(cast.ben, card, 'Keep blocked', { reason: 'Relay is not ours' })
    const answer = await story.press(cast.ann, old, 'Approve unblock', { reason })
    expect(answer.words).toContain('kept blocked')
    expect(answer.words).toContain('Ben Baker')
    expect(answer.words).toMatch(/\d\d:\d\d UTC/)
    expect(story.removals()).toBe(0)
  })

  test('a click after somebody unblocked it elsewhere is answered with that', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    const old = { ...card, activity: structuredClone(card.activity) }
    story.exchange.release(story.exchange.restricted()[0]?.connectorId ?? '')
    await story.pass(3 * minuteMs)
    expect(wordsOf(cardOf(card))).toContain('No longer blocked')
    const answer = await story.press(cast.ann, old, 'Approve unblock', { reason })
    expect(answer.words).toContain('no longer blocked')
    expect(story.removals()).toBe(0)
  })

  test('a card shown in another conversation, which does not watch, decides nothing', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    story.teams.rosters.set('19:other@thread.tacv2', Object.values(cast))
    const answer = await story.press(
      cast.ann,
      { ...card, conversation: '19:other@thread.tacv2' },
      'Approve unblock',
      { reason },
    )
    expect(answer.words).toContain('does not watch')
    expect(story.removals()).toBe(0)
  })

  test('show moves the card: a new one is posted, and the old one only points to it', async () => {
    story = await withIncident()
    const old = await story.card('CR-1')
    await story.type(cast.vic, 'show CR-1')
    await story.until('the old card pointing on', () => wordsOf(cardOf(old)).includes('has moved'))
    const moved = await story.card('CR-1')
    expect(moved.id).not.toBe(old.id)
    await story.press(cast.ann, moved, 'Keep blocked', { reason: 'Relay is not ours' })
    await story.cardShows('CR-1', 'Kept blocked')
    expect(wordsOf(cardOf(old))).not.toContain('Kept blocked')
  })
})

describe('keeping it blocked', () => {
  test('takes a reason, is said in the thread, and can be reopened by an approver', async () => {
    story = await withIncident()
    const card = await story.card('CR-1')
    expect((await story.press(cast.ann, card, 'Keep blocked')).words).toContain('3 to 500')
    await story.press(cast.ann, card, 'Keep blocked', { reason: 'Relay is not ours' })
    await story.until('the reply', () => story.message('keeps it blocked', 'Relay is not ours'))
    await story.press(cast.ben, await story.cardShows('CR-1', 'Kept blocked'), 'Reopen', {
      reason: 'Owner found',
    })
    await story.cardShows('CR-1', 'waiting for approval')
  })
})

describe('typed commands do what the buttons do', () => {
  test('a whole incident by text alone', async () => {
    story = await withIncident({}, false)
    expect(await story.type(cast.rae, 'ack CR-1')).toContain('CR-1')
    for (const step of requiredSteps)
      expect(await story.type(cast.rae, `done cr-1 ${step} looked at it`)).toContain(step)
    await story.pass(minuteMs)
    expect(await story.type(cast.rae, 'undo CR-1 audit')).toContain('Undone')
    expect(await story.type(cast.rae, 'skip CR-1 audit')).toContain('reason')
    expect(await story.type(cast.rae, 'skip CR-1 audit nobody changed anything')).toContain('audit')
    expect(await story.type(cast.rae, 'note CR-1 owner was called')).toContain('Noted')
    await story.pass(minuteMs)
    expect(await story.type(cast.ann, 'approve CR-1')).toContain('approve CR-1')
    expect(await story.type(cast.ann, `approve CR-1 ${reason}`)).toContain('recorded')
    await story.until('the removal', () => story.removals() === 1)
    await story.pass(10 * minuteMs)
    expect(wordsOf(cardOf(story.message('Removed from Restricted')))).toContain('Unblocked')
  })

  test('list shows what is open and finds by name; empty is said kindly', async () => {
    story = await Story.watching()
    expect(await story.type(cast.vic, 'list')).toContain('All quiet')
    story.exchange.restrict()
    await story.pass(minuteMs)
    expect(await story.type(cast.vic, 'list')).toContain('CR-1')
    expect(await story.type(cast.vic, 'list no such thing')).toContain('Nothing matches')
    expect(await story.type(cast.nora, 'list')).toContain('no role')
  })

  test('unknown words get the nearest command, a missing number or step an example', async () => {
    story = await Story.watching()
    expect(await story.type(cast.ann, 'aprove CR-1 x')).toContain('approve')
    expect(await story.type(cast.ann, 'approve')).toContain('approve CR-42')
    expect(await story.type(cast.ann, 'approve CR-7 all fine')).toContain('CR-7')
    expect(await story.type(cast.ann, 'done CR-1 trafic')).toContain('traffic')
    expect(await story.type(cast.ann, 'simulate')).toContain('do not know')
  })

  test('nothing is posted where nobody said watch, and nothing more after unwatch', async () => {
    story = await Story.begin()
    story.exchange.restrict()
    await story.pass(2 * minuteMs)
    expect(story.teams.messages).toHaveLength(0)
    expect(await story.type(cast.rae, 'watch')).toContain('1 incident')
    await story.card('CR-1')
    await story.type(cast.rae, 'unwatch')
    const posted = story.teams.messages.length
    story.exchange.restrict()
    await story.pass(2 * minuteMs)
    expect(story.teams.messages).toHaveLength(posted)
  })

  test('the introduction comes once, when the app is installed, and says how to begin', async () => {
    story = await Story.begin()
    const installed = story.activity(cast.rae, { type: 'installationUpdate', action: 'add' })
    await story.send(installed)
    await story.send(installed)
    await story.pass(secondMs)
    expect(story.teams.messages).toHaveLength(1)
    expect(wordsOf(cardOf(story.teams.messages[0]))).toContain('watch')
  })
})

test('everything works in a personal chat too, and every copy of a card is edited', async () => {
  story = await withIncident()
  const chat = 'a:ann-and-the-warden'
  story.teams.rosters.set(chat, [cast.ann])
  const personal = { id: chat, conversationType: 'personal', tenantId: homeTenant }
  const said = { type: 'message', conversation: personal, channelData: { tenant: { id: homeTenant } } }
  await story.send(story.activity(cast.ann, { ...said, text: 'list' }))
  expect(wordsOf(story.message('1 incident')?.activity)).toContain('CR-1')
  await story.send(story.activity(cast.ann, { ...said, text: 'show CR-1' }))
  const own = await story.until('the card in the chat', () =>
    story.teams.messages.find(
      (one) => one.conversation === chat && wordsOf(cardOf(one)).includes('Approve unblock'),
    ),
  )
  const approve = { verb: 'approve', incident: 'CR-1', reason }
  const click = { ...said, type: 'invoke', name: 'adaptiveCard/action', replyToId: own.id }
  const value = { action: { type: 'Action.Execute', data: approve }, trigger: 'manual' }
  await story.send(story.activity(cast.ann, { ...click, value }))
  await story.until('the removal', () => story.removals() === 1)
  await story.pass(10 * minuteMs)
  const shown = story.teams.messages.filter((one) => wordsOf(cardOf(one)).includes('Removed from Restricted'))
  expect(shown.map(({ conversation }) => conversation).sort()).toEqual([channel, chat].sort())
})

test('the bot speaks to Teams with its own token, and to Exchange with that of its app', async () => {
  story = await withIncident()
  expect(new Set(story.teams.requests.map(({ authorization }) => authorization?.slice(0, 7)))).toEqual(
    new Set(['Bearer ']),
  )
  expect(story.exchange.log.every(({ authorized }) => authorized)).toBe(true)
  expect(new Set(story.entra.tokenRequests().map(({ clientId }) => clientId)).size).toBe(2)
})

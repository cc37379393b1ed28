import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import { faults, type SimulatedFault } from '../../src/exchange/simulated-faults.js'
import type { SimulatedRestriction } from '../../src/exchange/simulated-rows.js'
import { wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, readiness, readyToDecide, restricted, settled } from '../support/moves.js'
import { cast, channel, roleMapOf, Story, type StoryOptions } from '../support/story.js'

const read = 'Get-BlockedConnector'
const removal = 'Remove-BlockedConnector'

let story: Story
afterEach(() => endLawfully(story))

const begin = async (options?: StoryOptions) => {
  story = await Story.watching(options)
}

/** An answer to a read that lists exactly these, whatever the tenant's real state. */
const listing = (...rows: SimulatedRestriction[]): SimulatedFault => ({
  kind: 'answer',
  status: 200,
  body: JSON.stringify({
    value: rows.map(({ connectorId, connectorName, createdAt }) => ({
      ConnectorId: connectorId,
      ConnectorName: connectorName,
      CreatedDatetime: createdAt,
    })),
  }),
})

/** The card as it stands once nothing moves any more. */
async function cardNow(code = 'CR-1'): Promise<string> {
  await story.quiet()
  return wordsOf((await story.card(code)).activity)
}

describe('a list that cannot be read', () => {
  const unreadable: [string, SimulatedFault, string][] = [
    ['because Exchange cuts the connection', { kind: 'reset' }, 'unreachable'],
    ['because the app may not read it (403)', faults.blankForbidden, 'permission'],
    ['because Exchange is busy, in plain text', faults.throttledInPlainText, 'throttled'],
    ['because Exchange is busy (429)', faults.tooManyRequests('30'), 'throttled'],
    ['because a proxy answers with a page of HTML', faults.html, 'unreadable'],
    ['because the answer holds no list', faults.noList, 'unreadable'],
    ['because the answer is empty', faults.empty, 'unreadable'],
    ['because the answer breaks off', { kind: 'cutOff' }, 'unreadable'],
    ['because Exchange fails (503)', { kind: 'answer', status: 503 }, 'serverError'],
  ]

  test.each(unreadable)(
    '%s clears nothing, is said at /readyz, and is made up for',
    async (_title, fault, code) => {
      await begin()
      const { connectorId } = await restricted(story)
      story.exchange.release(connectorId)
      story.exchange.restrict('Warehouse scanners and label printers')
      story.exchange.faults.always(read, fault)
      await story.pass(20 * minuteMs)
      expect(await cardNow()).toContain('Blocked')
      // A missing permission says by itself why nothing is seen.
      const blind = code === 'permission' ? [] : ['blind']
      expect(await readiness(story)).toEqual({ status: 200, degraded: [`exchange-${code}`, ...blind] })
      story.exchange.faults.clear()
      await story.pass(10 * minuteMs)
      await story.cardShows('CR-2', 'Warehouse scanners')
      expect(story.message('No longer blocked', 'Contoso headquarters relay')).toBeDefined()
      expect(await readiness(story)).toEqual({ status: 200, degraded: [] })
    },
  )

  test('delays an approved removal until it can be read again', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.always(read, { kind: 'reset' })
    await decide(story, 'Approve unblock')
    await story.pass(8 * minuteMs)
    expect(story.removals()).toBe(0)
    story.exchange.faults.clear()
    await story.pass(90 * secondMs)
    expect(story.removals()).toBe(1)
    await story.cardShows('CR-1', 'Unblocking')
  })

  test('for ten minutes after the approval voids it: what the approvers saw is too old', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.always(read, { kind: 'reset' })
    await decide(story, 'Approve unblock')
    await story.pass(12 * minuteMs)
    story.exchange.faults.clear()
    await story.pass(10 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'waiting for approval', 'counts no more')
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('a list with a row that has no id', () => {
  test('announces what is listed, and counts for nothing else: nothing is removed, and nothing is gone', async () => {
    await begin({ lagMs: 0 })
    story.exchange.faults.always(read, { kind: 'rowWithoutId' })
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    expect(await cardNow()).toContain('**Held up**')
    expect((await readiness(story)).degraded).toEqual(['exchange-rowUnreadable'])
    story.exchange.faults.clear()
    await story.until('the removal', () => story.removals() === 1)
    story.exchange.faults.always(read, { kind: 'rowWithoutId' })
    await story.pass(10 * minuteMs)
    expect(await cardNow()).toContain('Unblocking')
    story.exchange.faults.clear()
    await story.pass(3 * minuteMs)
    expect(story.message('Removed from Restricted entities')).toBeDefined()
  })
})

describe('a list that is empty once', () => {
  test('clears nothing and voids nothing', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.next(read, listing())
    await story.pass(5 * minuteMs)
    expect(await cardNow()).toContain('waiting for approval')
    story.exchange.faults.next(read, listing())
    await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(1)
    expect(
      story.teams.messages.filter((one) => !one.thread && wordsOf(one.activity).includes('CR-2')),
    ).toEqual([])
  })
})

describe('a connector that is restricted anew while it is listed', () => {
  test('is another incident; what was approved for the first one removes nothing', async () => {
    await begin({ rules: { approvals: { requiredAfterReRestriction: 1 } } })
    const { connectorId } = await readyToDecide(story)
    const card = await story.card('CR-1')
    const stale = structuredClone(card)
    story.exchange.faults.next(read, { kind: 'reset' })
    await decide(story, 'Approve unblock')
    story.exchange.restrict(connectorId)
    await story.pass(10 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-2', 'Blocked again', 'CR-1')
    expect(wordsOf(card.activity)).toContain('Blocked again since')
    const answer = await story.press(cast.ben, stale, 'Approve unblock', { reason: 'still fine' })
    expect(answer.words).toContain('no longer blocked')
    expect(story.removals()).toBe(0)
  })
})

describe('a connector that is listed again after our removal', () => {
  const unblocked = async () => {
    await begin({ lagMs: 0 })
    const restriction = await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await story.pass(3 * minuteMs)
    expect(story.message('Removed from Restricted entities')).toBeDefined()
    return restriction
  }

  test('within the hour and from the same time is Exchange lagging behind: no new incident', async () => {
    const restriction = await unblocked()
    story.exchange.faults.always(read, listing(restriction))
    await story.pass(50 * minuteMs)
    expect(story.message('CR-2')).toBeUndefined()
    expect(story.message('Removed from Restricted entities')).toBeDefined()
  })

  test('and still is after an hour is a new incident, linked to the first, that takes two approvers', async () => {
    const restriction = await unblocked()
    story.exchange.faults.always(read, listing(restriction))
    await story.pass(62 * minuteMs)
    await story.cardShows('CR-2', 'Blocked again', 'CR-1', 'Ann Archer')
    await settled(story, 'CR-2')
    await decide(story, 'Approve unblock', cast.ann, 'CR-2')
    await decide(story, 'Approve unblock', cast.ann, 'CR-2')
    await story.pass(minuteMs)
    expect(story.removals()).toBe(1)
    await decide(story, 'Approve unblock', cast.ben, 'CR-2')
    await story.until('the second removal', () => story.removals() === 2)
  })
})

describe('a removal', () => {
  test('that Exchange refuses needs a person; Try again is a vote like any other', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.always(removal, faults.refusal(400, 'BadRequest', 'The unblock limit was reached.'))
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'Unblock failed', 'The unblock limit was reached', 'Try again')
    await story.pass(30 * minuteMs)
    expect(story.removals()).toBe(1)
    story.exchange.faults.clear()
    expect((await decide(story, 'Try again', cast.rae)).words).toContain('approver')
    await story.press(cast.ann, await story.card('CR-1'), 'Try again', { reason: '' })
    await story.pass(minuteMs)
    expect(story.removals()).toBe(1)
    await decide(story, 'Try again')
    await story.until('the second removal', () => story.removals() === 2)
    await story.cardShows('CR-1', 'Unblocking')
  })

  test('that was done before the connection broke is not repeated, and is confirmed by reading', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.next(removal, { kind: 'reset', executes: true })
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'whether Exchange did it is not known')
    await story.pass(10 * minuteMs)
    expect(story.message('Removed from Restricted entities')).toBeDefined()
    expect(story.removals()).toBe(1)
  })

  test('that nobody answered and that was not done is never repeated: after ten minutes a person is asked', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.next(removal, { kind: 'reset' })
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'whether Exchange did it is not known')
    await story.pass(9 * minuteMs)
    expect(await cardNow()).toContain('Unblocking')
    await story.pass(2 * minuteMs)
    await story.cardShows('CR-1', 'not confirmed', 'Ten minutes later the connector was still listed')
    await story.pass(30 * minuteMs)
    expect(story.removals()).toBe(1)
  })

  test('that Exchange lets hang counts as unknown after a minute', async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.next(removal, { kind: 'hang', executes: true })
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
    await story.cardShows('CR-1', 'has not been answered yet')
    await story.pass(61 * secondMs)
    await story.cardShows('CR-1', 'whether Exchange did it is not known')
  })

  test('that Exchange accepted and that does not show after an hour needs a person', async () => {
    await begin({ lagMs: 10 * hourMs })
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
    await story.pass(59 * minuteMs)
    expect(await cardNow()).toContain('Exchange accepted it')
    await story.pass(2 * minuteMs)
    await story.cardShows('CR-1', 'not confirmed', 'One hour later the connector is still listed')
    await story.pass(hourMs)
    expect(story.removals()).toBe(1)
  })

  test('that got stuck and shows late after all is unblocked', async () => {
    await begin({ lagMs: 70 * minuteMs })
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await story.pass(62 * minuteMs)
    await story.cardShows('CR-1', 'not confirmed')
    await story.pass(12 * minuteMs)
    expect(story.message('Removed from Restricted entities')).toBeDefined()
  })

  test('is not sent while the app gets no token; once it does, it is', async () => {
    await begin()
    await readyToDecide(story)
    story.entra.tokenLifeSeconds = 1
    story.exchange.faults.next(read, { kind: 'answer', status: 401 })
    story.entra.fail({ kind: 'refuse', aadsts: '7000222', text: 'The client secret keys are expired.' })
    await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    story.entra.recover()
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('a connector that somebody else unblocks', () => {
  test('while nobody decided is cleared; a late click hears so', async () => {
    await begin()
    const { connectorId } = await readyToDecide(story)
    const card = await story.card('CR-1')
    const stale = structuredClone(card)
    story.exchange.release(connectorId)
    await story.pass(3 * minuteMs)
    expect(wordsOf(card.activity)).toContain('The block was not removed by this bot')
    expect((await story.press(cast.ann, stale, 'Approve unblock', { reason: 'fine' })).words).toContain(
      'no longer blocked',
    )
    expect(story.removals()).toBe(0)
  })

  test('between approval and removal is cleared, and nothing is removed', async () => {
    await begin()
    const { connectorId } = await readyToDecide(story)
    story.exchange.faults.next(read, { kind: 'reset' })
    await decide(story, 'Approve unblock')
    story.exchange.release(connectorId)
    await story.pass(3 * minuteMs)
    expect(story.message('The block was not removed by this bot')).toBeDefined()
    expect(story.removals()).toBe(0)
  })
})

describe('between quorum and removal', () => {
  const approvedAndHeld = async () => {
    await begin()
    await readyToDecide(story)
    story.exchange.faults.always(read, { kind: 'hang' })
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'Unblock approved')
  }

  test('Keep blocked wins', async () => {
    await approvedAndHeld()
    expect((await decide(story, 'Keep blocked', cast.ben)).words).toContain('Kept blocked')
    story.exchange.faults.clear()
    await story.pass(20 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'Kept blocked', 'Ben Baker')
  })

  test('an undone step voids the approval', async () => {
    await approvedAndHeld()
    await story.pass(2 * secondMs)
    await story.type(cast.rae, 'undo CR-1 revert')
    story.exchange.faults.clear()
    await story.pass(20 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', '3 of 4', 'counts no more')
  })

  test('an approver who loses the role voids the approval, and the card says so', async () => {
    await approvedAndHeld()
    await story.writeRoleMap(roleMapOf({ approver: [cast.ben], responder: [cast.rae, cast.ann] }))
    story.exchange.faults.clear()
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'waiting for approval', 'Ann Archer', 'counts no more')
  })

  test('an approver who leaves the team voids the approval', async () => {
    await approvedAndHeld()
    const left = Object.values(cast).filter((one) => one !== cast.ann)
    story.teams.rosters.set(channel, left)
    story.exchange.faults.clear()
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'counts no more')
  })

  test('nothing is removed while nobody can say whether the approver still is one', async () => {
    await approvedAndHeld()
    for (let times = 0; times < 30; times++) story.teams.failNext('member', { status: 503 })
    story.exchange.faults.clear()
    await story.pass(12 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'counts no more')
  })
})

describe('while the roster cannot be asked', () => {
  test('approving is refused, and keeping blocked works', async () => {
    await begin()
    await readyToDecide(story)
    story.teams.failNext('member', { status: 503 })
    const refused = await decide(story, 'Approve unblock')
    expect(refused.body?.type).toBe('application/vnd.microsoft.activity.message')
    story.teams.failNext('member', { status: 503 })
    await decide(story, 'Keep blocked')
    await story.cardShows('CR-1', 'Kept blocked', 'Ann Archer')
    expect(story.removals()).toBe(0)
  })
})

describe('once the removal is on its way', () => {
  test('Keep blocked is refused, with the reason', async () => {
    await begin()
    await readyToDecide(story)
    const before = structuredClone(await story.card('CR-1'))
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'Unblocking')
    const answer = await story.press(cast.ben, before, 'Keep blocked', { reason: 'I have doubts' })
    expect(answer.words).toContain('removal')
    await story.pass(minuteMs)
    expect(await cardNow()).toContain('Unblocking')
  })
})

describe('a card that Teams will not take', () => {
  test('does not keep the conversation from hearing of the next connector', async () => {
    await begin()
    await restricted(story)
    for (let times = 0; times < 500; times++) story.teams.failNext('edit', { status: 400 })
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.pass(minuteMs)
    story.exchange.restrict()
    await story.pass(5 * minuteMs)
    expect(await story.card('CR-2')).toBeDefined()
  })
})

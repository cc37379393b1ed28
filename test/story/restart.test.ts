import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import { cardOf, type FakeMessage, wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, readyToDecide, restricted, settled } from '../support/moves.js'
import { cast, Story, type StoryOptions } from '../support/story.js'

const read = 'Get-BlockedConnector'
const removal = 'Remove-BlockedConnector'

let story: Story
afterEach(() => endLawfully(story))

const begin = async (options?: StoryOptions) => {
  story = await Story.watching(options)
}

const cards = (): FakeMessage[] => story.teams.messages.filter((one) => !one.thread && cardOf(one))

/** Everything that stands in Teams, in words. */
const everything = (): string[] => story.teams.messages.map(({ activity }) => wordsOf(activity))

/** The bot ends, `ms` pass without it, and it starts again. */
async function awayFor(ms: number): Promise<void> {
  await story.quiet()
  const stopped = story.bot.stop()
  story.clock.advance(8 * secondMs)
  await stopped
  story.clock.advance(ms)
  await story.startBot()
}

type Scene = () => Promise<void>

const acknowledged: Scene = async () => {
  await begin()
  await restricted(story)
  await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
  await story.cardShows('CR-1', 'On it')
}

const approved: Scene = async () => {
  await begin()
  await readyToDecide(story)
  story.exchange.faults.always(read, { kind: 'reset' })
  await decide(story, 'Approve unblock')
  await story.cardShows('CR-1', 'Unblock approved')
}

const accepted: Scene = async () => {
  await begin()
  await readyToDecide(story)
  await decide(story, 'Approve unblock')
  await story.cardShows('CR-1', 'Exchange accepted it')
}

const unknown: Scene = async () => {
  await begin()
  await readyToDecide(story)
  story.exchange.faults.next(removal, { kind: 'reset', executes: true })
  await decide(story, 'Approve unblock')
  await story.cardShows('CR-1', 'whether Exchange did it is not known')
}

const stuck: Scene = async () => {
  await begin()
  await readyToDecide(story)
  story.exchange.faults.next(removal, faults.refusal(400, 'BadRequest', 'The unblock limit was reached.'))
  await decide(story, 'Approve unblock')
  await story.cardShows('CR-1', 'Unblock failed')
}

const kept: Scene = async () => {
  await begin()
  await readyToDecide(story)
  await decide(story, 'Keep blocked')
  await story.cardShows('CR-1', 'Kept blocked')
}

const over: Scene = async () => {
  await accepted()
  await story.pass(8 * minuteMs)
  expect(story.message('Removed from Restricted entities')).toBeDefined()
}

const announced: Scene = async () => {
  await begin()
  await restricted(story)
}

describe('a restart changes nothing that people see, and posts nothing again, when the connector is', () => {
  test.each<[string, Scene]>([
    ['announced', announced],
    ['acknowledged', acknowledged],
    ['approved, and the list cannot be read', approved],
    ['being removed, and Exchange accepted it', accepted],
    ['being removed, and the outcome is unknown', unknown],
    ['stuck', stuck],
    ['kept blocked', kept],
    ['unblocked', over],
  ])('%s', async (_title, scene) => {
    await scene()
    // Long enough for whatever is held up to say so.
    await story.pass(40 * secondMs)
    const before = everything()
    const removals = story.removals()
    await awayFor(0)
    await story.pass(20 * secondMs)
    expect(everything()).toEqual(before)
    expect(story.removals()).toBe(removals)
  })
})

describe('after a restart', () => {
  test('what was approved is removed, once', async () => {
    await approved()
    await awayFor(0)
    story.exchange.faults.clear()
    await story.pass(minuteMs)
    expect(story.removals()).toBe(1)
    await story.cardShows('CR-1', 'Exchange accepted it')
  })

  test.each<[string, Scene]>([
    ['that Exchange accepted', accepted],
    ['of unknown outcome', unknown],
  ])('a removal %s is confirmed by reading, and never sent again', async (_title, scene) => {
    await scene()
    await awayFor(2 * minuteMs)
    await story.pass(8 * minuteMs)
    expect(story.message('Removed from Restricted entities')).toBeDefined()
    expect(story.removals()).toBe(1)
  })

  test('what is stuck can be tried again, by a new decision', async () => {
    await stuck()
    await awayFor(hourMs)
    await story.pass(minuteMs)
    expect(story.removals()).toBe(1)
    await decide(story, 'Try again')
    await story.until('the second removal', () => story.removals() === 2)
  })

  test('a click on the card from before works', async () => {
    await announced()
    const card = structuredClone(await story.card('CR-1'))
    await awayFor(0)
    await story.press(cast.rae, card, 'Acknowledge')
    await story.cardShows('CR-1', 'On it', 'Rae Responder')
  })
})

describe('while the bot was away', () => {
  test('an approval got too old: it is void, and nothing is removed', async () => {
    await approved()
    story.exchange.faults.clear()
    await awayFor(11 * minuteMs)
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'waiting for approval', 'counts no more')
  })

  test('a first vote of two expired: the second one alone removes nothing', async () => {
    await begin({ rules: { approvals: { required: 2 } } })
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await awayFor(61 * minuteMs)
    await story.pass(secondMs)
    await decide(story, 'Approve unblock', cast.ben)
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'Approvals: 1 of 2', 'Ben Baker')
  })

  test('the hour passed in which a removal should show: a person is asked', async () => {
    await begin({ lagMs: 5 * hourMs })
    await readyToDecide(story)
    await decide(story, 'Approve unblock')
    await story.cardShows('CR-1', 'Exchange accepted it')
    await awayFor(2 * hourMs)
    await story.pass(minuteMs)
    await story.cardShows('CR-1', 'not confirmed', 'One hour later the connector is still listed')
  })

  test('a connector was restricted: it is announced', async () => {
    await begin()
    await story.quiet()
    story.exchange.restrict()
    await awayFor(hourMs)
    await story.pass(minuteMs)
    await story.cardShows('CR-1', 'Blocked')
  })

  test('somebody unblocked the connector: that is said, and takes two reads as ever', async () => {
    await announced()
    for (const { connectorId } of story.exchange.restricted()) story.exchange.release(connectorId)
    await awayFor(hourMs)
    await story.pass(30 * secondMs)
    expect(story.message('The block was not removed by this bot')).toBeUndefined()
    await story.pass(minuteMs)
    expect(story.message('The block was not removed by this bot')).toBeDefined()
  })
})

describe('what Teams did not take', () => {
  test('an edit is made up for after the restart', async () => {
    await announced()
    story.teams.failNext('edit', { status: 401 })
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.quiet()
    expect(wordsOf(cardOf(await story.card('CR-1')))).not.toContain('On it')
    await awayFor(0)
    await story.cardShows('CR-1', 'On it')
    expect(cards()).toHaveLength(1)
  })

  test('a reply in the thread is made up for after the restart, once', async () => {
    await announced()
    await settled(story)
    await story.pass(10 * secondMs)
    story.teams.failNext('post', { status: 401 })
    await decide(story, 'Keep blocked')
    await story.quiet()
    const told = () =>
      story.teams.messages.filter((one) => one.thread && wordsOf(one.activity).includes('keeps it blocked'))
    expect(told()).toHaveLength(0)
    await awayFor(0)
    await story.pass(30 * secondMs)
    expect(told()).toHaveLength(1)
    await awayFor(0)
    await story.pass(30 * secondMs)
    expect(told()).toHaveLength(1)
  })

  test('a post of which nobody knows whether it arrived is made again ever more seldom, restarts or not', async () => {
    await begin()
    for (let times = 0; times < 10; times++) story.teams.failNext('post', { status: 0, after: true })
    story.exchange.restrict()
    await story.pass(2 * minuteMs)
    for (let restarts = 0; restarts < 3; restarts++) {
      await awayFor(minuteMs)
      await story.pass(2 * minuteMs)
    }
    // Twice at once, then after 5 minutes; the next would come 15 minutes later.
    expect(cards()).toHaveLength(3)
    const [first] = cards()
    if (!first) throw new Error('no card arrived')
    await story.press(cast.rae, first, 'Acknowledge')
    expect((await story.press(cast.ann, first, 'Refresh')).words).toContain('On it')
  })

  test('a card that somebody deleted is posted anew', async () => {
    await announced()
    const index = story.teams.messages.indexOf(await story.card('CR-1'))
    const card = structuredClone(story.teams.messages[index])
    story.teams.messages.splice(index, 1)
    if (card) await story.press(cast.rae, card, 'Acknowledge')
    await story.cardShows('CR-1', 'On it')
    expect(cards()).toHaveLength(1)
  })
  test('because it removed the bot is made up for when the bot is back, also what ended meanwhile', async () => {
    await begin()
    await readyToDecide(story)
    const card = await story.card('CR-1')
    await story.pass(10 * secondMs)
    story.teams.failNext('edit', { status: 403 })
    await decide(story, 'Approve unblock')
    await story.pass(10 * minuteMs)
    expect(wordsOf(card.activity)).not.toContain('Unblocked')
    await story.type(cast.rae, 'list')
    await story.pass(10 * secondMs)
    expect(wordsOf(card.activity)).toContain('Unblocked')
    expect(story.removals()).toBe(1)
  })
})

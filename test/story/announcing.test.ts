import { minuteMs, secondMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import { cardOf, wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, readiness, readyToDecide, reason } from '../support/moves.js'
import { cast, channel, Story, type StoryOptions } from '../support/story.js'

let story: Story
afterEach(() => endLawfully(story))

/** One incident, announced, its required steps settled. */
async function begin(options: StoryOptions = {}): Promise<void> {
  story = await Story.watching(options)
  await readyToDecide(story)
}

const shown = async (code: string) => wordsOf(cardOf(await story.card(code)))
describe('a restriction is announced, whatever happens to the first post', () => {
  test('a digest that Teams did not take at first is posted when it does', async () => {
    story = await Story.watching()
    story.exchange.connectors = Array.from({ length: 12 }, (_, n) => ({
      ...(story.exchange.connectors[0] ?? { name: '' }),
      id: `00000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`,
      name: `Relay ${n}`,
    })) as typeof story.exchange.connectors
    for (const { id } of story.exchange.connectors) story.exchange.restrict(id)
    for (let tries = 0; tries < 5; tries++) story.teams.failNext('post', { status: 429 })
    await story.pass(3 * minuteMs)
    const digests = story.teams.messages.filter((one) => wordsOf(cardOf(one)).includes('12 connectors'))
    expect(digests).toHaveLength(1)
  })

  test('one of two channels that removes the bot is told of, and the other one is announced to', async () => {
    story = await Story.watching()
    const other = '19:on-call@thread.tacv2'
    story.teams.rosters.set(other, Object.values(cast))
    await story.type(cast.rae, 'watch', other)
    await story.send(story.activity(cast.rae, { type: 'installationUpdate', action: 'remove' }))
    expect((await readiness(story)).degraded).toEqual(['conversationLost'])
    story.exchange.restrict()
    await story.pass(minuteMs)
    expect((await story.card('CR-1')).conversation).toBe(other)
    expect(story.teams.messages.filter((one) => cardOf(one) && one.conversation === channel)).toEqual([])
  })
})

describe('cards that say why nothing happens', () => {
  test('an approved removal that cannot go on says what it waits for, and goes on once it can', async () => {
    await begin()
    story.exchange.faults.always('Get-BlockedConnector', faults.blankForbidden)
    await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(await shown('CR-1')).toContain('**Held up**')
    expect(story.message('held up')?.thread).toBe((await story.card('CR-1')).id)
    expect(story.removals()).toBe(0)
    story.exchange.faults.clear()
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(1)
    expect(await shown('CR-1')).not.toContain('**Held up**')
  })

  test('a removal that can no longer be verified says so instead of waiting in silence', async () => {
    await begin({ lagMs: 600 * minuteMs })
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
    story.exchange.faults.always('Get-BlockedConnector', faults.blankForbidden)
    await story.pass(75 * minuteMs)
    expect(await shown('CR-1')).toContain('**Held up**')
    expect(story.message('held up', 'keeps trying')).toBeDefined()
  })
})

describe('what must not be said', () => {
  test('that a stop held anything up', async () => {
    await begin({ lagMs: 600 * minuteMs })
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'hang' })
    await decide(story, 'Approve unblock')
    await story.pass(40 * secondMs)
    const stopped = story.bot.stop()
    story.clock.advance(8 * secondMs)
    await stopped
    story.exchange.faults.clear()
    await story.startBot()
    await story.until('the removal', () => story.removals() === 1)
    expect(story.message('being stopped')).toBeUndefined()
  })

  test('the same trouble in ever new words, again and again', async () => {
    await begin({ lagMs: 600 * minuteMs })
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
    await story.pass(59 * minuteMs)
    for (let n = 0; n < 30; n++)
      story.exchange.faults.next(
        'Get-BlockedConnector',
        faults.refusal(500, 'ServerError', `Backend ${n} is down`),
      )
    await story.pass(20 * minuteMs)
    const replies = story.teams.messages.filter((one) => wordsOf(one.activity).includes('held up'))
    expect(replies).toHaveLength(1)
  })
})

describe('cards that do not claim what nobody knows', () => {
  test('gone after Try again, where a removal of unknown outcome may have done it', async () => {
    await begin({ rules: { approvals: { required: 2 } } })
    for (const who of [cast.ann, cast.ben]) {
      story.exchange.faults.next('Remove-BlockedConnector', { kind: 'reset' })
      await story.press(who, await story.card('CR-1'), 'Approve unblock', { reason })
    }
    await story.pass(15 * minuteMs)
    await story.press(cast.ann, await story.cardShows('CR-1', 'not confirmed'), 'Try again', { reason })
    await story.pass(30 * secondMs)
    const card = await story.card('CR-1')
    story.exchange.release(story.exchange.restricted()[0]?.connectorId ?? '')
    await story.pass(3 * minuteMs)
    const words = wordsOf(cardOf(card))
    expect(words).toContain('may have done it')
    expect(words).not.toContain('not removed by this bot')
  })

  test('a newer restriction in place of one that was being removed is never called unblocked', async () => {
    await begin({ lagMs: 600 * minuteMs })
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
    const old = await story.cardShows('CR-1', 'Unblocking')
    await story.pass(minuteMs)
    story.exchange.restrict(story.exchange.restricted()[0]?.connectorId)
    await story.pass(2 * minuteMs)
    const words = wordsOf(cardOf(old))
    expect(words).toContain('newer restriction')
    expect(words).not.toMatch(/Unblocked|Removed from Restricted/)
    await story.cardShows('CR-2', 'CR-1')
  })
})

test('a bot whose settings name another tenant does not start while incidents of the old one are open', async () => {
  await begin()
  await story.bot.stop()
  const settings = story.settings()
  story.settings = () => ({
    ...settings,
    exchange:
      settings.exchange.kind === 'admin-api'
        ? {
            ...settings.exchange,
            tenants: settings.exchange.tenants.map((tenant) => ({ ...tenant, name: 'renamed' })),
          }
        : settings.exchange,
  })
  await expect(story.startBot()).rejects.toMatchObject({
    code: 'tenantNotWatched',
    message: expect.stringContaining('CR-1'),
  })
  story.settings = () => settings
  await story.startBot()
  expect(await shown('CR-1')).toContain('waiting for approval')
})

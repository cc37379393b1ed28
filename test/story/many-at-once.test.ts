import { minuteMs, secondMs } from '../../src/clock.js'
import type { SimulatedConnector } from '../../src/exchange/simulated-connectors.js'
import { buttonsOf, cardOf, type FakeMessage, wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, settled } from '../support/moves.js'
import { cast, Story } from '../support/story.js'

let story: Story
afterEach(() => endLawfully(story))

const connectorId = (number: string): string => `00000000-0000-4000-8000-${number.padStart(12, '0')}`

/** So many connectors are restricted before the next read. */
function restrictMany(count: number): void {
  const [model] = story.exchange.connectors
  if (!model) throw new Error('the simulated tenant has no connector')
  story.exchange.connectors = Array.from({ length: count }, (_, index): SimulatedConnector => {
    const number = String(index + 1)
    return {
      ...model,
      id: connectorId(number),
      name: `Branch office ${number}`,
      traffic: [],
    }
  })
  for (const { id } of story.exchange.connectors) story.exchange.restrict(id)
}

const roots = (): FakeMessage[] => story.teams.messages.filter((one) => !one.thread && cardOf(one))
const posts = (since: number): number =>
  story.teams.requests.slice(since).filter(({ method }) => method === 'POST').length

/** The digest once its words include these. */
const digest = (...words: string[]): Promise<FakeMessage> =>
  story.until(`the digest showing ${words.join(', ')}`, () => {
    const shown = roots().find((one) => wordsOf(one.activity).includes('blocked at once'))
    return shown && words.every((word) => wordsOf(cardOf(shown)).includes(word)) && shown
  })

describe('many connectors restricted at once', () => {
  test('ten are announced one by one', async () => {
    story = await Story.watching()
    restrictMany(10)
    await story.pass(minuteMs + 10 * secondMs)
    await story.until('ten cards', () => roots().length === 10)
    expect(story.message('blocked at once')).toBeUndefined()
  })

  test('eleven are announced in one digest, of which each can be opened and decided on its own', async () => {
    story = await Story.watching()
    restrictMany(11)
    await story.pass(minuteMs)
    const shown = await digest('11 connectors were blocked at once', 'Branch office 1')
    expect(roots()).toHaveLength(1)
    await story.press(cast.rae, shown, 'Open')
    await story.card('CR-1')
    await settled(story)
    await decide(story, 'Keep blocked')
    await story.cardShows('CR-1', 'Kept blocked')
    await digest('kept blocked')
    expect(roots()).toHaveLength(2)
    expect(story.removals()).toBe(0)
  })

  test('a thousand are one digest; it is paged through by each person alone and drawn anew as things change', async () => {
    story = await Story.watching({ lagMs: 0 })
    const before = story.teams.requests.length
    restrictMany(1_000)
    await story.pass(minuteMs)
    const shown = await digest('1000 connectors were blocked at once')
    await story.pass(minuteMs)
    expect(posts(before)).toBeLessThanOrEqual(20)
    expect(roots()).toHaveLength(1)

    const next = buttonsOf(cardOf(shown)).find(({ title }) => title === 'Next')
    const page = await story.invoke(cast.vic, shown, { ...next?.data, page: 50 })
    expect(page.words).toContain('CR-500')
    expect(wordsOf(cardOf(shown))).not.toContain('CR-500')

    await story.type(cast.rae, 'show CR-500')
    await settled(story, 'CR-500')
    // It is looked into only since it was opened, and nobody can approve before.
    await story.pass(2 * minuteMs)
    await story.cardShows('CR-500', '(Get-MessageTraceV2, ')
    const [, number = ''] = /Branch office (\d+)/.exec(wordsOf(cardOf(await story.card('CR-500')))) ?? []
    const { words } = await decide(story, 'Approve unblock', cast.ann, 'CR-500')
    expect(words).toContain('Unblock approved')
    await story.until('the removal', () => story.removals() === 1)
    await story.pass(3 * minuteMs)
    await digest('**1** unblocked')
    const removed = story.exchange.log.find(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')
    expect(removed?.parameters.ConnectorId).toBe(connectorId(number))
    expect(posts(before)).toBeLessThanOrEqual(20)
  })

  test('a thousand that leave the list are all cleared, and the one digest says so', async () => {
    story = await Story.watching()
    const before = story.teams.requests.length
    restrictMany(1_000)
    await story.pass(minuteMs)
    await digest('1000 connectors were blocked at once')
    for (const { id } of story.exchange.connectors) story.exchange.release(id)
    await story.pass(3 * minuteMs)
    await digest('**1000** no longer blocked')
    expect(posts(before)).toBeLessThanOrEqual(20)
  })
})

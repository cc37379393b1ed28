import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import { cardOf, wordsOf } from '../support/fake-teams.js'
import { endLawfully, reason, requiredSteps } from '../support/moves.js'
import { cast, channel, Story } from '../support/story.js'

describe('a restricted connector, from the alert to the confirmed unblock', () => {
  let story: Story
  beforeAll(async () => {
    story = await Story.watching()
  })
  afterAll(() => endLawfully(story))

  test('is announced in the channel that watches, and calls the responders by name', async () => {
    story.exchange.restrict()
    await story.pass(minuteMs)
    const card = await story.card('CR-1')
    expect(card.conversation).toBe(channel)
    const row = story.exchange.restricted()[0]
    const name = story.exchange.connectors.find(({ id }) => id === row?.connectorId)?.name ?? 'nameless'
    expect(wordsOf(cardOf(card))).toContain(name)
    expect(card.activity.text).toContain('<at>Rae Responder</at>')
    expect(card.activity.entities).toEqual([
      { type: 'mention', text: '<at>Rae Responder</at>', mentioned: { id: '29:c', name: 'Rae Responder' } },
    ])
  })

  test('the clicker of Acknowledge sees the result at once, everybody else when the card is edited', async () => {
    const card = await story.card('CR-1')
    const answer = await story.press(cast.rae, card, 'Acknowledge')
    expect(answer).toMatchObject({ status: 200, body: { type: 'application/vnd.microsoft.card.adaptive' } })
    expect(answer.words).toContain('Rae Responder')
    await story.cardShows('CR-1', 'Rae Responder')
  })

  test('approving before the steps are settled is refused, and the steps are named', async () => {
    const answer = await story.press(cast.ann, await story.card('CR-1'), 'Approve unblock', { reason })
    expect(answer).toMatchObject({
      status: 200,
      body: { type: 'application/vnd.microsoft.activity.message' },
    })
    for (const step of requiredSteps) expect(answer.words).toContain(step)
    expect(story.removals()).toBe(0)
  })

  test('steps are settled by whoever did them, with a note', async () => {
    for (const step of requiredSteps) {
      const answer = await story.press(cast.rae, await story.card('CR-1'), 'Done', {
        step,
        note: `Looked at ${step}`,
      })
      expect(answer.body?.type).toBe('application/vnd.microsoft.card.adaptive')
      await story.cardShows('CR-1', `Looked at ${step}`)
      await story.pass(secondMs)
    }
  })

  test('a responder cannot approve, and is told which role it takes', async () => {
    const answer = await story.press(cast.rae, await story.card('CR-1'), 'Approve unblock', { reason })
    expect(answer.words).toContain('approver')
    expect(story.removals()).toBe(0)
  })

  test('an approval removes the block once, and tells Exchange the incident and the approver', async () => {
    await story.press(cast.ann, await story.card('CR-1'), 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
    const removal = story.exchange.log.find(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')
    expect(removal?.parameters.Reason).toContain('CR-1')
    expect(removal?.parameters.Reason).toContain('Ann Archer')
    await story.cardShows('CR-1', 'Unblocking')
  })

  test('it is not called unblocked while Exchange still lists it', async () => {
    await story.pass(3 * minuteMs)
    expect(wordsOf(cardOf(await story.card('CR-1')))).toContain('Unblocking')
  })

  test('it is unblocked when two reads show that it is gone, and nothing was sent twice', async () => {
    const card = await story.card('CR-1')
    await story.pass(5 * minuteMs)
    const words = wordsOf(cardOf(card))
    expect(words).toContain('Unblocked')
    expect(words).toContain('Removed from Restricted entities')
    expect(story.removals()).toBe(1)
  })

  test('what should be noticed was said in the thread of the card, and nowhere else', async () => {
    const card = story.message('Removed from Restricted entities')
    const replies = story.teams.messages
      .filter(({ thread }) => thread === card?.id)
      .map((one) => wordsOf(one.activity))
    expect(replies).toEqual([
      expect.stringContaining('approved by Ann Archer'),
      expect.stringContaining('unblocked'),
    ])
    const roots = story.teams.messages.filter(({ thread, activity }) => !thread && cardOf({ activity }))
    expect(roots).toHaveLength(1)
  })

  test('the same connector restricted again is a new incident that takes two approvers', async () => {
    await story.pass(hourMs)
    story.exchange.restrict(
      story.exchange.log.findLast(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')?.parameters
        .ConnectorId as string,
    )
    await story.pass(minuteMs)
    const card = await story.cardShows('CR-2', 'CR-1')
    for (const step of requiredSteps) await story.press(cast.rae, card, 'Done', { step })
    await story.press(cast.ann, await story.card('CR-2'), 'Approve unblock', { reason })
    await story.pass(minuteMs)
    expect(story.removals()).toBe(1)
    await story.press(cast.ben, await story.card('CR-2'), 'Approve unblock', { reason })
    await story.until('the second removal', () => story.removals() === 2)
  })
})

import { later, minuteMs } from '../../src/clock.js'
import type { Conversation, Delivery } from '../../src/incident/delivery.js'
import { due, dueDecision, laneOf, notable, type Place } from '../../src/incident/due.js'
import { actor, Case, people, start } from '../support/incidents.js'

const channel = (changes: Partial<Conversation> = {}): Conversation => ({
  id: 'channel',
  kind: 'channel',
  serviceUrl: 'https://smba.trafficmanager.net/teams',
  tenantId: 'home',
  botId: 'bot',
  watching: { since: start, by: people.ann },
  ...changes,
})

const delivered = (changes: Partial<Delivery> = {}): Delivery => ({
  subject: 'CR-1',
  conversation: 'channel',
  message: 'm1',
  drawn: 1,
  told: 1,
  ...changes,
})

/** What is due but for what there is to find out, which has tests of its own. */
const dueNow = (on: Case, places: Place[], now = on.now) =>
  due(on.state, places, now, { askedAt: '2036-01-01T00:00:00.000Z' })
const kindsIn = (on: Case, place: Place) => dueNow(on, [place]).work.map(({ kind }) => kind)

describe('what is due in a conversation', () => {
  test('a new incident is posted where somebody said watch before it was found', () => {
    expect(kindsIn(Case.opened(), { conversation: channel() })).toEqual(['post'])
    expect(kindsIn(Case.opened(), { conversation: channel({ watching: undefined }) })).toEqual([])
    const since = '2026-11-22T03:00:00.001Z'
    expect(
      kindsIn(Case.opened(), { conversation: channel({ watching: { since, by: people.ann } }) }),
    ).toEqual([])
  })

  test('a card that shows an older state is redrawn, one that is current is left alone', () => {
    const on = Case.opened()
    expect(kindsIn(on, { conversation: channel(), delivery: delivered() })).toEqual([])
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(kindsIn(on, { conversation: channel(), delivery: delivered() })).toEqual(['redraw'])
    expect(kindsIn(on, { conversation: channel(), delivery: delivered({ drawn: 2 }) })).toEqual([])
  })

  test('a card goes on being redrawn where nobody watches any more', () => {
    const on = Case.opened()
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(kindsIn(on, { conversation: channel({ watching: undefined }), delivery: delivered() })).toEqual([
      'redraw',
    ])
  })

  test('what should be noticed is told in the thread once', () => {
    const on = Case.opened()
    on.act({ verb: 'keep', actor: actor(), reason: 'Not ours' })
    expect(kindsIn(on, { conversation: channel(), delivery: delivered() })).toEqual(['redraw', 'tell'])
    expect(notable(on.state, 1).map(({ event }) => event.type)).toEqual(['keptBlocked'])
    expect(kindsIn(on, { conversation: channel(), delivery: delivered({ drawn: 2, told: 2 }) })).toEqual([])
  })

  test('a live card stays true while the one that shall replace it is in doubt', () => {
    const on = Case.opened()
    on.act({ verb: 'keep', actor: actor(), reason: 'Not ours' })
    const ambiguous = { since: start, tries: 2 }
    const place = { conversation: channel(), delivery: delivered({ wanted: true, ambiguous }) }
    expect(kindsIn(on, place)).toEqual(['redraw', 'tell'])
  })

  test('nothing is posted any more where somebody said unwatch, however much it was wanted', () => {
    const place = {
      conversation: channel({ watching: undefined }),
      delivery: delivered({ message: undefined, wanted: true }),
    }
    expect(kindsIn(Case.opened(), place)).toEqual([])
  })

  test('a message that was said to be missing is retired, also where nothing replaces it', () => {
    const place = {
      conversation: channel({ watching: undefined }),
      delivery: delivered({ message: undefined, retired: ['m1'] }),
    }
    expect(kindsIn(Case.opened(), place)).toEqual(['retire'])
  })

  test('what was over before the bot was back in a conversation is not announced there', () => {
    const on = Case.opened()
    on.pass(minuteMs).act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    const back = later(on.now, minuteMs)
    expect(kindsIn(on, { conversation: channel({ back }) })).toEqual([])
    expect(kindsIn(on, { conversation: channel() })).toEqual(['post'])
  })

  test('of what is over four posts in doubt are enough', () => {
    const on = Case.opened()
    on.pass(minuteMs).act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    const inDoubt = (tries: number) => ({
      conversation: channel(),
      delivery: delivered({ message: undefined, wanted: true, ambiguous: { since: start, tries } }),
    })
    on.pass(600 * minuteMs)
    expect(kindsIn(on, inDoubt(3))).toEqual(['post'])
    expect(kindsIn(on, inDoubt(4))).toEqual([])
  })

  test('a card that somebody asked for is posted, and the one it replaces is retired', () => {
    const on = Case.opened()
    expect(kindsIn(on, { conversation: channel(), delivery: delivered({ wanted: true }) })).toEqual(['post'])
    expect(kindsIn(on, { conversation: channel(), delivery: delivered({ retired: ['m0'] }) })).toEqual([
      'retire',
    ])
  })

  test('nothing is due where the bot was removed', () => {
    const gone = { at: start, cause: 'removed' }
    expect(kindsIn(Case.opened(), { conversation: channel({ gone }) })).toEqual([])
  })

  test.each([
    [1, 0],
    [2, 5],
    [3, 15],
    [4, 30],
    [7, 240],
    [99, 240],
  ])('after %d posts in doubt the next comes %d minutes later, and never is the last', (tries, minutes) => {
    const on = Case.opened()
    const ambiguous = { since: start, tries }
    const place = {
      conversation: channel(),
      delivery: delivered({ message: undefined, wanted: true, ambiguous }),
    }
    const next = later(start, minutes * minuteMs)
    if (minutes > 0) expect(dueNow(on, [place])).toMatchObject({ work: [], nextAt: next })
    expect(dueNow(on, [place], next).work.map(({ kind }) => kind)).toEqual(['post'])
  })

  test('a digest whose first post failed is posted again', () => {
    const on = Case.opened(undefined, { batch: { id: 'b', size: 12 } })
    const digest = delivered({ subject: 'batch:b', message: undefined, wanted: true })
    expect(dueNow(on, [{ conversation: channel(), digest }]).work).toEqual([
      { kind: 'post', subject: 'batch:b', incident: 1, conversation: 'channel' },
    ])
  })

  test('what was announced among many gets a card of its own once somebody decides on it', () => {
    const on = Case.opened(undefined, { batch: { id: 'b', size: 12 } })
    const place = { conversation: channel(), digest: delivered({ subject: 'batch:b' }) }
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(kindsIn(on, place)).toEqual(['redraw'])
    on.act({ verb: 'keep', actor: actor(), reason: 'Not ours' })
    expect(dueNow(on, [place]).work.map((item) => [item.kind, 'subject' in item && item.subject])).toEqual([
      ['redraw', 'batch:b'],
      ['post', 'CR-1'],
    ])
  })

  test('where nobody watches any more a card stays true, and the thread is left in peace', () => {
    const on = Case.opened()
    on.act({ verb: 'keep', actor: actor(), reason: 'Not ours' })
    expect(kindsIn(on, { conversation: channel({ watching: undefined }), delivery: delivered() })).toEqual([
      'redraw',
    ])
  })

  test.each([
    [10, 'CR-1'],
    [11, 'batch:b'],
  ])('%d found in one read are announced as %s', (size, subject) => {
    const on = Case.opened(undefined, { batch: { id: 'b', size } })
    expect(dueNow(on, [{ conversation: channel() }]).work).toEqual([
      { kind: 'post', subject, incident: 1, conversation: 'channel' },
    ])
  })

  test('each conversation has a lane of its own, and the decision another', () => {
    const on = Case.approved()
    const places = [channel(), channel({ id: 'other' })].map((conversation) => ({ conversation }))
    expect(dueNow(on, places).work.map(laneOf)).toEqual([
      'decision:1',
      'conversation:channel',
      'conversation:other',
    ])
  })
})

describe('what is due for the decision', () => {
  test('an approved incident is removed, and expires 10 minutes after the quorum', () => {
    const on = Case.approved()
    expect(dueDecision(on.state, on.now)).toEqual({
      work: [{ kind: 'remove', incident: 1 }],
      nextAt: '2026-11-22T03:10:00.000Z',
    })
    on.pass(10 * minuteMs)
    expect(dueDecision(on.state, on.now)).toEqual({ work: [{ kind: 'expire', incident: 1 }] })
  })

  test('a removal without an answer is adopted: whoever sent it is no more', () => {
    const on = Case.removing()
    expect(dueDecision(on.state, on.now).work).toEqual([{ kind: 'adoptRemoval', incident: 1 }])
  })

  test.each([
    ['accepted', 60],
    ['unknown', 10],
  ] as const)('after %s a read is asked for once %d minutes are over', (kind, minutes) => {
    const on = Case.removing()
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind, cause: 'time-out' } })
    expect(dueDecision(on.state, on.now).work).toEqual([])
    on.pass(minutes * minuteMs)
    expect(dueDecision(on.state, on.now).work).toEqual([{ kind: 'read', incident: 1 }])
  })

  test('an open incident with a vote wakes up when that expires', () => {
    const on = Case.opened({ ...new Case().rules, approvals: { ...new Case().rules.approvals, required: 2 } })
    on.settleRequired().act({ verb: 'approve', actor: actor(), reason: 'Reverted' })
    expect(dueDecision(on.state, on.now)).toEqual({ work: [], nextAt: '2026-11-22T04:00:00.000Z' })
    on.pass(60 * minuteMs)
    expect(dueDecision(on.state, on.now).work).toEqual([{ kind: 'expire', incident: 1 }])
  })
})

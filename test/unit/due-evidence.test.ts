import { hourMs, later, minuteMs } from '../../src/clock.js'
import { due } from '../../src/incident/due.js'
import { dueEvidence } from '../../src/incident/due-evidence.js'
import { actor, Case, start } from '../support/incidents.js'

const minute = (minutes: number) => later(start, minutes * minuteMs)
const dueOf = (on: Case, askedAt?: string, now = on.now) => {
  const { work, nextAt } = dueEvidence(on.state, { askedAt }, true, now)
  return work.map(({ kind }) => kind)[0] ?? nextAt
}

describe('what there is to find out about an incident', () => {
  test('everything is asked for as soon as it is open', () => {
    expect(dueOf(Case.opened())).toBe('gather')
  })

  test.each([
    [0, 30],
    [30, 90],
    [90, 180],
  ])('asked %i minutes after it began, it is asked again after %i: the audit log is late', (asked, next) => {
    expect(dueOf(Case.opened(), minute(asked), minute(asked))).toBe(minute(next))
    expect(dueOf(Case.opened(), minute(asked), minute(next))).toBe('gather')
  })

  test('with nobody at it, nothing is asked once three hours have passed', () => {
    expect(dueOf(Case.opened(), minute(180), minute(24 * 60))).toBeUndefined()
  })

  test('while somebody is at it, what they see is kept fresh', () => {
    const on = Case.opened().pass(24 * hourMs)
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(dueOf(on, on.now)).toBe(later(on.now, 10 * minuteMs))
    expect(dueOf(on, on.now, later(on.now, 10 * minuteMs))).toBe('gather')
    const twoHoursLater = later(on.now, 2 * hourMs + 1)
    expect(dueOf(on, on.now, twoHoursLater)).toBeUndefined()
  })

  test('after a start an old incident that is open gets one look', () => {
    expect(dueOf(Case.opened(), undefined, minute(30 * 24 * 60))).toBe('gather')
  })

  test('of many in one digest only those are looked into that somebody has opened, asked for, or works on', () => {
    const on = Case.opened()
    const kinds = (isShown: boolean, wanted = false) =>
      dueEvidence(on.state, { wanted }, isShown, on.now).work.map(({ kind }) => kind)
    expect(kinds(false)).toEqual([])
    expect(kinds(true)).toEqual(['gather'])
    expect(kinds(false, true)).toEqual(['gather'])
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(kinds(false)).toEqual(['gather'])
  })

  test('what somebody asks for is looked at now, however lately it was', () => {
    const on = Case.opened()
    expect(dueEvidence(on.state, { askedAt: on.now, wanted: true }, true, on.now).work).toHaveLength(1)
  })

  test('what this bot unblocked needs no explanation', () => {
    const on = Case.removing()
    on.act({ verb: 'gone', absentSince: later(on.now, minuteMs), cause: 'unknown' })
    expect(on.state.status).toBe('unblocked')
    expect(dueOf(on)).toBeUndefined()
  })

  test('what ended by itself is looked into at once, ever more seldom, and after a day no more', () => {
    const on = Case.opened().pass(minuteMs)
    on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    const ended = on.now
    expect(dueOf(on)).toBe('explain')
    // What was found out while it was open tells nothing of how it ended.
    expect(dueOf(on, start)).toBe('explain')
    for (const [asked, next] of [
      [0, 10],
      [10, 40],
      [40, 90],
      [360, 1_440],
    ] as const)
      expect(dueOf(on, later(ended, asked * minuteMs))).toBe(later(ended, next * minuteMs))
    expect(dueOf(on, later(ended, 1_440 * minuteMs), later(ended, 2_000 * minuteMs))).toBeUndefined()
    expect(dueOf(on, undefined, later(ended, 30 * hourMs))).toBeUndefined()
  })

  test('once the cause is known nobody looks any more', () => {
    const on = Case.opened().pass(minuteMs)
    on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    on.act({ verb: 'explainEnd', cause: 'connectorGone' })
    expect(dueOf(on)).toBeUndefined()
  })

  test('a card that shows something else than what was found is redrawn, also if nothing was decided', () => {
    const on = Case.opened()
    const conversation = {
      id: 'channel',
      kind: 'channel' as const,
      serviceUrl: 'https://smba.trafficmanager.net/teams',
      tenantId: 'home',
      botId: 'bot',
      watching: { since: start, by: actor().person },
    }
    const delivery = {
      subject: 'CR-1',
      conversation: 'channel',
      message: 'm',
      drawn: 1,
      told: 1,
      mark: 'old',
    }
    const kinds = (mark: string | undefined) =>
      due(on.state, [{ conversation, delivery }], on.now, { askedAt: on.now, mark }).work.map(
        ({ kind }) => kind,
      )
    expect(kinds('new')).toEqual(['redraw'])
    expect(kinds('old')).toEqual([])
    expect(kinds(undefined)).toEqual([])
  })
})

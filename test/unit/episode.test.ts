import { hourMs, later, minuteMs } from '../../src/clock.js'
import { isLag, isSameEpisode, previousOf } from '../../src/incident/episode.js'
import { defaultRules } from '../../src/incident/rules.js'
import { Case, connectorId, people, start } from '../support/incidents.js'

const created = '2026-11-22T02:55:00.0000000+00:00'
const row = (createdAt?: string) => ({ connectorId, createdAt })

/** Unblocked by the bot at the start time, after Ann's approval. */
function unblocked(createdAt?: string): Case {
  const on = Case.removing(undefined, { restriction: row(createdAt) })
  on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'accepted' } })
  on.pass(5 * minuteMs).act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
  return on
}

describe('which episode a row belongs to', () => {
  test.each([
    ['the same time', created, true],
    ['the same moment written differently', '2026-11-22T02:55:00.000Z', true],
    ['another time', '2026-11-22T03:30:00.0000000+00:00', false],
    ['no time any more', undefined, true],
  ])('%s', (_what, createdAt, same) => {
    const on = Case.opened(undefined, { restriction: row(created) })
    expect(isSameEpisode(on.state, row(createdAt))).toBe(same)
  })

  test('a time that Exchange reports only later is no new episode', () => {
    expect(isSameEpisode(Case.opened(undefined, { restriction: row() }).state, row(created))).toBe(true)
  })
})

describe('a row that is back after our own removal', () => {
  test('is lag for an hour if it has the very same created time', () => {
    const { state } = unblocked(created)
    expect(isLag(state, row(created), later(start, hourMs))).toBe(true)
    expect(isLag(state, row(created), later(start, hourMs + 1))).toBe(false)
    expect(isLag(state, row('2026-11-22T03:20:00Z'), later(start, minuteMs))).toBe(false)
  })

  test('is no lag if no created time is reported, or if it was not unblocked by us', () => {
    expect(isLag(unblocked().state, row(), later(start, minuteMs))).toBe(false)
    const cleared = Case.opened(undefined, { restriction: row(created) })
    cleared.act({ verb: 'gone', absentSince: start, cause: 'unknown' })
    expect(isLag(cleared.state, row(created), later(start, minuteMs))).toBe(false)
  })
})

describe('restricted again', () => {
  test('within 72 hours it is linked to the incident before, and names who approved that', () => {
    const { state } = unblocked(created)
    const ended = state.ended?.at ?? ''
    expect(previousOf(state, defaultRules, later(ended, 72 * hourMs))).toEqual({
      number: 1,
      status: 'unblocked',
      endedAt: ended,
      approvers: [people.ann],
    })
    expect(previousOf(state, defaultRules, later(ended, 72 * hourMs + 1))).toBeUndefined()
  })

  test('also after somebody cleared it elsewhere, so that this does not escape the stricter rule', () => {
    const on = Case.opened()
    on.act({ verb: 'gone', absentSince: start, cause: 'unknown' })
    expect(previousOf(on.state, defaultRules, later(start, hourMs))).toMatchObject({
      status: 'cleared',
      approvers: [],
    })
  })

  test('not to an incident that is still open, nor to none', () => {
    expect(previousOf(Case.opened().state, defaultRules, start)).toBeUndefined()
    expect(previousOf(undefined, defaultRules, start)).toBeUndefined()
  })
})

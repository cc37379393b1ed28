import fc from 'fast-check'
import { type Instant, later, secondMs } from '../../src/clock.js'
import type { Incident, Restriction } from '../../src/incident/incident.js'
import { type Absences, compare } from '../../src/watch/compare.js'
import { Case, connectorId, people, start } from '../support/incidents.js'

const pollSeconds = 60
const createdAt = '2026-11-22T02:51:00.0000000+00:00'
const at = (seconds: number): Instant => later(start, seconds * secondMs)
const row = (changes: Partial<Restriction> = {}): Restriction => ({ connectorId, createdAt, ...changes })
const none: Absences = new Map()

const opened = (restriction: Restriction = row()): Incident => Case.opened(undefined, { restriction }).state

/** An incident whose removal was started `seconds` after it was opened. */
function removing(seconds: number): Incident {
  const removed = Case.opened(undefined, { restriction: row() })
    .settleRequired()
    .pass(seconds * secondMs)
  removed.act({ verb: 'approve', actor: actorOf('ann'), reason: 'all reverted' })
  const confirmed = [people.ann.id]
  removed.act({ verb: 'startRemoval', removal: 'r1', reason: 'CR-1', listedInReadOf: removed.now, confirmed })
  return removed.state
}

const actorOf = (name: keyof typeof people) => ({
  person: people[name],
  role: 'approver' as const,
  verified: true,
  seenIn: 'channel',
  roleMapHash: 'map',
})

const read = (seconds: number, rows: Restriction[], complete = true) => ({
  startedAt: at(seconds),
  list: { ok: true as const, rows, complete },
})

/** What each of several reads in a row means for one incident: the verbs it leads to. */
function verbsOf(incident: Incident, reads: ReturnType<typeof read>[]): string[] {
  let absences = none
  return reads.map((one) => {
    const comparison = compare([incident], one, absences, pollSeconds)
    absences = comparison.absences
    return comparison.commands.map(({ command }) => command.verb).join()
  })
}

describe('an incident is gone', () => {
  test.each([
    ['after two complete reads without it, 60 s apart', [read(60, []), read(120, [])], ['', 'gone']],
    ['not after one read', [read(60, [])], ['']],
    ['not after two reads that lie too close together', [read(60, []), read(119, [])], ['', '']],
    [
      'once the reads span 60 s, however many there were',
      [read(60, []), read(90, []), read(120, [])],
      ['', '', 'gone'],
    ],
    ['not if it was listed in between', [read(60, []), read(120, [row()]), read(180, [])], ['', '', '']],
    ['not by a read with a row that could not be read', [read(60, []), read(120, [], false)], ['', '']],
    [
      'also if such a read lies between two whole ones',
      [read(60, []), read(90, [], false), read(120, [])],
      ['', '', 'gone'],
    ],
    ['not counting a read that was not whole as the first', [read(60, [], false), read(120, [])], ['', '']],
    ['not counting a read that started when it was opened', [read(0, []), read(60, [])], ['', '']],
    [
      'not by a clock that was set back: the count begins anew',
      [read(600, []), read(90, []), read(120, [])],
      ['', '', ''],
    ],
  ])('%s', (_title, reads, verbs) => {
    expect(verbsOf(opened(), reads)).toEqual(verbs)
  })

  test('with the instant since which it was absent', () => {
    const { absences } = compare([opened()], read(60, []), none, pollSeconds)
    const { commands } = compare([opened()], read(120, []), absences, pollSeconds)
    expect(commands).toEqual([
      { incident: 1, command: { verb: 'gone', absentSince: at(60), cause: 'unknown' } },
    ])
  })

  test('at once, where the list shows a newer episode of the connector; that one is unknown', () => {
    const newer = row({ createdAt: '2026-11-22T03:00:30.0000000+00:00' })
    const { commands, unknown } = compare([opened()], read(60, [newer]), none, pollSeconds)
    expect(commands).toMatchObject([{ incident: 1, command: { verb: 'gone', absentSince: at(60) } }])
    expect(unknown).toEqual([newer])
  })

  test.each([
    ['written with another offset', '2026-11-22T03:51:00.0000000+01:00'],
    ['not reported any more', undefined],
  ])('never because the same created time is %s', (_title, changed) => {
    const { commands, unknown } = compare(
      [opened()],
      read(60, [row({ createdAt: changed })]),
      none,
      pollSeconds,
    )
    expect({ commands, unknown }).toEqual({ commands: [], unknown: [] })
  })
})

describe('a removal', () => {
  test('is confirmed only by reads that started after it', () => {
    const incident = removing(100)
    expect(verbsOf(incident, [read(40, []), read(100, []), read(160, [])])).toEqual(['', '', ''])
    expect(verbsOf(incident, [read(40, []), read(101, []), read(161, [])])).toEqual(['', '', 'gone'])
  })

  test('hears that the connector is still listed', () => {
    const { commands } = compare([removing(100)], read(160, [row()]), none, pollSeconds)
    expect(commands).toEqual([{ incident: 1, command: { verb: 'stillListed', readOf: at(160) } }])
  })

  test('that was not sent yet does not care', () => {
    expect(compare([opened()], read(60, [row()]), none, pollSeconds).commands).toEqual([])
  })
})

describe('a row that belongs to no open incident', () => {
  const other = row({ connectorId: '7c1f0be2-9a54-4d0e-8f3b-2d6f5a90c417' })

  test('is unknown, also in a read that is not whole', () => {
    for (const complete of [true, false])
      expect(compare([opened()], read(60, [row(), other], complete), none, pollSeconds).unknown).toEqual([
        other,
      ])
  })
})

describe('whatever Exchange answers', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 90 }),
    complete: fc.boolean(),
    listed: fc.boolean(),
  })

  test('gone means: absent from two complete reads 60 s apart, and from all whole ones in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let absences = none
        let seconds = 1
        let absentSince: number | undefined
        for (const { wait, complete, listed } of steps) {
          seconds += wait
          if (listed) absentSince = undefined
          else if (complete) absentSince ??= seconds
          const one = compare(
            [opened()],
            read(seconds, listed ? [row()] : [], complete),
            absences,
            pollSeconds,
          )
          absences = one.absences
          const due = !listed && complete && absentSince !== undefined && seconds - absentSince >= pollSeconds
          expect(one.commands.map(({ command }) => command.verb)).toEqual(due ? ['gone'] : [])
        }
      }),
    )
  })

  test('each row is either unknown or belongs to exactly one open incident', () => {
    const ids = ['a', 'b', 'c', 'd'].map((letter) => connectorId.replace(/^1/, letter))
    const some = fc.subarray(ids)
    fc.assert(
      fc.property(some, some, fc.boolean(), (open, listed, complete) => {
        const incidents = open.map((id, index) => ({
          ...opened(row({ connectorId: id })),
          number: index + 1,
        }))
        const rows = listed.map((id) => row({ connectorId: id }))
        const { unknown } = compare(incidents, read(60, rows, complete), none, pollSeconds)
        expect(unknown.map(({ connectorId }) => connectorId)).toEqual(
          listed.filter((id) => !open.includes(id)),
        )
      }),
    )
  })
})

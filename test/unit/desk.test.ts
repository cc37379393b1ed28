import { minuteMs, secondMs } from '../../src/clock.js'
import { Desk } from '../../src/desk.js'
import type { PersonCommand } from '../../src/incident/commands.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { AuditEntry, Store } from '../../src/store/store.js'
import { actor, connectorId, inForce, people, start, withRole } from '../support/incidents.js'
import { silentLog } from '../support/silent-log.js'
import { Disk, newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

const batch = { id: 'batch', size: 1 }
const note = (text: string, person = people.ann): PersonCommand => ({
  verb: 'note',
  actor: actor(person),
  text,
})

let clock: TestClock
let disk: Disk
let store: Store
let recorded: AuditEntry[]

beforeEach(async () => {
  clock = new TestClock()
  disk = new Disk()
  store = await openJsonStore({ folder: await newFolder(), clock, log: silentLog, files: disk })
  recorded = []
})

afterEach(async () => {
  await store.close()
  await removeFolders()
})

/** A store that behaves as the real one does, but for what `changes` puts in the place of its methods. */
const storeWith = (changes: Partial<Store>): Store =>
  new Proxy(store, {
    get(target, name: keyof Store) {
      const own: unknown = changes[name] ?? target[name]
      return typeof own === 'function' ? own.bind(target) : own
    },
  })

/** A desk, and with it an incident that is open. */
async function deskWithIncident(changes: Partial<Store> = {}): Promise<Desk> {
  const record: Store['record'] = async (entry, at, by) => {
    await store.record(entry, at, by)
    recorded.push(entry)
  }
  const desk = new Desk({
    store: storeWith({ record, ...changes }),
    clock,
    log: silentLog,
    rules: async () => inForce(),
  })
  await desk.open('Contoso', { connectorId }, batch)
  return desk
}

/** Somebody else is faster, so many times. */
function overtaken(times: number): Partial<Store> {
  let left = times
  return {
    async commit(number, version, commit) {
      if (left-- > 0) {
        const event = { type: 'noted' as const, text: `by somebody faster ${left}` }
        await store.commit(number, version, { at: clock.now(), by: people.ben, events: [event] })
      }
      return store.commit(number, version, commit)
    },
  }
}

describe('a command', () => {
  test('that others overtake four times is decided anew each time and carried out', async () => {
    const desk = await deskWithIncident(overtaken(4))
    const outcome = await desk.act(1, note('found it'))
    expect(outcome).toMatchObject({ ok: true, changed: true, incident: { version: 6 } })
  })

  test('that others overtake five times is given up, and said to be', async () => {
    const desk = await deskWithIncident(overtaken(5))
    await expect(desk.act(1, note('found it'))).rejects.toMatchObject({ code: 'tooBusy' })
    const texts = (await store.find(1))?.history.map(({ event }) =>
      event.type === 'noted' ? event.text : '',
    )
    expect(texts).not.toContain('found it')
  })

  test('that what somebody faster did makes impossible is refused, and told what happened', async () => {
    const acknowledged = { type: 'acknowledged' as const }
    let first = true
    const desk = await deskWithIncident({
      async commit(number, version, commit) {
        if (first)
          await store.commit(number, version, { at: clock.now(), by: people.ben, events: [acknowledged] })
        first = false
        return store.commit(number, version, commit)
      },
    })
    expect(await desk.act(1, { verb: 'acknowledge', actor: actor() })).toMatchObject({
      ok: false,
      refusal: { code: 'alreadyAcknowledged', by: people.ben },
    })
  })

  test('on an incident that nobody knows is a fault', async () => {
    const desk = await deskWithIncident()
    await expect(desk.act(7, note('hello'))).rejects.toMatchObject({ code: 'incidentUnknown' })
  })

  test('that cannot be recorded changes nothing', async () => {
    const desk = await deskWithIncident()
    disk.free = 0
    await expect(desk.act(1, note('hello'))).rejects.toMatchObject({ code: 'recordNotWritable' })
    expect(await store.find(1)).toMatchObject({ version: 1 })
    disk.free = Number.POSITIVE_INFINITY
  })

  test('while the clock was set back is dated no earlier than what came before it', async () => {
    const desk = await deskWithIncident()
    clock.advance(-10 * minuteMs)
    await desk.act(1, note('hello'))
    expect((await store.find(1))?.history.map(({ at }) => at)).toEqual([start, start])
  })

  test('of many at once, all legitimate, is carried out for each', async () => {
    const desk = await deskWithIncident()
    await Promise.all(
      [people.ann, people.ben, people.cid].map((person) => desk.act(1, note('I look', person))),
    )
    expect((await store.find(1))?.history).toHaveLength(4)
  })
})

describe('an approval', () => {
  test('stays expired when the clock is set back', async () => {
    const desk = await deskWithIncident()
    for (const step of ['traffic', 'audit', 'revert', 'account'] as const)
      await desk.act(1, { verb: 'done', actor: actor(), step })
    await desk.act(1, { verb: 'approve', actor: actor(), reason: 'all reverted' })
    clock.advance(11 * minuteMs)
    await desk.act(1, { verb: 'expire' })
    clock.advance(-11 * minuteMs)
    const removal = { removal: 'r1', reason: 'CR-1', listedInReadOf: clock.now(), confirmed: [people.ann.id] }
    expect(await desk.act(1, { verb: 'startRemoval', ...removal })).toMatchObject({ ok: false })
    expect(await store.find(1)).toMatchObject({ status: 'open', votes: [] })
  })
})

describe('a refusal', () => {
  const refused = (desk: Desk, verb: 'approve' | 'keep', incident = 1) =>
    desk.act(incident, { verb, actor: withRole('viewer'), reason: 'because' })

  test('is recorded once, with who and why, without raising the version', async () => {
    const desk = await deskWithIncident()
    await refused(desk, 'approve')
    expect(recorded).toEqual([
      {
        type: 'refused',
        verb: 'approve',
        incident: 'CR-1',
        refusal: { code: 'roleMissing', needed: 'approver' },
      },
    ])
    expect((await store.find(1))?.version).toBe(1)
  })

  test('is recorded at most once per person, verb and minute, also of many clicks at once', async () => {
    const desk = await deskWithIncident()
    await Promise.all(Array.from({ length: 20 }, () => refused(desk, 'approve')))
    await refused(desk, 'keep')
    await desk.act(1, { verb: 'approve', actor: actor(people.ben, { role: undefined }), reason: 'because' })
    expect(recorded).toHaveLength(3)
    clock.advance(59 * secondMs)
    await refused(desk, 'approve')
    expect(recorded).toHaveLength(3)
    clock.advance(secondMs)
    await refused(desk, 'approve')
    expect(recorded).toHaveLength(4)
  })

  test('is recorded again when the clock was set back', async () => {
    const desk = await deskWithIncident()
    await refused(desk, 'approve')
    clock.advance(-60 * minuteMs)
    await refused(desk, 'approve')
    expect(recorded).toHaveLength(2)
  })

  test('that could not be recorded is recorded the next time', async () => {
    const desk = await deskWithIncident()
    disk.free = 0
    await expect(refused(desk, 'approve')).rejects.toMatchObject({ code: 'recordNotWritable' })
    disk.free = Number.POSITIVE_INFINITY
    await refused(desk, 'approve')
    expect(recorded).toHaveLength(1)
  })
})

describe('a restriction that is seen', () => {
  test('by two reads at once opens one incident', async () => {
    const desk = await deskWithIncident()
    const seen = await Promise.all([1, 2, 3].map(() => desk.open('Contoso', { connectorId }, batch)))
    expect(seen.map(({ number }) => number)).toEqual([1, 1, 1])
  })

  test.each([
    ['within 72 hours of the end of the last one is linked to it', 72 * 60 * minuteMs, { number: 1 }],
    ['later than that is not', 72 * 60 * minuteMs + 1, undefined],
  ])('%s', async (_title, later, previous) => {
    const desk = await deskWithIncident()
    clock.advance(minuteMs)
    await desk.act(1, { verb: 'gone', absentSince: clock.now(), cause: 'unknown' })
    clock.advance(later)
    const again = await desk.open('Contoso', { connectorId }, batch)
    expect(again.number).toBe(2)
    if (previous) expect(again.previous).toMatchObject(previous)
    else expect(again.previous).toBeUndefined()
  })
})

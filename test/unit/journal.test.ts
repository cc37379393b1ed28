import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { incidentEventSchema } from '../../src/incident/events.js'
import { openJsonStore } from '../../src/store/json-store.js'
import { auditEntrySchema } from '../../src/store/store.js'
import { silentLog } from '../support/silent-log.js'
import {
  addEvents,
  ann,
  connector,
  delivery,
  end,
  keptLog,
  linesOf,
  newFolder,
  noted,
  openedFor,
  openIncident,
  removeFolders,
  start,
} from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

afterEach(removeFolders)

const open = (folder: string, log = silentLog) => openJsonStore({ folder, clock: new TestClock(), log })
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

/** Writes three lines and returns the folder that holds them, as a process that was killed leaves it. */
async function folderWithThreeLines(): Promise<{ folder: string; journal: string; bytes: Buffer }> {
  const written = await newFolder()
  const store = await open(written)
  const incident = await openIncident(store)
  await addEvents(store, incident, { type: 'acknowledged' }, noted('Ελληνικά "quoted"\nand a new line'))
  await store.record({ type: 'watched', conversation: 'one' }, start, ann)
  await store.close()
  return folderWith(await readFile(join(written, 'journal.jsonl')))
}

async function folderWith(bytes: Buffer | string) {
  const folder = await newFolder()
  const journal = join(folder, 'journal.jsonl')
  await writeFile(journal, bytes)
  return { folder, journal, bytes: Buffer.from(bytes) }
}

describe('the journal', () => {
  test('has one line per commit, each with the hash of the exact bytes of the line before', async () => {
    const { journal } = await folderWithThreeLines()
    const lines = await linesOf(journal)
    const [first, second] = lines.map(sha256)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        v: 2,
        prev: '0'.repeat(64),
        sequence: 1,
        at: start,
        incident: 1,
        version: 1,
        events: [openedFor(connector(1))],
      },
      {
        v: 2,
        prev: first,
        sequence: 2,
        at: start,
        incident: 1,
        version: 2,
        by: ann,
        events: [{ type: 'acknowledged' }, noted('Ελληνικά "quoted"\nand a new line')],
      },
      {
        v: 2,
        prev: second,
        sequence: 3,
        at: start,
        by: ann,
        entry: { type: 'watched', conversation: 'one' },
      },
    ])
  })

  test('ends where the head of the store says', async () => {
    const { folder, journal } = await folderWithThreeLines()
    const store = await open(folder)
    expect(store.head()).toEqual({ sequence: 3, hash: sha256((await linesOf(journal))[2] ?? '') })
    await store.close()
  })

  test('and all other files can be read by their owner only', async () => {
    const folder = join(await newFolder(), 'deep', 'data')
    const store = await open(folder)
    await end(store, await openIncident(store))
    await store.saveDelivery(delivery('CR-1', 'one'))
    const locked = await readdir(folder)
    await store.close()
    const kept = await readdir(folder)
    expect(locked.sort()).toEqual(['deliveries.jsonl', 'journal.jsonl', 'lock.json'])
    expect(kept.sort()).toEqual(['deliveries.jsonl', 'journal.jsonl', 'state.json'])
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    expect(await modeOf(folder)).toBe('700')
    for (const name of kept) expect(await modeOf(join(folder, name))).toBe('600')
  })

  test('puts the place and hash of each line into the log, for a second sink to keep', async () => {
    const { log, lines } = keptLog('info')
    const store = await open(await newFolder(), log)
    await openIncident(store)
    expect(lines).toMatchObject([{ ...store.head(), incident: 1, version: 1, events: ['opened'] }])
    await store.close()
  })
})

describe('a last line that was not written to its end', () => {
  test('is cut off wherever the write ended, kept aside and reported; all before it is there', async () => {
    const { bytes } = await folderWithThreeLines()
    const whole = bytes.lastIndexOf('\n', bytes.length - 2) + 1
    const cutAt = async (length: number) => {
      const { folder, journal } = await folderWith(bytes.subarray(0, length))
      const { log, lines } = keptLog()
      const store = await open(folder, log)
      const copy = join(folder, 'journal.torn-2026-11-22T03-00-00.000Z')
      expect(store.head().sequence).toBe(2)
      expect(await readFile(journal)).toEqual(bytes.subarray(0, whole))
      expect(await readFile(copy)).toEqual(bytes.subarray(whole, length))
      expect(lines).toMatchObject([{ file: journal, at: whole, bytes: length - whole, kept: copy }])
      await store.close()
    }
    const lengths = Array.from({ length: bytes.length - whole - 1 }, (_, n) => whole + 1 + n)
    while (lengths.length > 0) await Promise.all(lengths.splice(0, 32).map(cutAt))
  }, 60_000)

  test('leaves a journal that can be written to and read again', async () => {
    const { folder } = await folderWith('{"v":1,"prev"')
    const store = await open(folder)
    expect((await openIncident(store)).number).toBe(1)
    await store.close()
    const again = await open(folder)
    expect(again.head().sequence).toBe(1)
    await again.close()
  })
})

/** A journal whose chain is right, with lines that say what they are told to. */
function chained(...bodies: object[]): Buffer {
  let prev = '0'.repeat(64)
  const lines = bodies.map((body, place) => {
    const line = JSON.stringify({ v: 2, prev, sequence: place + 1, at: start, ...body })
    prev = sha256(line)
    return `${line}\n`
  })
  return Buffer.from(lines.join(''))
}

const opened = { incident: 1, version: 1, events: [openedFor(connector(1))] }
const second = { incident: 1, version: 2, events: [noted('x')] }

const whole = chained(opened, second, { ...second, version: 3 })
const text = whole.toString()
const lines = text.split('\n').slice(0, -1)
const [first = '', middle = '', last = ''] = lines.map((line) => `${line}\n`)
const secondAt = Buffer.byteLength(first)
const thirdAt = secondAt + Buffer.byteLength(middle)

/** What was done to the journal; in which line, at which byte and in what words it is found. */
const damages: [what: string, bytes: Buffer | string, line: number, byte: number, words: string][] = [
  ['a letter changed', text.replace('"text":"x"', '"text":"y"'), 3, thirdAt, 'hash of the line before'],
  ['the first line removed', middle + last, 1, 0, 'sequence'],
  ['a line removed', first + last, 2, secondAt, 'sequence'],
  ['two lines swapped', first + last + middle, 2, secondAt, 'sequence'],
  ['a line doubled', first + first + middle, 2, secondAt, 'sequence'],
  ['a line cut short', `${first + middle.slice(0, 40)}\n${last}`, 2, secondAt, 'not JSON'],
  ['the last line broken but complete', `${first + middle}{"v":1,\n`, 3, thirdAt, 'not JSON'],
  ['an empty line in the middle', `${first}\n${middle}`, 2, secondAt, 'empty'],
  ['an empty line at the end', `${text}\n`, 4, whole.length, 'empty'],
  ['NUL bytes', Buffer.concat([Buffer.alloc(9), Buffer.from(`\n${text}`)]), 1, 0, 'NUL'],
  ['a byte order mark', `\ufeff${text}`, 1, 0, 'byte order mark'],
  [
    'bytes that are no text',
    Buffer.concat([Buffer.from(first), Buffer.from([0x7b, 0xff, 0xfe, 0x0a])]),
    2,
    secondAt,
    'UTF-8',
  ],
  ['an array', `${first}[]\n`, 2, secondAt, 'expected object'],
  ['a string', `${first}"x"\n`, 2, secondAt, 'expected object'],
  ['null', `${first}null\n`, 2, secondAt, 'expected object'],
  ['junk without end', `${first}${'x'.repeat(5 * 1024 * 1024)}`, 2, secondAt, 'longer'],
  [
    'an event that nobody knows',
    chained({ ...opened, events: [{ type: 'granted' }] }),
    1,
    0,
    'events[0].type',
  ],
  ['no events', chained({ ...opened, events: [] }), 1, 0, 'events'],
  ['a form of its own', chained({ ...opened, v: 0 }), 1, 0, 'at v'],
  ['a time in another form', chained({ ...opened, at: 'noon' }), 1, 0, 'at at'],
  ['an unknown entry', chained({ entry: { type: 'granted' } }), 1, 0, 'entry.type'],
  [
    'an outdated version',
    chained(opened, { ...second, version: 1 }),
    2,
    secondAt,
    'to version 1 where 2 must follow',
  ],
  ['a version left out', chained(opened, { ...second, version: 3 }), 2, secondAt, 'where 2 must follow'],
  [
    'an event of an incident that was never opened',
    chained({ ...second, version: 1 }),
    1,
    0,
    '"noted" cannot happen',
  ],
  [
    'an incident opened twice',
    chained(opened, { ...opened, version: 2 }),
    2,
    secondAt,
    '"opened" cannot happen',
  ],
  ['a number left out', chained({ ...opened, incident: 2 }), 1, 0, 'begins incident 2 where 1 must follow'],
]

describe('a damaged journal', () => {
  test.each(damages)(
    'with %s is refused, naming file, line and byte',
    async (_what, bytes, line, byte, words) => {
      const { folder, journal } = await folderWith(bytes)
      await expect(open(folder)).rejects.toMatchObject({
        code: 'journalDamaged',
        message: expect.stringContaining(`${journal} is damaged at line ${line}, byte ${byte}: `),
        remedy: expect.stringContaining('Restore journal.jsonl from a backup'),
      })
      await expect(open(folder)).rejects.toThrow(words)
      expect((await readFile(journal)).equals(Buffer.from(bytes))).toBe(true)
      expect(await readdir(folder)).toEqual(['journal.jsonl'])
    },
  )

  test('is not what a correct one is', async () => {
    const { folder } = await folderWith(whole)
    const store = await open(folder)
    expect(await store.find(1)).toMatchObject({ version: 3, sequence: 3 })
    await store.close()
  })

  test('that a newer version wrote is told apart', async () => {
    const { folder, journal } = await folderWith(chained(opened, { ...second, v: 3, extra: [] }))
    await expect(open(folder)).rejects.toMatchObject({
      code: 'writtenByNewer',
      message: expect.stringContaining(`${journal} was written by a newer version of the bot: line 2`),
    })
  })
})

describe('a journal of form 1', () => {
  // Written once by the first version and never to be written again: whatever it says stays readable.
  const kept = new URL('journal-form-1.jsonl', import.meta.url)
  const headOfKept = {
    sequence: 36,
    hash: '185ada50c398ce17549addfdcaf3f11d949af54ec74a5087ee2313db0533ae05',
  }

  test('is read to its end, with everything in it that could happen to an incident then', async () => {
    const { folder } = await folderWith(await readFile(kept))
    const store = await open(folder)
    expect(store.head()).toEqual(headOfKept)
    expect(await store.find(1)).toMatchObject({
      status: 'unblocked',
      version: 21,
      batch: { id: 'read-1', size: 2 },
      acknowledged: { by: ann },
      steps: { traffic: { how: 'notApplicable', note: 'no mail since' } },
      removal: { id: 'removal-3', outcome: { kind: 'accepted' } },
      ended: { at: '2026-11-22T03:24:00.000Z' },
    })
    expect(await store.find(2)).toMatchObject({
      status: 'cleared',
      previous: { number: 1, status: 'unblocked', approvers: [ann] },
      ended: { cause: 'removedByOther' },
    })
    expect(await store.find(3)).toMatchObject({
      status: 'unblocked',
      restriction: { connectorId: '159eb7c4-75d7-43e2-95fe-ced44b3e0a58' },
      ended: { at: '2026-11-22T03:35:00.000Z', replaced: true },
    })
    const types = (await store.endedBetween(start, '2027')).flatMap(({ history }) =>
      history.map(({ event }) => event.type),
    )
    expect(new Set(types).size).toBe(17)
    await store.close()
  })
})

describe('a journal of form 2', () => {
  // Never to be written again either.
  const kept = new URL('journal-form-2.jsonl', import.meta.url)

  test('is read to its end, with everything that can happen to an incident in it', async () => {
    const { folder } = await folderWith(await readFile(kept))
    const store = await open(folder)
    expect(await store.find(4)).toMatchObject({
      status: 'cleared',
      restriction: { raw: { ConnectorId: '159eb7c4-75d7-43e2-95fe-ced44b3e0a59' } },
      connector: { fingerprint: 'as-changed', since: '2026-11-25T03:02:00.000Z' },
      editor: { account: 'svc-mailadmin@contoso.example', at: '2026-11-25T01:00:00.000Z' },
      kept: { by: ann, reason: 'not ours' },
      ended: {
        cause: 'removedByOther',
        removedBy: { account: 'night.shift@contoso.example', at: '2026-11-25T03:03:10.000Z' },
      },
    })
    const types = (await store.endedBetween(start, '2027')).flatMap(({ history }) =>
      history.map(({ event }) => event.type),
    )
    expect(new Set(types).size).toBe(incidentEventSchema.options.length)
    await store.close()
  })

  test('is read to its end, with everything in it that changes no incident', async () => {
    const bytes = await readFile(new URL('journal-form-2.jsonl', import.meta.url))
    const { folder, journal } = await folderWith(bytes)
    const types = (await linesOf(journal)).map((line) => JSON.parse(line).entry?.type).filter(Boolean)
    expect(new Set(types)).toEqual(new Set(auditEntrySchema.options.map(({ shape }) => shape.type.value)))
    const store = await open(folder)
    expect(store.head()).toEqual({
      sequence: 54,
      hash: '66ba0e65cc82942920577c34a4bb7c469fbccbf671278d6cbade746f446f831a',
    })
    expect(await store.problems()).toEqual([
      {
        cause: 'blind',
        tenant: 'contoso.onmicrosoft.com',
        detail: 'unreachable',
        since: '2026-11-22T02:50:00.000Z',
        changedAt: '2026-11-22T03:04:00.000Z',
        over: { at: '2026-11-22T03:07:00.000Z' },
      },
      {
        cause: 'conversationLost',
        conversation: '19:one@thread.tacv2',
        detail: 'Mail security',
        since: '2026-11-22T03:05:00.000Z',
        changedAt: '2026-11-22T03:06:00.000Z',
        over: { at: '2026-11-22T03:09:00.000Z', unwatched: true },
      },
    ])
    await store.close()
  })
})

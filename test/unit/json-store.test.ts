import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { minuteMs } from '../../src/clock.js'
import { withReading } from '../../src/evidence/connector-history.js'
import { type JsonStoreOptions, openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import {
  addEvents,
  commitOf,
  conversation,
  Disk,
  delivery,
  everythingIn,
  keptLog,
  type Logged,
  linesOf,
  newFolder,
  noted,
  openIncident,
  removeFolders,
  saveConversation,
  start,
} from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

let folder: string
let warnings: Logged[]
let stores: Store[]

beforeEach(async () => {
  folder = await newFolder()
  stores = []
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await removeFolders()
})

async function open(options: Partial<JsonStoreOptions> = {}): Promise<Store> {
  const { log, lines } = keptLog()
  warnings = lines
  const store = await openJsonStore({ folder, clock: new TestClock(), log, ...options })
  stores.push(store)
  return store
}

const inFolder = (name: string) => join(folder, name)

/** Turns of the event loop until `look` finds something. */
async function eventually<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await setImmediate()
  }
}

const readState = async () => {
  const text = await readFile(inFolder('state.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

describe('how connectors have looked', () => {
  const history = withReading(undefined, { tenant: 'Contoso', at: start, connectors: [], complete: true })

  test.each([
    ['cut off', '{"tenant":"Con'],
    ['empty', ''],
    ['of another form', '{"tenant":"Contoso","versions":[]}'],
  ])(
    'is kept aside and begun anew where the file is %s, and the start is not refused',
    async (_what, damage) => {
      const store = await open()
      await store.saveConnectorHistory(history)
      const [name = ''] = await readdir(inFolder('connectors'))
      await writeFile(inFolder(`connectors/${name}`), damage)
      expect(await store.connectorHistory('Contoso')).toBeUndefined()
      expect(warnings).toMatchObject([{ msg: expect.stringContaining('watching begins anew') }])
      const kept = (await readdir(inFolder('connectors'))).find((file) => file.includes('damaged')) ?? ''
      expect(await readFile(inFolder(`connectors/${kept}`), 'utf8')).toBe(damage)
      await store.saveConnectorHistory(history)
      expect(await store.connectorHistory('Contoso')).toEqual(history)
    },
  )

  test('is readable by the owner alone', async () => {
    await (await open()).saveConnectorHistory(history)
    const [name = ''] = await readdir(inFolder('connectors'))
    expect((await stat(inFolder(`connectors/${name}`))).mode & 0o777).toBe(0o600)
    expect((await stat(inFolder('connectors'))).mode & 0o777).toBe(0o700)
  })
})

describe('a data folder', () => {
  const bootId = async () =>
    (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim() || undefined

  const lockedBy = async (owner: object) =>
    writeFile(
      inFolder('lock.json'),
      JSON.stringify({ pid: process.pid, host: hostname(), boot: await bootId(), since: start, ...owner }),
    )

  test('is used by one store at a time; a second one is refused, naming process and host', async () => {
    const store = await open()
    await expect(open()).rejects.toMatchObject({
      code: 'folderInUse',
      message: expect.stringContaining(`used by process ${process.pid} on ${hostname()} since ${start}`),
    })
    expect((await openIncident(store)).number).toBe(1)
    await store.close()
    expect((await (await open()).find(1))?.number).toBe(1)
  })

  test('is refused while the process that locked it runs, and taken over once it was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
    try {
      await lockedBy({ pid: child.pid })
      await expect(open()).rejects.toMatchObject({
        code: 'folderInUse',
        message: expect.stringContaining(`process ${child.pid}`),
      })
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await open()
    expect(warnings).toMatchObject([{ pid: child.pid, msg: expect.stringContaining('taken over') }])
  })

  test('is taken over from before the machine was started again', async () => {
    if (!(await bootId())) return
    await lockedBy({ boot: 'another' })
    await open()
    expect(warnings).toHaveLength(1)
  })

  test('is taken over from a process whose id another one has now', async () => {
    if (!(await bootId())) return
    await lockedBy({ started: '1' })
    await open()
    expect(warnings).toHaveLength(1)
  })

  test('is never taken over from another machine', async () => {
    await lockedBy({ pid: 1, host: 'elsewhere', boot: 'another' })
    await expect(open()).rejects.toMatchObject({
      code: 'folderInUse',
      message: expect.stringContaining('process 1 on elsewhere'),
      remedy: expect.stringContaining(`delete ${inFolder('lock.json')}`),
    })
  })

  test('is refused while its lock cannot be read', async () => {
    await writeFile(inFolder('lock.json'), '{')
    await expect(open()).rejects.toMatchObject({
      code: 'folderInUse',
      remedy: expect.stringContaining(`delete ${inFolder('lock.json')}`),
    })
  })

  test('goes to at most one of many that want it at once, over a lock that nobody holds any more', async () => {
    await lockedBy({ boot: 'another', started: '1' })
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => open()))
    const got = outcomes.filter(({ status }) => status === 'fulfilled')
    expect(got.length).toBeLessThanOrEqual(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'folderInUse' })
    await Promise.all(stores.map((store) => store.close()))
    expect((await open()).head().sequence).toBe(0)
    expect((await readdir(folder)).filter((name) => name.startsWith('lock.'))).toEqual(['lock.json'])
  })

  test('is cleared of what a killed process left half-written', async () => {
    const deadWish = { pid: process.pid, host: hostname(), boot: 'another', since: start }
    await writeFile(inFolder('state.json.tmp'), '{"form":1,')
    await writeFile(inFolder('lock.json.tmp'), '{')
    await writeFile(inFolder('lock.wanted-1.json'), JSON.stringify(deadWish))
    await open()
    expect((await readdir(folder)).sort()).toEqual(['deliveries.jsonl', 'journal.jsonl', 'lock.json'])
  })

  test('that cannot be one is a fault that says what to do', async () => {
    await writeFile(inFolder('file'), '')
    await expect(open({ folder: inFolder('file') })).rejects.toMatchObject({
      code: 'folderUnusable',
      message: expect.stringContaining(inFolder('file')),
      remedy: expect.stringContaining('DATA_DIR'),
    })
  })

  test('is given free when opening it fails', async () => {
    await writeFile(inFolder('journal.jsonl'), '\n')
    await expect(open()).rejects.toMatchObject({ code: 'journalDamaged' })
    await rm(inFolder('journal.jsonl'))
    expect((await open()).head().sequence).toBe(0)
  })
})

describe('a disk that fails', () => {
  let disk: Disk
  let store: Store

  beforeEach(async () => {
    disk = new Disk()
    store = await open({ files: disk })
    await openIncident(store)
  })

  const notRecorded = {
    code: 'recordNotWritable',
    message: expect.stringContaining('Not recorded, nothing was done'),
  }

  /** What the store tells, and what another process would read after a kill -9 now. */
  const standing = async () => ({
    told: await everythingIn(store),
    journal: await readFile(inFolder('journal.jsonl'), 'utf8'),
    deliveries: await readFile(inFolder('deliveries.jsonl'), 'utf8'),
  })

  test.each([0, 1, 100])(
    'by being full after %i bytes changes nothing, and is fine with space',
    async (free) => {
      const before = await standing()
      disk.free = free
      await expect(store.commit(1, 1, commitOf(noted('lost')))).rejects.toMatchObject({
        ...notRecorded,
        remedy: expect.stringContaining('Free space'),
      })
      expect(await standing()).toEqual(before)
      expect(store.failing()).toContain('ENOSPC')

      disk.free = Number.POSITIVE_INFINITY
      const { committed, incident } = await store.commit(1, 1, commitOf(noted('kept')))
      expect(committed).toBe(true)
      expect(incident.history.map(({ event }) => event)).not.toContainEqual(noted('lost'))
      expect(store.failing()).toBeUndefined()
      const told = await everythingIn(store)
      await store.close()
      expect(await everythingIn(await open())).toEqual(told)
    },
  )

  test('is found out at a start: nothing rests on lines that cannot be made durable', async () => {
    await store.close()
    disk.syncFails = true
    await expect(open({ files: disk })).rejects.toMatchObject({
      code: 'folderUnusable',
      message: expect.stringContaining('EIO'),
    })
    disk.syncFails = false
    expect((await (await open({ files: disk })).find(1))?.number).toBe(1)
  })

  test('also keeps deliveries as they were', async () => {
    await store.saveDelivery(delivery('CR-1', 'one', { message: 'before' }))
    const before = await standing()
    disk.free = 10
    await expect(store.saveDelivery(delivery('CR-1', 'one'))).rejects.toMatchObject(notRecorded)
    await expect(saveConversation(store, conversation('one'))).rejects.toMatchObject(notRecorded)
    expect(await standing()).toEqual(before)
    expect(store.failing()).toContain('ENOSPC')
  })

  test('neither wakes anybody nor calls a listener', async () => {
    for (const { mark } of await store.due(start)) await store.sleep(1, mark, undefined)
    let heard = 0
    store.onChange(() => {
      heard += 1
    })
    disk.free = 0
    await expect(store.commit(1, 1, commitOf(noted('lost')))).rejects.toMatchObject(notRecorded)
    expect(heard).toBe(0)
    expect(await store.due(start)).toEqual([])
  })

  test('to sync changes nothing, and takes nothing until it syncs again', async () => {
    const before = await standing()
    disk.syncFails = true
    for (const attempt of ['first', 'second'])
      await expect(store.commit(1, 1, commitOf(noted(attempt)))).rejects.toMatchObject(notRecorded)
    expect(await standing()).toEqual(before)
    expect(store.failing()).toContain('EIO')

    disk.syncFails = false
    expect((await store.commit(1, 1, commitOf(noted('kept')))).committed).toBe(true)
    expect(await linesOf(inFolder('journal.jsonl'))).toHaveLength(2)
    expect(store.failing()).toBeUndefined()
  })

  test.each([
    ['lost', (_text: string) => ''],
    ['changed', (text: string) => text.replace('Contoso', 'Fabriko')],
  ])('to sync, and has %s lines that were durable, is written to no more', async (_what, damage) => {
    const journal = inFolder('journal.jsonl')
    const durable = await readFile(journal, 'utf8')
    disk.syncFails = true
    await expect(store.commit(1, 1, commitOf(noted('lost')))).rejects.toMatchObject(notRecorded)
    await writeFile(journal, damage(durable))
    disk.syncFails = false
    for (let attempt = 1; attempt <= 2; attempt += 1)
      await expect(store.commit(1, 1, commitOf(noted('lost too')))).rejects.toMatchObject(notRecorded)
    expect(store.failing()).toContain('journal.jsonl')
    expect(await readFile(journal, 'utf8')).not.toContain('lost too')
  })

  test('to cut back gets nothing written behind half a line', async () => {
    disk.free = 20
    disk.truncateFails = true
    await expect(store.commit(1, 1, commitOf(noted('lost')))).rejects.toMatchObject(notRecorded)
    disk.free = Number.POSITIVE_INFINITY
    await expect(store.commit(1, 1, commitOf(noted('lost too')))).rejects.toMatchObject(notRecorded)
    disk.truncateFails = false
    await store.commit(1, 1, commitOf(noted('kept')))
    expect(await linesOf(inFolder('journal.jsonl'))).toHaveLength(2)
  })

  test('fails all that were written together, and none that come after', async () => {
    await openIncident(store, 2)
    disk.free = 300
    const together = await Promise.allSettled([
      store.commit(1, 1, commitOf(noted('lost'))),
      store.commit(2, 1, commitOf(noted('lost'))),
    ])
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    disk.free = Number.POSITIVE_INFINITY
    expect((await addEvents(store, { ...(await openIncident(store, 3)) }, noted('kept'))).number).toBe(3)
    expect((await store.find(1))?.version).toBe(1)
  })
})

describe('commits at the same time', () => {
  test('share their syncs', async () => {
    const disk = new Disk()
    const store = await open({ files: disk })
    const before = disk.syncs
    await Promise.all(Array.from({ length: 100 }, (_, n) => openIncident(store, n)))
    expect(disk.syncs - before).toBe(1)
    expect(store.head().sequence).toBe(100)
  })

  test('that collect during a write go together into the next', async () => {
    const disk = new Disk()
    const store = await open({ files: disk })
    const first = openIncident(store, 1)
    await setImmediate()
    const before = disk.syncs
    await Promise.all([first, ...Array.from({ length: 50 }, (_, n) => openIncident(store, 2 + n))])
    expect(disk.syncs - before).toBeLessThanOrEqual(2)
  })

  test('that all lose need no sync', async () => {
    const disk = new Disk()
    const store = await open({ files: disk })
    await openIncident(store)
    const before = disk.syncs
    await Promise.all(Array.from({ length: 10 }, () => store.commit(1, 7, commitOf(noted('late')))))
    expect(disk.syncs).toBe(before)
  })
})

describe('state.json', () => {
  test('is written at the end: present state without history, one incident per line', async () => {
    const store = await open()
    await addEvents(store, await openIncident(store, 1), { type: 'acknowledged' })
    await openIncident(store, 2)
    await saveConversation(store, conversation('one'))
    await store.close()
    const { journal, incidents, ...rest } = await readState()
    const size = (await readFile(inFolder('journal.jsonl'))).length
    expect(journal).toEqual({ ...store.head(), bytes: size })
    expect(incidents).toMatchObject([{ number: 1, status: 'open', version: 2 }, { number: 2 }])
    expect(incidents[0]).not.toHaveProperty('history')
    expect(rest).toEqual({ form: 1, conversations: [conversation('one')] })
    expect(
      (await linesOf(inFolder('state.json'))).filter((line) => line.startsWith('{"number"')),
    ).toHaveLength(2)
  })

  test('is written after five minutes, not before', async () => {
    const clock = new TestClock()
    const store = await open({ clock })
    await openIncident(store)
    clock.advance(5 * minuteMs - 1)
    await setImmediate()
    expect(await readState()).toBeUndefined()
    clock.advance(1)
    expect((await eventually(readState)).journal).toMatchObject(store.head())
  })

  test('is written after 500 commits, not before', async () => {
    const store = await open()
    for (let n = 0; n < 499; n += 100)
      await Promise.all(Array.from({ length: Math.min(100, 499 - n) }, (_, i) => openIncident(store, n + i)))
    await setImmediate()
    expect(await readdir(folder)).not.toContain('state.json')
    await openIncident(store, 500)
    expect((await eventually(readState)).journal.sequence).toBe(500)
  })

  test('is not written again when nothing has changed', async () => {
    await openIncident(await open())
    await stores[0]?.close()
    await rm(inFolder('state.json'))
    await writeFile(inFolder('state.json'), await snapshotOfJournal())
    const before = await readFile(inFolder('state.json'), 'utf8')
    await (await open()).close()
    expect(await readFile(inFolder('state.json'), 'utf8')).toBe(before)
  })

  /** A snapshot that goes as far as the journal and holds nothing. */
  async function snapshotOfJournal(): Promise<string> {
    const store = await open()
    const journal = { ...store.head(), bytes: (await readFile(inFolder('journal.jsonl'))).length }
    await store.close()
    return JSON.stringify({ form: 1, journal, incidents: [], conversations: [] })
  }

  const foreign = JSON.stringify({
    form: 1,
    journal: { sequence: 1, hash: 'ab'.repeat(32), bytes: 10 },
    incidents: [],
    conversations: [],
  })

  test.each([
    ['empty', '', 'cannot be read'],
    ['cut off', '{"form":1,"journal":', 'cannot be read'],
    ['NUL bytes', '\0\0\0\0', 'cannot be read'],
    ['an array', '[]', 'cannot be read'],
    ['of another form', '{"form":9}', 'cannot be read'],
    ['with a key __proto__ only', '{"__proto__":{"form":1}}', 'cannot be read'],
    ['of another record', foreign, 'belongs to another record'],
  ])('that is %s is reported and written anew from the journal', async (_what, content, words) => {
    const store = await open()
    await addEvents(store, await openIncident(store), noted('x'))
    const told = await everythingIn(store)
    await store.close()
    await writeFile(inFolder('state.json'), content)
    const again = await open()
    expect(await everythingIn(again)).toEqual(told)
    expect(warnings).toMatchObject([{ msg: expect.stringContaining(words) }])
    await again.close()
    expect((await readState()).journal).toMatchObject(told.head)
  })

  test('that is missing is written anew from the journal, without a word', async () => {
    const store = await open()
    await openIncident(store)
    const told = await everythingIn(store)
    await store.close()
    await rm(inFolder('state.json'))
    const again = await open()
    expect(await everythingIn(again)).toEqual(told)
    expect(warnings).toEqual([])
    await again.close()
    expect((await readState()).journal).toMatchObject(told.head)
  })

  test('cannot be edited into an approval that the record does not have', async () => {
    await openIncident(await open())
    await stores[0]?.close()
    const text = await readFile(inFolder('state.json'), 'utf8')
    await writeFile(inFolder('state.json'), text.replace('"status":"open"', '"status":"approved"'))
    expect((await (await open()).find(1))?.status).toBe('open')
  })

  test('shows that the end of the journal was cut off', async () => {
    const store = await open()
    await addEvents(store, await openIncident(store), noted('x'))
    await store.close()
    const [first = ''] = await linesOf(inFolder('journal.jsonl'))
    await truncate(inFolder('journal.jsonl'), Buffer.byteLength(first) + 1)
    await expect(open()).rejects.toMatchObject({
      code: 'recordMissing',
      message: expect.stringMatching(
        /journal\.jsonl ends after line 1.*state\.json was written when it had 2/,
      ),
    })
    expect(await linesOf(inFolder('journal.jsonl'))).toEqual([first])
  })

  test('shows that the journal is missing as a whole', async () => {
    await openIncident(await open())
    await stores[0]?.close()
    await rm(inFolder('journal.jsonl'))
    await expect(open()).rejects.toMatchObject({ code: 'recordMissing' })
    expect(await readdir(folder)).not.toContain('journal.jsonl')
  })

  test('that cannot be written is reported and tried again, and nothing else suffers', async () => {
    const clock = new TestClock()
    const store = await open({ clock })
    await openIncident(store)
    await mkdir(inFolder('state.json.tmp'))
    clock.advance(5 * minuteMs)
    await eventually(async () => warnings[0])
    expect(warnings).toMatchObject([{ msg: expect.stringContaining('state.json could not be written') }])
    await rm(inFolder('state.json.tmp'), { recursive: true })
    clock.advance(5 * minuteMs)
    expect((await eventually(readState)).journal.sequence).toBe(1)
    expect((await openIncident(store, 2)).number).toBe(2)
  })
})

describe('deliveries.jsonl', () => {
  const path = () => inFolder('deliveries.jsonl')

  test('has one line for each delivery and conversation that was saved', async () => {
    const store = await open()
    await saveConversation(store, conversation('one'))
    await store.saveDelivery(delivery('CR-1', 'one'))
    expect((await linesOf(path())).map((line) => JSON.parse(line))).toEqual([
      { v: 2, conversation: conversation('one') },
      { v: 2, delivery: delivery('CR-1', 'one') },
    ])
  })

  test('reads lines of form 1, whatever they hold', async () => {
    // As the first versions wrote them, and never to be changed: whatever they say stays readable.
    const kept = [
      '{"v":1,"conversation":{"id":"one","kind":"channel","name":"Mail security","serviceUrl":"https://smba.trafficmanager.net/emea/","tenantId":"home","botId":"bot","watching":{"since":"2026-11-22T03:00:00.000Z","by":{"id":"ann","name":"Ann"}},"gone":{"at":"2026-11-22T04:00:00.000Z","cause":"removed"},"back":"2026-11-22T05:00:00.000Z"}}',
      '{"v":1,"delivery":{"subject":"CR-1","conversation":"one","message":"m1","drawn":4,"mark":"m","told":3,"wanted":true,"ambiguous":{"since":"2026-11-22T03:00:00.000Z","tries":2},"retired":["m0"]}}',
      '{"v":1,"delivery":{"subject":"health:blind","conversation":"one","message":"m2","drawn":0,"mark":"1; blind Contoso","told":0,"health":{"postedAt":"2026-11-22T03:00:00.000Z","drawnAt":"2026-11-22T03:05:00.000Z","about":["blind Contoso "],"closedAt":"2026-11-22T03:05:00.000Z","told":{"at":"2026-11-22T03:06:00.000Z","over":true}}}}',
    ]
    await writeFile(path(), `${kept.join('\n')}\n`)
    const store = await open()
    const read = [
      { v: 2, conversation: (await store.conversations())[0] },
      { v: 2, delivery: await store.delivery('CR-1', 'one') },
      { v: 2, delivery: await store.delivery('health:blind', 'one') },
    ]
    expect(read).toEqual(kept.map((line) => ({ ...JSON.parse(line), v: 2 })))
  })

  test('loses a last line that was not written to its end, which is kept aside', async () => {
    const store = await open()
    await store.saveDelivery(delivery('CR-1', 'one'))
    await store.saveDelivery(delivery('CR-2', 'one'))
    await store.close()
    const whole = await readFile(path())
    await truncate(path(), whole.length - 1)
    const again = await open()
    expect(await again.delivery('CR-1', 'one')).toEqual(delivery('CR-1', 'one'))
    expect(await again.delivery('CR-2', 'one')).toBeUndefined()
    expect(warnings).toMatchObject([{ file: path(), bytes: whole.length / 2 - 1 }])
    expect(await readdir(folder)).toContain('deliveries.torn-2026-11-22T03-00-00.000Z')
  })

  test.each([
    ['not JSON', '{"v":1,\n'],
    ['of a wrong shape', '{"v":1,"delivery":{"subject":7}}\n'],
    ['without either', '{"v":1}\n'],
    ['empty', '\n'],
  ])('is refused with a line that is %s, naming line and byte', async (_what, line) => {
    const store = await open()
    await store.saveDelivery(delivery('CR-1', 'one'))
    await store.close()
    const size = (await readFile(path())).length
    await appendFile(path(), line)
    await expect(open()).rejects.toMatchObject({
      code: 'deliveriesDamaged',
      message: expect.stringContaining(`${path()} is damaged at line 2, byte ${size}: `),
      remedy: expect.stringContaining('deliveries.jsonl'),
    })
  })

  test('of a newer version is refused', async () => {
    await writeFile(path(), '{"v":3}\n')
    await expect(open()).rejects.toMatchObject({ code: 'writtenByNewer' })
  })

  test('is rid of outdated lines at a start, once they are more than half', async () => {
    const store = await open()
    await saveConversation(store, conversation('one'))
    for (let drawn = 1; drawn <= 3; drawn += 1) await store.saveDelivery(delivery('CR-1', 'one', { drawn }))
    await store.close()
    const untouched = await readFile(path(), 'utf8')
    const second = await open()
    expect(await readFile(path(), 'utf8')).toBe(untouched)
    await second.saveDelivery(delivery('CR-1', 'one', { drawn: 4 }))
    await second.close()

    const third = await open()
    expect(await linesOf(path())).toHaveLength(2)
    await third.saveDelivery(delivery('CR-2', 'one'))
    await third.close()
    const last = await open()
    expect(await last.delivery('CR-1', 'one')).toEqual(delivery('CR-1', 'one', { drawn: 4 }))
    expect(await last.delivery('CR-2', 'one')).toEqual(delivery('CR-2', 'one'))
    expect(await last.conversations()).toEqual([conversation('one')])
  })

  test('keeps a torn line aside before it leaves anything out', async () => {
    const store = await open()
    for (let drawn = 1; drawn <= 5; drawn += 1) await store.saveDelivery(delivery('CR-1', 'one', { drawn }))
    await store.close()
    await appendFile(path(), '{"v":1,"deli')
    await (await open()).close()
    expect(await readFile(inFolder('deliveries.torn-2026-11-22T03-00-00.000Z'), 'utf8')).toBe('{"v":1,"deli')
    expect((await (await open()).delivery('CR-1', 'one'))?.drawn).toBe(5)
    expect(await linesOf(path())).toHaveLength(1)
  })
})

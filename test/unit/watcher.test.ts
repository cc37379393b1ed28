import { setImmediate } from 'node:timers/promises'
import { secondMs } from '../../src/clock.js'
import { Desk } from '../../src/desk.js'
import type { ReadFailure, RestrictedList } from '../../src/exchange/exchange.js'
import type { Incident, Restriction } from '../../src/incident/incident.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import { Watcher, type WatcherParts } from '../../src/watch/watcher.js'
import { connectorId, inForce } from '../support/incidents.js'
import { Disk, keptLog, type Logged, newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

type Answer = RestrictedList | ReadFailure
const list = (...rows: Restriction[]): Answer => ({ ok: true, rows, complete: true })
const failure = (changes: Partial<ReadFailure> = {}): Answer => ({
  ok: false,
  code: 'unreachable',
  message: 'Exchange did not answer',
  retryable: true,
  ...changes,
})

type ExchangeOfWatcher = WatcherParts['exchange']
type Names = Awaited<ReturnType<ExchangeOfWatcher['inboundConnectors']>>

/** Exchange in the hands of the test: each read waits until it is answered, unless `usual` says what with. */
class HeldExchange implements ExchangeOfWatcher {
  usual: Answer | undefined = list()
  names: Promise<Names> = Promise.resolve({ ok: true, connectors: [], complete: true })
  reads = 0
  atOnce = 0
  mostAtOnce = 0
  readonly #waiting: ((answer: Answer) => void)[] = []

  async restricted(): Promise<Answer> {
    this.reads += 1
    this.atOnce += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce)
    const answer = this.usual ?? (await new Promise<Answer>((resolve) => this.#waiting.push(resolve)))
    this.atOnce -= 1
    return answer
  }

  inboundConnectors(): Promise<Names> {
    return this.names
  }

  answer(answer: Answer): void {
    this.#waiting.shift()?.(answer)
  }
}

let clock: TestClock
let exchange: HeldExchange
let disk: Disk
let store: Store
let watcher: Watcher
let warnings: Logged[]

beforeEach(async () => {
  clock = new TestClock()
  exchange = new HeldExchange()
  disk = new Disk()
  const { log, lines } = keptLog()
  warnings = lines
  store = await openJsonStore({ folder: await newFolder(), clock, log, files: disk })
  const desk = new Desk({ store, clock, log, rules: async () => inForce() })
  watcher = new Watcher({
    tenant: 'Contoso',
    exchange,
    desk,
    store,
    clock,
    log,
    newId: () => 'batch',
    pollSeconds: 60,
  })
})

afterEach(async () => {
  await watcher.stop()
  await store.close()
  await removeFolders()
})

/** Whatever can happen without time passing and without the disk has happened. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await setImmediate()
}

/** The incident with this number, as soon as it is durable. */
async function opened(number: number): Promise<Incident> {
  for (;;) {
    const incident = await store.find(number)
    if (incident) return incident
    await setImmediate()
  }
}

async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 1) {
    clock.advance(secondMs)
    await settled()
  }
}

async function started(): Promise<void> {
  watcher.start()
  clock.advance(0)
  await settled()
}

const row = (changes: Partial<Restriction> = {}): Restriction => ({
  connectorId,
  connectorName: 'Headquarters relay',
  ...changes,
})

describe('reading', () => {
  test('starts at once and goes on every 60 s', async () => {
    await started()
    expect(exchange.reads).toBe(1)
    await pass(59)
    expect(exchange.reads).toBe(1)
    await pass(1)
    expect(exchange.reads).toBe(2)
  })

  test('never overlaps, however long Exchange takes and whoever asks', async () => {
    exchange.usual = undefined
    await started()
    const asked = [watcher.readNow(), watcher.readNow()]
    await pass(120)
    expect(exchange.reads).toBe(1)
    exchange.answer(list())
    await settled()
    exchange.answer(list())
    await Promise.all(asked)
    expect({ reads: exchange.reads, mostAtOnce: exchange.mostAtOnce }).toEqual({ reads: 2, mostAtOnce: 1 })
  })

  test('gives those who ask during a read the next one, which starts after they asked', async () => {
    exchange.usual = undefined
    await started()
    await pass(5)
    const asked = [watcher.readNow(), watcher.readNow(), watcher.readNow()]
    exchange.answer(list())
    await settled()
    exchange.answer(list(row()))
    const reads = await Promise.all(asked)
    expect(reads.map(({ startedAt }) => startedAt)).toEqual(Array(3).fill(clock.now()))
    expect(reads[0]).toBe(reads[2])
    expect(exchange.reads).toBe(2)
  })

  test('that was asked for puts the next regular one off', async () => {
    await started()
    await pass(30)
    await watcher.readNow()
    await pass(59)
    expect(exchange.reads).toBe(2)
    await pass(1)
    expect(exchange.reads).toBe(3)
  })

  test('ends when the bot is stopped, also while Exchange does not answer', async () => {
    exchange.usual = undefined
    await started()
    await watcher.stop()
    exchange.answer(list(row()))
    await pass(300)
    expect({ reads: exchange.reads, open: await store.open() }).toEqual({ reads: 1, open: [] })
  })
})

describe('a read that fails', () => {
  test('changes nothing, and says why until one succeeds', async () => {
    const ids = { requestId: 'theirs', clientRequestId: 'ours' }
    exchange.usual = failure({ code: 'permission', message: 'Exchange refuses Get-BlockedConnector', ...ids })
    await started()
    expect(watcher.status).toEqual({
      failing: 'permission',
      message: 'Exchange refuses Get-BlockedConnector',
    })
    expect(warnings).toEqual([
      expect.objectContaining({
        code: 'permission',
        message: 'Exchange refuses Get-BlockedConnector',
        ...ids,
      }),
    ])
    exchange.usual = list()
    await pass(60)
    expect(watcher.status).toEqual({ lastGoodReadAt: clock.now(), failing: undefined })
  })

  test('three times in a row makes reads rarer, five minutes apart at most, until one succeeds', async () => {
    exchange.usual = failure()
    await started()
    const gaps: number[] = []
    for (let seconds = 1, last = 0, reads = 1; gaps.length < 6; seconds++) {
      await pass(1)
      if (exchange.reads === reads) continue
      gaps.push(seconds - last)
      last = seconds
      reads = exchange.reads
    }
    expect(gaps).toEqual([60, 60, 120, 240, 300, 300])
    exchange.usual = list()
    await pass(300)
    const before = exchange.reads
    await pass(60)
    expect(exchange.reads).toBe(before + 1)
  })

  test('because Exchange wants to be left alone is not followed by another before that is over', async () => {
    exchange.usual = failure({ code: 'throttled', retryAfterMs: 100 * secondMs })
    await started()
    await pass(99)
    const { result } = await watcher.readNow()
    expect(result).toMatchObject({ ok: false, code: 'throttled' })
    expect(exchange.reads).toBe(1)
    exchange.usual = list(row())
    await pass(1)
    expect((await watcher.readNow()).result.ok).toBe(true)
    expect(watcher.status.failing).toBeUndefined()
  })

  test('without ever ending is said after ten minutes, with the time since when', async () => {
    exchange.usual = undefined
    await started()
    const since = clock.now()
    await pass(599)
    expect(watcher.status.failing).toBeUndefined()
    await pass(1)
    expect(watcher.status).toMatchObject({ failing: 'stale', blindSince: since })
    exchange.answer(list())
    await settled()
    expect(watcher.status.failing).toBe('stale')
    exchange.usual = list()
    await pass(60)
    expect(watcher.status).toEqual({ lastGoodReadAt: clock.now() })
  })

  test('for a row that cannot be told apart is said, and what it shows is announced all the same', async () => {
    exchange.usual = { ok: true, rows: [row()], complete: false }
    await started()
    expect(watcher.status.failing).toBe('rowUnreadable')
    expect((await opened(1)).restriction).toEqual(row())
  })

  test('for a row that cannot be told apart is no good read: after ten minutes of these it is said since when', async () => {
    await started()
    const since = clock.now()
    exchange.usual = { ok: true, rows: [], complete: false }
    await pass(660)
    expect(watcher.status).toEqual({ lastGoodReadAt: since, failing: 'rowUnreadable', blindSince: since })
  })
})

describe('a restricted connector', () => {
  test('is opened once, however often it is seen', async () => {
    exchange.usual = list(row())
    await started()
    await opened(1)
    await pass(180)
    expect(await store.open()).toMatchObject([{ number: 1, status: 'open', restriction: row() }])
  })

  test('without a name gets the one that the connector has', async () => {
    exchange.usual = list(row({ connectorName: undefined }))
    const noLists = {
      senderDomains: [],
      senderIps: [],
      acceptedDomains: [],
      skipIps: [],
      trustedOrganizations: [],
    }
    const connectors = [{ id: connectorId, name: 'Warehouse scanners', ...noLists }]
    exchange.names = Promise.resolve({ ok: true, connectors, complete: true })
    await started()
    expect((await opened(1)).restriction.connectorName).toBe('Warehouse scanners')
  })

  test('is opened without a name when names take longer than five seconds', async () => {
    exchange.usual = list(row({ connectorName: undefined }))
    exchange.names = new Promise(() => undefined)
    await started()
    await pass(4)
    expect(await store.find(1)).toBeUndefined()
    await pass(1)
    expect(await opened(1)).toMatchObject({ status: 'open', restriction: { connectorId } })
  })

  test('that could not be recorded is not lost: the caller hears it, and the next read opens it', async () => {
    exchange.usual = list(row())
    disk.free = 0
    await expect(watcher.readNow()).rejects.toMatchObject({ code: 'recordNotWritable' })
    expect(await store.open()).toEqual([])
    disk.free = Number.POSITIVE_INFINITY
    await watcher.readNow()
    expect(await store.open()).toHaveLength(1)
  })
})

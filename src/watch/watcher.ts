import { type Clock, type Instant, later, pause, secondMs } from '../clock.js'
import type { Desk } from '../desk.js'
import { messageOf } from '../errors.js'
import type { Exchange, Read, RestrictedList } from '../exchange/exchange.js'
import { isLag } from '../incident/episode.js'
import type { Restriction } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Store } from '../store/store.js'
import { type Absences, compare } from './compare.js'

export interface WatcherParts {
  tenant: string
  exchange: Exchange
  desk: Desk
  store: Store
  clock: Clock
  log: Log
  pollSeconds: number
  newId: () => string
}

/** How the watching of one tenant stands. */
export interface WatchStatus {
  lastGoodReadAt?: Instant | undefined
  /** Constant word for why the last read failed; undefined after a good one. */
  failing?: string | undefined
}

const longestBackOffMs = 300 * secondMs
const longestWaitForNamesMs = 5 * secondMs

/**
 * Watches one tenant: reads its restricted list every `pollSeconds`, never two reads at once, and turns each
 * good read into commands: new restrictions, ones that are gone, removals that are confirmed or not. A read
 * that fails changes nothing.
 */
export class Watcher {
  #absences: Absences = new Map()
  #status: WatchStatus = {}
  #failures = 0
  #stopped = false
  #cancelTimer: () => void = () => undefined
  #reading: Promise<Read> | undefined
  #queued: Promise<Read> | undefined

  constructor(private readonly parts: WatcherParts) {}

  get status(): WatchStatus {
    return this.#status
  }

  /** Reads now, and again and again until `stop`. */
  start(): void {
    this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    await Promise.allSettled([this.#reading, this.#queued])
  }

  /**
   * A read that starts after this call, its consequences committed: for whoever must know how the list is now.
   * Several who ask while a read is running share the next one. Never rejects for what Exchange does; rejects
   * with the store's Fault when the consequences could not be recorded.
   */
  readNow(): Promise<Read> {
    if (this.#queued) return this.#queued
    if (!this.#reading) return this.#begin()
    const next = () => this.#begin()
    this.#queued = this.#reading.then(next, next)
    return this.#queued
  }

  #begin(): Promise<Read> {
    this.#cancelTimer()
    this.#queued = undefined
    const reading = this.#read().finally(() => {
      if (this.#reading === reading) this.#reading = undefined
      this.#schedule(this.#waitMs())
    })
    this.#reading = reading
    return reading
  }

  #schedule(ms: number): void {
    this.#cancelTimer()
    if (this.#stopped) return
    const { clock, log, tenant } = this.parts
    this.#cancelTimer = clock.wakeAt(later(clock.now(), ms), () => {
      // What a person asked for has an answer of its own; here only the log is left to tell.
      this.readNow().catch((fault) =>
        log.error({ tenant, fault: messageOf(fault) }, 'what was read could not be recorded'),
      )
    })
  }

  /** A tenant that is down is asked ever more seldom, up to five minutes. */
  #waitMs(): number {
    const regular = this.parts.pollSeconds * secondMs
    return this.#failures < 3
      ? regular
      : Math.min(regular * 2 ** (this.#failures - 2), Math.max(regular, longestBackOffMs))
  }

  async #read(): Promise<Read> {
    const { exchange, clock, log, tenant } = this.parts
    const startedAt = clock.now()
    const result = await exchange.restricted()
    if (!result.ok) {
      this.#failures += 1
      this.#status = { ...this.#status, failing: result.code }
      log.warn(
        { tenant, code: result.code, message: result.message, requestId: result.requestId },
        'the restricted list could not be read',
      )
      return { startedAt, result }
    }
    this.#failures = 0
    this.#status = { lastGoodReadAt: startedAt, failing: result.complete ? undefined : 'rowUnreadable' }
    await this.#take(startedAt, result)
    return { startedAt, result }
  }

  async #take(startedAt: Instant, list: RestrictedList): Promise<void> {
    const { store, desk, tenant, pollSeconds } = this.parts
    const open = await store.open(tenant)
    const { unknown, commands, absences } = compare(open, { startedAt, list }, this.#absences, pollSeconds)
    this.#absences = absences
    for (const { incident, command } of commands) await desk.act(incident, command)
    await this.#openAll(unknown)
  }

  async #openAll(rows: Restriction[]): Promise<void> {
    const { store, desk, clock, tenant, newId } = this.parts
    const fresh: Restriction[] = []
    for (const row of rows) {
      const latest = await store.latest(tenant, row.connectorId)
      if (!latest || !isLag(latest, row, clock.now())) fresh.push(row)
    }
    if (fresh.length === 0) return
    const batch = { id: newId(), size: fresh.length }
    const named = await this.#withNames(fresh)
    await Promise.all(named.map((row) => desk.open(tenant, row, batch)))
  }

  /** Names for people to read, where the list has none. Not knowing them must not hold up the announcement. */
  async #withNames(rows: Restriction[]): Promise<Restriction[]> {
    if (rows.every(({ connectorName }) => connectorName !== undefined)) return rows
    const { exchange, clock } = this.parts
    const answer = await Promise.race([exchange.inboundConnectors(), pause(clock, longestWaitForNamesMs)])
    if (!answer?.ok) return rows
    const names = new Map(answer.connectors.map(({ id, name }) => [id, name]))
    return rows.map((row) => ({ ...row, connectorName: row.connectorName ?? names.get(row.connectorId) }))
  }
}

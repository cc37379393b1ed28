import { type Clock, elapsedMs, type Instant, later, minuteMs, secondMs, within } from '../clock.js'
import type { Desk } from '../desk.js'
import { messageOf } from '../errors.js'
import {
  beingStopped,
  type Exchange,
  type Read,
  type ReadFailure,
  type RestrictedList,
} from '../exchange/exchange.js'
import { isLag } from '../incident/episode.js'
import type { Restriction } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Store } from '../store/store.js'
import { type Absences, compare } from './compare.js'

export interface WatcherParts {
  tenant: string
  exchange: Pick<Exchange, 'restricted' | 'inboundConnectors'>
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
  /** Constant word for why the last read failed, or `stale` if none has ended for long; undefined if all is well. */
  failing?: string | undefined
  /** What happened in the last read, in words for an admin, if it failed. */
  message?: string | undefined
  /** Since when there was no good read, once that has lasted for ten minutes and three intervals. */
  blindSince?: Instant | undefined
}

const longestBackOffMs = 300 * secondMs
const longestSilenceMs = 10 * minuteMs
const longestWaitForNamesMs = 5 * secondMs

/**
 * Watches one tenant: reads its restricted list every `pollSeconds`, never two reads at once, and turns each
 * good read into commands: new restrictions, ones that are gone, removals that are confirmed or not. A read
 * that fails changes nothing.
 */
export class Watcher {
  #absences: Absences = new Map()
  #status: WatchStatus = {}
  #startedAt: Instant | undefined
  #failures = 0
  /** Exchange asked not to be asked before. */
  #asked: { notBefore: Instant; failure: ReadFailure } | undefined
  #stopped = false
  #giveUp: () => void = () => undefined
  #cancelTimer: () => void = () => undefined
  #reading: Promise<Read> | undefined
  #queued: Promise<Read> | undefined

  constructor(private readonly parts: WatcherParts) {}

  get status(): WatchStatus {
    const blindSince = this.#blindSince(this.#status.lastGoodReadAt ?? this.#startedAt)
    return blindSince
      ? { ...this.#status, failing: this.#status.failing ?? 'stale', blindSince }
      : this.#status
  }

  /** Whatever keeps the list from being read, also what nobody has thought of: after ten minutes it shows. */
  #blindSince(since: Instant | undefined): Instant | undefined {
    const { clock, pollSeconds } = this.parts
    const longest = Math.max(longestSilenceMs, 3 * pollSeconds * secondMs)
    return since !== undefined && elapsedMs(since, clock.now()) >= longest ? since : undefined
  }

  /**
   * Reads again and again until `stop`.
   * @param delayMs before the first read, in milliseconds; whoever asks meanwhile has it read at once
   */
  start(delayMs = 0): void {
    this.#startedAt = this.parts.clock.now()
    this.#schedule(delayMs)
  }

  /** Ends at once: a read that is under way counts for nothing, unless its consequences are being recorded. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    this.#giveUp()
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

  /** A tenant that is down is asked ever more seldom, up to five minutes; and not before it wants to be. */
  #waitMs(): number {
    const { clock, pollSeconds } = this.parts
    const regular = pollSeconds * secondMs
    const backedOff =
      this.#failures < 3
        ? regular
        : Math.min(regular * 2 ** (this.#failures - 2), Math.max(regular, longestBackOffMs))
    return Math.max(backedOff, this.#asked ? elapsedMs(clock.now(), this.#asked.notBefore) : 0)
  }

  /** The list, unless Exchange wants to be left alone for a while, or the bot is being stopped. */
  #ask(): Promise<RestrictedList | ReadFailure> {
    const { exchange, clock } = this.parts
    if (this.#stopped) return Promise.resolve(beingStopped)
    if (this.#asked && clock.now() < this.#asked.notBefore) return Promise.resolve(this.#asked.failure)
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(beingStopped)
      exchange.restricted().then(resolve, reject)
    })
  }

  async #read(): Promise<Read> {
    const startedAt = this.parts.clock.now()
    const result = await this.#ask()
    if (!result.ok) {
      if (result !== this.#asked?.failure && result.code !== 'stopping') this.#failed(result)
      return { startedAt, result }
    }
    this.#asked = undefined
    this.#failures = 0
    const { lastGoodReadAt } = this.#status
    // What cannot be read may be any connector: such a read is no good one.
    this.#status = result.complete
      ? { lastGoodReadAt: startedAt, failing: undefined }
      : { lastGoodReadAt, failing: 'rowUnreadable' }
    await this.#take(startedAt, result)
    return { startedAt, result }
  }

  #failed(failure: ReadFailure): void {
    const { clock, log, tenant } = this.parts
    const { code, message, requestId, clientRequestId, retryAfterMs } = failure
    this.#failures += 1
    this.#status = { ...this.#status, failing: code, message }
    this.#asked =
      retryAfterMs === undefined ? undefined : { notBefore: later(clock.now(), retryAfterMs), failure }
    log.warn({ tenant, code, message, requestId, clientRequestId }, 'the restricted list could not be read')
  }

  async #take(startedAt: Instant, list: RestrictedList): Promise<void> {
    const { store, desk, tenant, pollSeconds } = this.parts
    const open = await store.open(tenant)
    const { unknown, commands, absences } = compare(open, { startedAt, list }, this.#absences, pollSeconds)
    this.#absences = absences
    const acts = await Promise.allSettled(
      commands.map(({ incident, command }) => desk.act(incident, command)),
    )
    // New ones are announced even if something about the known ones could not be recorded.
    await this.#openAll(unknown)
    throwFirst(acts)
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
    throwFirst(await Promise.allSettled(named.map((row) => desk.open(tenant, row, batch))))
  }

  /** Names for people to read, where the list has none. Not knowing them must not hold up the announcement. */
  async #withNames(rows: Restriction[]): Promise<Restriction[]> {
    if (rows.every(({ connectorName }) => connectorName !== undefined)) return rows
    const { exchange, clock } = this.parts
    const answer = await within(clock, longestWaitForNamesMs, exchange.inboundConnectors(), undefined)
    if (!answer?.ok) return rows
    const names = new Map(answer.connectors.map(({ id, name }) => [id, name]))
    return rows.map((row) => ({ ...row, connectorName: row.connectorName ?? names.get(row.connectorId) }))
  }
}

/** Everything was tried; what went wrong is for whoever asked to know. */
function throwFirst(results: PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

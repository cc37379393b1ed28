import { type Clock, elapsedMs, type Instant, later, minuteMs } from '../clock.js'
import type { ReadFailure } from './exchange.js'

const shortestPauseMs = minuteMs
const longestPauseMs = 15 * minuteMs

interface Failing {
  failure: ReadFailure
  since: Instant
  pauseMs: number
  until: Instant
}

/** Failures that the next request would most likely only repeat: slowly, or until somebody has done something. */
const worthAPause: readonly ReadFailure['code'][] = [
  'unreachable',
  'timeout',
  'credentials',
  'permission',
  'throttled',
]

/** Failures of the whole tenant, whatever was asked: once anything is answered they are over. */
const concernsAll: readonly ReadFailure['code'][] = ['unreachable', 'credentials']

/** Where Exchange itself said how long to wait, that is what counts. */
const deservesAPause = ({ code, retryAfterMs }: ReadFailure): boolean =>
  worthAPause.includes(code) && retryAfterMs === undefined

/**
 * When evidence of a tenant is not to be asked for: while Exchange wants to be left alone, and for a growing
 * pause after a cmdlet failed. Then what went wrong is answered at once, with since when, so that a tenant that
 * is down costs little and nobody waits for it.
 */
export class BackOff {
  #leftAlone: { failure: ReadFailure; since: Instant; until: Instant } | undefined
  readonly #failing = new Map<string, Failing>()
  /** What was learned already, or answered from memory, is no news. */
  readonly #known = new WeakSet<ReadFailure>()

  constructor(private readonly clock: Clock) {}

  /** Any reply of the tenant may ask us to stay away for a while; `failure` is what it was, if it was one. */
  heard(retryAfterMs: number | undefined, failure: ReadFailure = askedToWait): void {
    if (retryAfterMs === undefined) return
    const now = this.clock.now()
    const until = later(now, retryAfterMs)
    if (this.#leftAlone && this.#leftAlone.until > until) return
    this.#leftAlone = { failure, since: now, until }
  }

  /** The tenant answers again: what failed because it did not is worth asking for at once. */
  answered(): void {
    for (const [cmdlet, { failure }] of this.#failing)
      if (concernsAll.includes(failure.code)) this.#failing.delete(cmdlet)
  }

  /** Somebody waits for it: what failed is worth asking for once more now. The next pause is longer all the same. */
  hurry(): void {
    const now = this.clock.now()
    for (const [cmdlet, failing] of this.#failing) this.#failing.set(cmdlet, { ...failing, until: now })
  }

  /** What is to be answered instead of asking, if anything. */
  instead(cmdlet: string): ReadFailure | undefined {
    const now = this.clock.now()
    const held = [this.#leftAlone, this.#failing.get(cmdlet)].find((one) => one && now < one.until)
    if (!held) return undefined
    const { failure, since, until } = held
    const repeated = {
      ...failure,
      message: `${failure.message} (since ${inWords(since)}; it is asked again from ${inWords(until)})`,
      retryAfterMs: elapsedMs(now, until),
    }
    this.#known.add(repeated)
    return repeated
  }

  /**
   * Takes note of what a request for a cmdlet, or its whole read, came to.
   * @returns whether that is a failure that was not known yet
   */
  learn(cmdlet: string, answer: { ok: true } | ReadFailure): boolean {
    if (answer.ok) this.#failing.delete(cmdlet)
    if (answer.ok || answer.code === 'stopping' || this.#known.has(answer)) return false
    this.#known.add(answer)
    if (deservesAPause(answer)) this.#failed(cmdlet, answer)
    return true
  }

  #failed(cmdlet: string, failure: ReadFailure): void {
    const now = this.clock.now()
    const before = this.#failing.get(cmdlet)
    const pauseMs = before ? Math.min(2 * before.pauseMs, longestPauseMs) : shortestPauseMs
    const since = before?.since ?? now
    this.#failing.set(cmdlet, { failure, since, pauseMs, until: later(now, pauseMs) })
  }
}

const askedToWait: ReadFailure = {
  ok: false,
  code: 'throttled',
  message: 'Exchange asked to be left alone for a while',
  retryable: true,
}

const inWords = (at: Instant): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`

import { type Clock, type Instant, later, secondMs } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Log } from '../log.js'
import type { Claim, Store } from '../store/store.js'
import type { WorkResult } from './removal.js'

interface Lane {
  running: boolean
  failures: number
  notBefore?: Instant | undefined
  lastKey?: string | undefined
}

/** Longer than any one piece of work can take: two waits for Exchange of a minute each, and what is around. */
const claimMs = 300 * secondMs
const shortestBackOffMs = 1 * secondMs
const longestBackOffMs = 60 * secondMs

/**
 * Queues of work that know nothing of each other: in each lane one thing at a time, and a lane whose work
 * fails backs off alone. What waits is not kept here: it stays due, and is offered again.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #inFlight = new Set<Promise<void>>()

  constructor(
    private readonly parts: {
      store: Store
      clock: Clock
      log: Log
      random: () => number
      /** Called when a lane has become free, at once or after its back-off. */
      onFree: () => void
    },
  ) {}

  /**
   * Runs `work` in `lane` unless the lane is busy or backing off.
   * @param key names the work and the state it is for: the same key twice running means that the work did not
   *   have the effect it should have, and counts as a failure, so that no mistake becomes a storm of calls
   */
  offer(lane: string, key: string, work: (claim: Claim) => Promise<WorkResult>): void {
    const state = this.#lanes.get(lane) ?? { running: false, failures: 0 }
    if (state.running || (state.notBefore !== undefined && this.parts.clock.now() < state.notBefore)) return
    this.#lanes.set(lane, state)
    state.running = true
    const repeated = state.lastKey === key
    state.lastKey = key
    const run = this.#run(lane, work)
      .then((result) => this.#settle(state, result === 'done' && !repeated))
      .finally(() => this.#inFlight.delete(run))
    this.#inFlight.add(run)
  }

  /** Resolves when nothing is being worked on any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  async #run(lane: string, work: (claim: Claim) => Promise<WorkResult>): Promise<WorkResult> {
    const { store, clock, log } = this.parts
    try {
      const now = clock.now()
      const claim = await store.claim(lane, now, later(now, claimMs))
      if (!claim) return 'again'
      try {
        return await work(claim)
      } finally {
        await store.release(claim)
      }
    } catch (fault) {
      // Nobody waits for this work: the log is told, and it stays due.
      log.error({ lane, fault: messageOf(fault) }, 'work failed and will be tried again')
      return 'again'
    }
  }

  #settle(state: Lane, succeeded: boolean): void {
    const { clock, random, onFree } = this.parts
    state.running = false
    state.failures = succeeded ? 0 : state.failures + 1
    if (succeeded) {
      state.notBefore = undefined
    } else {
      const wait = Math.min(shortestBackOffMs * 2 ** (state.failures - 1), longestBackOffMs)
      state.notBefore = later(clock.now(), Math.round(wait * (0.75 + random() / 2)))
      clock.wakeAt(state.notBefore, onFree)
    }
    onFree()
  }
}

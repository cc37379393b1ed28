import { type Clock, type Instant, later, secondMs } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Log } from '../log.js'
import type { Claim, Store } from '../store/store.js'
import type { WorkResult } from './removal.js'

/** A piece of work that could be done now. */
export interface Offer {
  lane: string
  /** What it is, among all work of its lane. */
  name: string
  /**
   * What it is done for, e.g. a version: the same name done again for the same state means that the work did not
   * have the effect it should have, and counts as a failure, so that no mistake becomes a storm of calls.
   */
  state: string
  /** Somebody waits for it: it goes before what nobody waits for. */
  urgent?: boolean
  run: (claim: Claim) => Promise<WorkResult>
}

interface Lane {
  running: boolean
  failures: number
  notBefore?: Instant | undefined
  /** What was tried and is still being offered: for which state, the longest ago first. */
  tried: Map<string, string>
}

/** Longer than any one piece of work can take: two waits for Exchange of a minute each, and what is around. */
const claimMs = 300 * secondMs
const shortestBackOffMs = 1 * secondMs
const longestBackOffMs = 60 * secondMs

/**
 * Queues of work that know nothing of each other: in each lane one thing at a time, and a lane whose work
 * fails backs off alone. What waits is not kept here: it stays due, and is offered again. Whoever was not tried
 * yet goes first, then whoever was tried longest ago: one card that Teams will not take does not hold up the
 * other cards of its conversation.
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

  /** Takes all that is due now, and starts one piece of it in each lane that is neither busy nor backing off. */
  offer(all: Offer[]): void {
    const offered = byLane(all)
    for (const [name, { running }] of this.#lanes)
      if (!running && !offered.has(name)) this.#lanes.delete(name)
    for (const [name, offers] of offered) {
      const lane: Lane = this.#lanes.get(name) ?? { running: false, failures: 0, tried: new Map() }
      this.#lanes.set(name, lane)
      if (lane.running || (lane.notBefore !== undefined && this.parts.clock.now() < lane.notBefore)) continue
      const next = nextOf(offers, lane)
      if (next) this.#start(next, lane)
    }
  }

  /** Resolves when nothing is being worked on any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  #start(offer: Offer, lane: Lane): void {
    lane.running = true
    const repeated = lane.tried.get(offer.name) === offer.state
    lane.tried.delete(offer.name)
    lane.tried.set(offer.name, offer.state)
    const run = this.#run(offer)
      .then((result) => this.#settle(lane, result === 'done' && !repeated))
      .finally(() => this.#inFlight.delete(run))
    this.#inFlight.add(run)
  }

  async #run({ lane, run }: Offer): Promise<WorkResult> {
    const { store, clock, log } = this.parts
    try {
      const now = clock.now()
      const claim = await store.claim(lane, now, later(now, claimMs))
      if (!claim) return 'again'
      try {
        return await run(claim)
      } finally {
        await store.release(claim)
      }
    } catch (fault) {
      // Nobody waits for this work: the log is told, and it stays due.
      log.error({ lane, fault: messageOf(fault) }, 'work failed and will be tried again')
      return 'again'
    }
  }

  #settle(lane: Lane, succeeded: boolean): void {
    const { clock, random, onFree } = this.parts
    lane.running = false
    lane.failures = succeeded ? 0 : lane.failures + 1
    if (succeeded) {
      lane.notBefore = undefined
    } else {
      const wait = Math.min(shortestBackOffMs * 2 ** (lane.failures - 1), longestBackOffMs)
      lane.notBefore = later(clock.now(), Math.round(wait * (0.75 + random() / 2)))
      clock.wakeAt(lane.notBefore, onFree)
    }
    onFree()
  }
}

function byLane(offers: Offer[]): Map<string, Offer[]> {
  const lanes = new Map<string, Offer[]>()
  for (const offer of offers) {
    const lane = lanes.get(offer.lane)
    if (lane) lane.push(offer)
    else lanes.set(offer.lane, [offer])
  }
  return lanes
}

/** The next one's turn; what was tried before and is not due any more is forgotten. */
function nextOf(offers: Offer[], lane: Lane): Offer | undefined {
  const names = new Set(offers.map(({ name }) => name))
  for (const name of lane.tried.keys()) if (!names.has(name)) lane.tried.delete(name)
  const waitedFor = offers.filter(({ urgent }) => urgent)
  const first = new Map((waitedFor.length > 0 ? waitedFor : offers).map((offer) => [offer.name, offer]))
  const untried = [...first.values()].find(({ name }) => !lane.tried.has(name))
  return untried ?? [...lane.tried.keys()].map((name) => first.get(name)).find((offer) => offer !== undefined)
}

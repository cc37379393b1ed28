import { type Clock, elapsedMs, hourMs, type Instant, later, pause, secondMs } from '../src/clock.js'

/**
 * Teams' limits for one bot in one conversation (Microsoft, "Optimize your bot with rate limiting"), each a
 * little under what is allowed, since somebody else's clock counts.
 */
const limits = [
  { most: 6, withinMs: 1 * secondMs },
  { most: 7, withinMs: 2 * secondMs },
  { most: 55, withinMs: 30 * secondMs },
  { most: 1_700, withinMs: 1 * hourMs },
]
const longestMemory = Math.max(...limits.map(({ most }) => most))

/** Holds back what would exceed Teams' limits, in each conversation on its own. */
export class Pacing {
  readonly #sent = new Map<string, Instant[]>()

  constructor(private readonly clock: Clock) {}

  /** Resolves when one more message may go to the conversation, and counts it. */
  async turn(conversation: string): Promise<void> {
    for (let waitMs = this.#waitMs(conversation); waitMs > 0; waitMs = this.#waitMs(conversation))
      await pause(this.clock, waitMs)
    const sent = this.#sent.get(conversation) ?? []
    sent.push(this.clock.now())
    this.#sent.set(conversation, sent.slice(-longestMemory))
  }

  #waitMs(conversation: string): number {
    const sent = this.#sent.get(conversation) ?? []
    const now = this.clock.now()
    const waits = limits.map(({ most, withinMs }) => {
      const oldest = sent.at(-most)
      return oldest === undefined ? 0 : elapsedMs(now, later(oldest, withinMs))
    })
    return Math.max(0, ...waits)
  }
}

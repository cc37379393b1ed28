import { type Clock, type Instant, isRecent, secondMs } from '../clock.js'
import type { ReadFailure } from '../exchange/exchange.js'

const sharedForMs = 30 * secondMs

/** What one tenant was asked within the last half minute need not be asked again for its other incidents. */
export class SharedReads {
  readonly #recent = new Map<string, { at: Instant; answer: Promise<unknown> }>()

  constructor(private readonly clock: Clock) {}

  /** @param what names the read, tenant included; `at` is when it was asked for */
  async ask<Answer>(
    what: string,
    read: () => Promise<Answer | ReadFailure>,
  ): Promise<{ at: Instant; answer: Answer | ReadFailure }> {
    const now = this.clock.now()
    for (const [other, { at }] of this.#recent)
      if (!isRecent(at, now, sharedForMs)) this.#recent.delete(other)
    const recent = this.#recent.get(what) ?? { at: now, answer: read() }
    this.#recent.set(what, recent)
    return { at: recent.at, answer: (await recent.answer) as Answer | ReadFailure }
  }
}

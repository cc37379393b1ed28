import { type Clock, type Instant, later } from '../../src/clock.js'

interface Alarm {
  at: Instant
  wake: () => void
}

/** A clock that stands still until a test moves it. */
export class TestClock implements Clock {
  readonly #alarms = new Set<Alarm>()

  constructor(private time: Instant = '2026-11-22T03:00:00.000Z') {}

  now(): Instant {
    return this.time
  }

  wakeAt(at: Instant, wake: () => void): () => void {
    const alarm = { at, wake }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** When the next alarm goes off, if any is set. */
  nextAlarm(): Instant | undefined {
    return [...this.#alarms].map(({ at }) => at).sort()[0]
  }

  /** Moves on, and sets off on the way whatever falls due, in its order. */
  advance(ms: number): void {
    const target = later(this.time, ms)
    for (let next = this.#takeDue(target); next; next = this.#takeDue(target)) {
      this.time = next.at > this.time ? next.at : this.time
      next.wake()
    }
    this.time = target
  }

  #takeDue(target: Instant): Alarm | undefined {
    const due = [...this.#alarms]
      .filter(({ at }) => at <= target)
      .sort((one, other) => (one.at < other.at ? -1 : 1))[0]
    if (due) this.#alarms.delete(due)
    return due
  }
}

/**
 * A point in time: ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes it. Two of them compare
 * as strings, which is why the whole program keeps them in this one form.
 */
export type Instant = string

/** Where time comes from. Everything that waits or measures takes one, so that tests own the time. */
export interface Clock {
  now(): Instant
  /** Calls `wake` once, at `at` or as soon after it as possible. Returns a function that cancels it. */
  wakeAt(at: Instant, wake: () => void): () => void
}

export const secondMs = 1_000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs

/** The instant `ms` milliseconds after `at` (before it, if negative). */
export const later = (at: Instant, ms: number): Instant => new Date(Date.parse(at) + ms).toISOString()

/** Milliseconds from one instant to another; negative if `to` is the earlier one. */
export const elapsedMs = (from: Instant, to: Instant): number => Date.parse(to) - Date.parse(from)

/**
 * Whether `at` lies less than `ms` milliseconds before `now`. Once the clock was set back, what was remembered lies in
 * the future: then nobody can tell how old it is, and it is not recent.
 */
export function isRecent(at: Instant, now: Instant, ms: number): boolean {
  const elapsed = elapsedMs(at, now)
  return 0 <= elapsed && elapsed < ms
}

/** The earliest of the given instants, or undefined when there is none. */
export function earliest(...instants: (Instant | undefined)[]): Instant | undefined {
  return instants.filter((at) => at !== undefined).sort()[0]
}

/** Resolves when the clock reaches `ms` milliseconds from now. */
export const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.wakeAt(later(clock.now(), ms), resolve)
  })

/** What the work comes to, or `late` if it is not done `ms` milliseconds from now; it goes on all the same. */
export async function within<Result, Late>(
  clock: Clock,
  ms: number,
  work: Promise<Result>,
  late: Late,
): Promise<Result | Late> {
  let cancel = () => {}
  const timeUp = new Promise<Late>((resolve) => {
    cancel = clock.wakeAt(later(clock.now(), ms), () => resolve(late))
  })
  return Promise.race([work, timeUp]).finally(() => cancel())
}

// setTimeout takes at most 2^31 - 1 ms and fires at once above that.
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  wakeAt(at, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(0, Date.parse(at) - Date.now()), longestTimerMs))
    return () => clearTimeout(timer)
  },
}

import type { Instant } from '../clock.js'

/** Before every instant there is. */
const atOnce: Instant = ''

/** When to look at which incident next. */
export class WakeUps {
  private readonly marks = new Map<number, number>()
  private readonly times = new Map<number, Instant>()
  private touches = 0

  /** Something happened to the incident: it is due at once, and marks that were handed out are outdated. */
  touch(number: number): void {
    this.touches += 1
    this.marks.set(number, this.touches)
    this.times.set(number, atOnce)
  }

  sleep(number: number, mark: number, until: Instant | undefined): void {
    if (this.marks.get(number) !== mark) return
    if (until === undefined) this.times.delete(number)
    else this.times.set(number, until)
  }

  due(now: Instant): { number: number; mark: number }[] {
    return [...this.times]
      .filter(([, at]) => at <= now)
      .map(([number]) => ({ number, mark: this.marks.get(number) ?? 0 }))
      .sort((a, b) => a.number - b.number)
  }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, elapsedMs, type Instant, later, minuteMs, secondMs } from '../src/clock.js'
import { messageOf } from '../src/errors.js'
import type { Log } from '../src/log.js'
import type { Watcher } from '../src/watch/watcher.js'
import { betweenReadsMs } from './tenants.js'

export interface AlertsParts {
  /** `ALERT_TOKEN`. */
  token: string
  /** Names of the watched tenants. */
  tenants: string[]
  watcherOf: (tenant: string) => Pick<Watcher, 'readNow'>
  draining: () => boolean
  clock: Clock
  log: Log
}

/** Whether a caller of `/api/alerts` is let in, and what it is told if not. */
export type Admission =
  | { ok: true }
  | { ok: false; status: 401 | 429 | 503; why: string; retryAfterSeconds?: number }

const mostWrong = 30
const mostRight = 60

/**
 * `POST /api/alerts`: somebody who holds the token says that there may be something to see, and every tenant is read
 * at once. Nothing else of what is sent means anything.
 */
export class Alerts {
  readonly #wrong: Allowance
  readonly #right: Allowance
  readonly #expected: Buffer
  /** Tenants whose read is still to begin. */
  readonly #waiting = new Set<string>()

  constructor(private readonly parts: AlertsParts) {
    this.#wrong = new Allowance(mostWrong, parts.clock)
    this.#right = new Allowance(mostRight, parts.clock)
    this.#expected = digest(parts.token)
  }

  /** Wrong tokens use up an allowance of their own, so guessing never keeps the right one out. */
  admit(authorization: string | undefined): Admission {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
    // Digests are of one length and comparing them takes one time, whatever was given.
    if (!timingSafeEqual(digest(given), this.#expected)) return this.#refuse()
    if (this.parts.draining()) return { ok: false, status: 503, why: 'the bot is being stopped' }
    const waitMs = this.#right.take()
    return waitMs === 0 ? { ok: true } : tooMany(waitMs)
  }

  /**
   * Has tenants read now, in the background, one shortly after the other; who asks while one is being read shares
   * its next read.
   * @param tenant the only one to read; all of them if there is none of that name
   */
  read(tenant: string | undefined): void {
    const { tenants, clock, log } = this.parts
    const named = tenants.filter((name) => name === tenant)
    const asked = named.length > 0 ? named : tenants
    log.info({ tenants: asked.length }, 'an alert came in: reading now')
    for (const [index, name] of asked.filter((one) => !this.#waiting.has(one)).entries()) {
      if (index === 0) this.#readNow(name)
      else {
        this.#waiting.add(name)
        clock.wakeAt(later(clock.now(), index * betweenReadsMs), () => this.#readNow(name))
      }
    }
  }

  #readNow(name: string): void {
    const { watcherOf, draining, log } = this.parts
    this.#waiting.delete(name)
    if (draining()) return
    watcherOf(name)
      .readNow()
      .catch((fault: unknown) =>
        log.error({ tenant: name, fault: messageOf(fault) }, 'what was read could not be recorded'),
      )
  }

  #refuse(): Admission {
    const waitMs = this.#wrong.take()
    if (waitMs > 0) return tooMany(waitMs)
    this.parts.log.warn('an alert came in without the right token')
    return { ok: false, status: 401, why: 'not authenticated' }
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const tooMany = (waitMs: number): Admission => ({
  ok: false,
  status: 429,
  why: 'too many',
  retryAfterSeconds: Math.ceil(waitMs / secondMs),
})

/** So many in any one minute. */
class Allowance {
  #taken: Instant[] = []

  constructor(
    private readonly most: number,
    private readonly clock: Clock,
  ) {}

  /** Takes one; if there is none left, says in how many milliseconds there will be. */
  take(): number {
    const now = this.clock.now()
    this.#taken = this.#taken.filter((at) => now < later(at, minuteMs))
    const [oldest] = this.#taken
    if (oldest !== undefined && this.#taken.length >= this.most)
      return elapsedMs(now, later(oldest, minuteMs))
    this.#taken.push(now)
    return 0
  }
}

import type { Instant } from '../clock.js'
import { Fault } from '../errors.js'
import type { Claim } from './store.js'

/** Who may work on what alone. In one process that is a map; the tokens are what the port's callers rely on. */
export class Claims {
  private readonly latest = new Map<string, { token: number; until: Instant | undefined }>()
  private tokens = 0

  claim(key: string, now: Instant, until: Instant): Claim | undefined {
    const held = this.latest.get(key)?.until
    if (held !== undefined && now < held) return undefined
    this.tokens += 1
    this.latest.set(key, { token: this.tokens, until })
    return { key, token: this.tokens }
  }

  /** The token stays known after the release: whoever held it before must still be told that it is outdated. */
  release({ key, token }: Claim): void {
    if (this.latest.get(key)?.token === token) this.latest.set(key, { token, until: undefined })
  }

  /** Throws with code `claimLost` if a later claim of the same key was handed out. */
  check({ key, token }: Claim): void {
    if ((this.latest.get(key)?.token ?? token) <= token) return
    throw new Fault(
      'claimLost',
      `Not saved: the work on ${key} took longer than its claim, and somebody else has taken it over since.`,
      'Nothing needs to be done: whoever took it over finishes it.',
    )
  }
}

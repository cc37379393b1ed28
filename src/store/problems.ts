import { afterEntry, keyOf, type Problem } from '../health/problem.js'
import { frozen } from './frozen.js'
import type { EntryLine } from './journal-line.js'

/** What the record says of the bot's own health, in memory. */
export class Problems {
  private readonly byKey = new Map<string, Problem>()

  /** Takes in a line of the record; tells whether it said something of a problem. */
  take({ entry, at }: EntryLine): boolean {
    if (entry.type !== 'healthRaised' && entry.type !== 'healthCleared') return false
    const key = keyOf(entry)
    const problem = afterEntry(this.byKey.get(key), entry, at)
    if (problem) this.byKey.set(key, frozen(problem))
    return true
  }

  all(): Problem[] {
    return [...this.byKey.values()]
  }
}

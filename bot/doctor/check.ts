import { type Clock, secondMs, within } from '../../src/clock.js'
import { errorCode, Fault, messageOf } from '../../src/errors.js'
import type { CheckId } from './titles.js'

/** What a check came to: `warn` may stay as it is, `fail` must not. */
export type Result = 'ok' | 'warn' | 'fail'

/** One line of the doctor's. */
export interface Check {
  /** Constant, for scripts. What stands before the dot is the area. */
  id: CheckId
  /** What it is about where there are several: a tenant, a conversation. */
  subject?: string | undefined
  result: Result
  /** What was found, in words. */
  found: string
  /** The one thing to do about it: a command or a portal page. Always there unless all is well. */
  fix?: string | undefined
}

export const ok = (id: CheckId, found: string, subject?: string): Check => ({
  id,
  subject,
  result: 'ok',
  found,
})

/** What was found, and the one thing to do about it. */
interface Amiss {
  found: string
  fix: string
}

export const warn = (id: CheckId, { found, fix }: Amiss, subject?: string): Check => ({
  id,
  subject,
  result: 'warn',
  found,
  fix,
})

export const fail = (id: CheckId, { found, fix }: Amiss, subject?: string): Check => ({
  id,
  subject,
  result: 'fail',
  found,
  fix,
})

/** Longer than this nothing is waited for. */
const patienceSeconds = 20

/** What to do about what the system says of a file: most often it is somebody else's. */
const asTheBot = "Run the doctor as the bot's own user, and look with ls -ld at what is named here"

/** What to do about what this program did not expect. */
const pleaseReport = 'Run it again; if it happens again, please report this line to Connector Warden.'

/** Makes one check, or several that belong together, on their own: what goes wrong unexpectedly is a line, too. */
export async function caught(
  id: CheckId,
  check: () => Promise<Check | Check[]>,
  subject?: string,
): Promise<Check[]> {
  try {
    return [await check()].flat()
  } catch (error) {
    return [fail(id, amissBy(error), subject)]
  }
}

function amissBy(error: unknown): Amiss {
  if (error instanceof Fault) return { found: error.message, fix: error.remedy }
  if (/^E[A-Z]+$/.test(errorCode(error))) return { found: `${messageOf(error)}.`, fix: asTheBot }
  return { found: `This check itself failed: ${messageOf(error)}.`, fix: pleaseReport }
}

/** The same for one that asks somebody else: no answer is waited for longer than 20 seconds. */
export function attempt(
  id: CheckId,
  clock: Clock,
  check: () => Promise<Check | Check[]>,
  subject?: string,
): Promise<Check[]> {
  const late = {
    found: `There was no answer within ${patienceSeconds} seconds.`,
    fix: 'See that the firewall lets the hosts of docs/setup.md, section 10, through; then run the doctor again.',
  }
  const inTime = () => within(clock, patienceSeconds * secondMs, check(), fail(id, late, subject))
  return caught(id, inTime, subject)
}

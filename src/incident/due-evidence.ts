import { earliest, elapsedMs, hourMs, type Instant, later, minuteMs } from '../clock.js'
import type { Due } from './due.js'
import { type Incident, isFinal } from './incident.js'

/** What is known of an incident's evidence: when it was last asked for, and how the card shows it. */
export interface EvidenceState {
  askedAt?: Instant | undefined
  /** Differs whenever what people should see of it differs. */
  mark?: string | undefined
  /** Somebody has asked for it since. */
  wanted?: boolean | undefined
}

/** After the incident was opened: the audit log is usually 60 to 90 minutes late, so a later look finds more. */
const minutesAfterOpening = [0, 30, 90, 180]
/** After it ended by itself; Microsoft promises no time for the audit log, and a day covers what has been seen. */
const minutesAfterEnd = [0, 10, 40, 90, 180, 360, 1_440]
/** Well before what was seen is too old to approve on. */
const refreshAfterMs = 10 * minuteMs
/** Somebody who did something so recently is taken to be at it still. */
const atItForMs = 2 * hourMs

/**
 * Whether there is something to find out now, and when there will be.
 * @param isShown whether it has a card of its own somewhere: of a thousand that are in one digest nobody can look at
 *   all, and Microsoft would not answer so many questions
 */
export function dueEvidence(
  incident: Incident,
  { askedAt, wanted = false }: EvidenceState,
  isShown: boolean,
  now: Instant,
): Due {
  const { number, tenant } = incident
  const kind = isFinal(incident) ? 'explain' : 'gather'
  const at = isFinal(incident)
    ? nextExplanation(incident, askedAt, now)
    : wanted
      ? now
      : nextGathering(incident, askedAt, isShown, now)
  if (at === undefined) return { work: [] }
  return at <= now ? { work: [{ kind, incident: number, tenant, asked: askedAt }] } : { work: [], nextAt: at }
}

function nextGathering(
  incident: Incident,
  askedAt: Instant | undefined,
  isShown: boolean,
  now: Instant,
): Instant | undefined {
  const isAtIt = incident.history.some(({ by }) => by !== undefined)
  if (!isShown && !isAtIt) return undefined
  if (askedAt === undefined) return now
  return earliest(
    nextOf(minutesAfterOpening, incident.openedAt, askedAt, now),
    nextRefresh(incident, askedAt, now),
  )
}

/**
 * The next of the planned looks. What was due while nobody looked (the bot was not running) is made up for by one
 * look at once, and only while the plan lasts, so that a start does not look into everything that ever was.
 */
function nextOf(
  plan: readonly number[],
  from: Instant,
  askedAt: Instant | undefined,
  now: Instant,
): Instant | undefined {
  const looks = plan.map((minutes) => later(from, minutes * minuteMs))
  const last = looks.at(-1)
  if (askedAt === undefined) return last !== undefined && now <= later(last, hourMs) ? now : undefined
  return looks.find((at) => askedAt < at)
}

/** While somebody is deciding, what they see is kept fresh. */
function nextRefresh({ status, history }: Incident, askedAt: Instant, now: Instant): Instant | undefined {
  if (!['open', 'approved', 'stuck'].includes(status)) return undefined
  const lastAct = history.findLast(({ by }) => by !== undefined)?.at
  if (lastAct === undefined || elapsedMs(lastAct, now) > atItForMs) return undefined
  return later(askedAt, refreshAfterMs)
}

function nextExplanation(
  { status, ended }: Incident,
  askedAt: Instant | undefined,
  now: Instant,
): Instant | undefined {
  if (status !== 'cleared' || !ended || ended.cause !== 'unknown' || ended.replaced) return undefined
  // What was found out while it was open does not tell how it ended.
  const since = askedAt !== undefined && askedAt >= ended.at ? askedAt : undefined
  return nextOf(minutesAfterEnd, ended.at, since, now)
}

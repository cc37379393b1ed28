import { elapsedMs, hourMs, type Instant, minuteMs } from '../clock.js'
import { type Incident, isFinal, type PreviousIncident, type Restriction } from './incident.js'
import { type Rules, unblockTakesMinutes } from './rules.js'

/**
 * Whether a listed row is the episode that this incident is about. A created time that changed while listed
 * means a new episode; one that Exchange does not report, or reports only now, says nothing.
 */
export function isSameEpisode(incident: Incident, row: Restriction): boolean {
  const known = incident.restriction.createdAt
  return known === undefined || row.createdAt === undefined || sameTime(known, row.createdAt)
}

/**
 * Whether a row that is back on the list is only Exchange catching up with our own removal: back within an
 * hour of it, with the very created time. Where no created time is reported this cannot be told, and a new
 * incident (which takes more approvers) is the safe answer.
 */
export function isLag(ended: Incident, row: Restriction, now: Instant): boolean {
  if (ended.status !== 'unblocked' || !ended.removal) return false
  const { createdAt } = ended.restriction
  if (createdAt === undefined || row.createdAt === undefined || !sameTime(createdAt, row.createdAt))
    return false
  return elapsedMs(ended.removal.startedAt, now) <= unblockTakesMinutes * minuteMs
}

/** Exchange writes times in several forms: the instant it means, or undefined if it cannot be read. */
export function readTime(text: string | undefined): Instant | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  const instant = Number.isNaN(time) ? '' : new Date(time).toISOString()
  // Years outside of 0 to 9999 are written with a sign, which nothing else here reads.
  return /^\d/.test(instant) ? instant : undefined
}

/** Since when it is blocked, as far as Exchange tells; at the latest since it was first seen. */
export function blockedSince({ restriction, openedAt }: Incident): Instant {
  const createdAt = readTime(restriction.createdAt)
  return createdAt !== undefined && createdAt < openedAt ? createdAt : openedAt
}

/** What a new incident has to say about an earlier one that ended recently enough to be linked. */
export function previousOf(
  ended: Incident | undefined,
  { approvals }: Rules,
  now: Instant,
): PreviousIncident | undefined {
  if (!ended?.ended || !isFinal(ended)) return undefined
  if (elapsedMs(ended.ended.at, now) > approvals.reRestrictionHours * hourMs) return undefined
  return {
    number: ended.number,
    status: ended.status === 'unblocked' ? 'unblocked' : 'cleared',
    endedAt: ended.ended.at,
    approvers: ended.status === 'unblocked' ? (ended.removal?.approvers ?? []) : [],
  }
}

/** Exchange writes seven fraction digits and an offset; the same moment may be written in two ways. */
function sameTime(one: string, other: string): boolean {
  const [a, b] = [Date.parse(one), Date.parse(other)]
  return Number.isNaN(a) || Number.isNaN(b) ? one === other : a === b
}

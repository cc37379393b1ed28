import { elapsedMs, type Instant, secondMs } from '../clock.js'
import type { RestrictedList } from '../exchange/exchange.js'
import type { Command } from '../incident/commands.js'
import { isSameEpisode } from '../incident/episode.js'
import type { Incident, Restriction } from '../incident/incident.js'

/** A good read together with when it started. */
export interface GoodRead {
  startedAt: Instant
  list: RestrictedList
}

/** Since which read each open incident's connector has been absent, by incident number. */
export type Absences = ReadonlyMap<number, Instant>

export interface Comparison {
  /** Rows that belong to no open incident, or to a newer episode than the one that is open. */
  unknown: Restriction[]
  /** What the read means for incidents that are open. */
  commands: { incident: number; command: Extract<Command, { verb: 'stillListed' | 'gone' }> }[]
  absences: Absences
}

/**
 * Compares a good read with the open incidents of its tenant. Pure.
 *
 * Gone means absent from two complete reads that started at least `pollSeconds` apart, both of them after
 * everything that the absence is to confirm: the incident itself and, if there was one, the removal.
 */
export function compare(
  open: Incident[],
  read: GoodRead,
  absences: Absences,
  pollSeconds: number,
): Comparison {
  const rows = new Map(read.list.rows.map((row) => [row.connectorId, row]))
  const commands: Comparison['commands'] = []
  const stillAbsent = new Map<number, Instant>()
  const replaced = new Set<string>()

  for (const incident of open) {
    const row = rows.get(incident.restriction.connectorId)
    if (row && isSameEpisode(incident, row)) {
      // Only a removal that is to be confirmed cares that the connector is still there; a partial read confirms nothing.
      if (incident.status === 'removing' && read.list.complete)
        commands.push({ incident: incident.number, command: { verb: 'stillListed', readOf: read.startedAt } })
    } else if (row) {
      replaced.add(row.connectorId)
      commands.push(gone(incident, read.startedAt, true))
    } else if (!read.list.complete) {
      const since = absences.get(incident.number)
      if (since) stillAbsent.set(incident.number, since)
    } else if (knownBefore(incident) < read.startedAt) {
      const since = absences.get(incident.number)
      const counts = since !== undefined && knownBefore(incident) < since && since <= read.startedAt
      const counted = counts ? since : read.startedAt
      stillAbsent.set(incident.number, counted)
      if (elapsedMs(counted, read.startedAt) >= pollSeconds * secondMs) commands.push(gone(incident, counted))
    }
  }
  const known = new Set(open.map(({ restriction }) => restriction.connectorId))
  const unknown = read.list.rows.filter(
    ({ connectorId }) => !known.has(connectorId) || replaced.has(connectorId),
  )
  return { unknown, commands, absences: stillAbsent }
}

/** A read that started before this cannot tell that the incident is gone. */
const knownBefore = (incident: Incident): Instant => {
  const removal = incident.removal?.startedAt
  return removal && removal > incident.openedAt ? removal : incident.openedAt
}

const gone = (incident: Incident, absentSince: Instant, replaced?: true): Comparison['commands'][number] => ({
  incident: incident.number,
  command: { verb: 'gone', absentSince, cause: 'unknown', replaced },
})

import type { Actor } from './commands.js'
import type { IncidentEvent } from './events.js'
import type { Incident } from './incident.js'
import type { Decision, Refusal } from './refusal.js'
import { reasonLength } from './rules.js'

// What all decisions are put in words with.

/** What a command comes to. */
export type Decided = Decision<IncidentEvent>
export type EndOfVotes = Extract<IncidentEvent, { type: 'votesVoided' }>['cause']

export const accept = (...events: IncidentEvent[]): Decided => ({ ok: true, events })
export const refuse = (refusal: Refusal): Decided => ({ ok: false, refusal })
export const notDue = (because: string): Decided => refuse({ code: 'notDue', because })

/** All votes lose their force together: the incident is open again and a quorum has to be found anew. */
export const voidAll = (incident: Incident, cause: EndOfVotes): IncidentEvent => ({
  type: 'votesVoided',
  cause,
  voters: incident.votes.map(({ by }) => by),
})

export function refuseReason(text: string): Decided | undefined {
  const length = text.trim().length
  if (length < reasonLength.least) return refuse({ code: 'reasonMissing', ...reasonLength })
  return length > reasonLength.most ? refuse({ code: 'textTooLong', most: reasonLength.most }) : undefined
}

export function removalRunning(incident: Incident): Decided {
  return refuse({ code: 'removalRunning', startedAt: incident.removal?.startedAt ?? incident.since })
}

/** Whether this very person brought it into its present status by this: the same click, delivered again. */
export const broughtHere = (incident: Incident, actor: Actor, type: IncidentEvent['type']): boolean =>
  incident.history.some(
    ({ at, by, event }) => at === incident.since && by?.id === actor.person.id && event.type === type,
  )

/** Tells what really happened: which status it is in, since when, and who brought it there. */
export function wrongStatus(incident: Incident): Decided {
  const entered = incident.history.findLast((recorded) => recorded.at === incident.since && recorded.by)
  return refuse({ code: 'wrongStatus', status: incident.status, since: incident.since, by: entered?.by })
}

import type { IncidentEvent } from './events.js'
import type { Status } from './incident.js'

/**
 * The table of statuses: which event leads from which status to which. It stands here once; `decide` never
 * returns an event that is not in it, `evolve` changes the status by it, and a test compares it with the
 * design's table. An event that is missing in a row leaves the status as it is.
 */
export const transitions = {
  open: { quorumReached: 'approved', keptBlocked: 'kept', cleared: 'cleared' },
  approved: { removalStarted: 'removing', keptBlocked: 'kept', votesVoided: 'open', cleared: 'cleared' },
  removing: { stuck: 'stuck', unblocked: 'unblocked' },
  stuck: { retried: 'open', unblocked: 'unblocked', cleared: 'cleared' },
  kept: { reopened: 'open', cleared: 'cleared' },
  unblocked: {},
  cleared: {},
} as const satisfies Record<Status, Partial<Record<IncidentEvent['type'], Status>>>

/** The status after an event of this type happened in `status`. */
export const statusAfter = (status: Status, type: IncidentEvent['type']): Status =>
  (transitions[status] as Partial<Record<IncidentEvent['type'], Status>>)[type] ?? status

import { type Clock, elapsedMs, hourMs, type Instant, later, minuteMs } from '../clock.js'
import type { SystemCommand } from '../incident/commands.js'
import { blockedSince, readTime } from '../incident/episode.js'
import type { AuditTrail, Piece } from '../incident/evidence.js'
import type { Incident } from '../incident/incident.js'
import type { Store } from '../store/store.js'
import { removalByOther } from './audit-trail.js'
import { reasonsOf } from './collector.js'
import { wasSeen } from './connector-history.js'
import { type ConnectorRead, connectorIn } from './connector-watch.js'
import { missingConnector } from './fingerprint.js'

// Why a block went away that nobody here removed.

export type Explanation = Omit<Extract<SystemCommand, { verb: 'explainEnd' }>, 'verb'>

/** So late the audit log has been seen to be, by others; Microsoft promises nothing. */
const auditLateMs = 90 * minuteMs
/** The last of the planned looks. */
const lastLookAfterMs = 24 * hourMs

/** Whether it ended by itself and the cause is still open. */
export const isUnexplained = ({ status, ended }: Incident): boolean =>
  status === 'cleared' && ended?.cause === 'unknown' && !ended.replaced

/** The incidents of a tenant that ended lately and are still unexplained: what explains one may explain others. */
export async function unexplainedIn(tenant: string, store: Store, clock: Clock): Promise<Incident[]> {
  const now = clock.now()
  const ended = await store.endedBetween(later(now, -lastLookAfterMs - 2 * hourMs), later(now, 1))
  return ended.filter((incident) => incident.tenant === tenant && isUnexplained(incident))
}

/** The reasons of our own removals that may have taken the block away, also of the incident that this one follows. */
export async function ownReasons(incident: Incident, store: Store): Promise<string[]> {
  const previous = incident.previous && (await store.find(incident.previous.number))
  return [...reasonsOf(incident), ...(previous ? reasonsOf(previous) : [])]
}

/**
 * What explains the end, if anything does yet. That somebody removed the block comes first: whoever did may have
 * deleted the connector afterwards, and the audit log tells of it late. So a connector that is gone is the cause only
 * once the log had its time, or will not tell.
 */
export function explanationOf(
  incident: Incident,
  found: { connectors: ConnectorRead; audit: Piece<AuditTrail> },
  now: Instant,
): Explanation | undefined {
  const { connectors, audit } = found
  const act = audit.collected ? removalByOther(audit.found, sinceWhen(incident)) : undefined
  if (act) return { cause: 'removedByOther', removedBy: { account: act.account, at: act.at } }
  if (!connectors.ok || !isGone(incident, connectors)) return undefined
  const passedMs = elapsedMs(incident.ended?.at ?? now, now)
  const hasTold = audit.collected && audit.found.complete && passedMs >= auditLateMs
  return hasTold || passedMs >= lastLookAfterMs ? { cause: 'connectorGone' } : undefined
}

/** A row stays listed for up to an hour after its removal, so the removal may lie before we first saw it. */
const sinceWhen = (incident: Incident): Instant =>
  readTime(incident.restriction.createdAt) === undefined ? incident.openedAt : blockedSince(incident)

/** Only what was there before can be gone: that ids of the two lists are the same is an assumption. */
function isGone({ restriction, connector }: Incident, read: Extract<ConnectorRead, { ok: true }>): boolean {
  const { connectorId } = restriction
  if (!read.complete || connectorIn(read, connectorId)) return false
  const wasThere = connector !== undefined && connector.fingerprint !== missingConnector
  return wasThere || wasSeen(read.history, connectorId)
}

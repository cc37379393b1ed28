import { z } from 'zod'
import { hourMs, type Instant, later } from '../clock.js'
import type { ConnectorChange, ConnectorChanges, InboundConnector } from '../incident/evidence.js'
import { changesBetween } from './fingerprint.js'

const instant = z.iso.datetime({ precision: 3 })
const text = z.string().optional()
const flag = z.boolean().optional()
const list = z.array(z.string())

const connectorSchema = z.object({
  id: z.string(),
  name: z.string(),
  enabled: flag,
  type: text,
  source: text,
  senderDomains: list,
  senderIps: list,
  tlsCertificate: text,
  requireTls: flag,
  restrictToIps: flag,
  restrictToCertificate: flag,
  acceptedDomains: list,
  cloudServicesMail: flag,
  treatAsInternal: flag,
  skipIps: list,
  skipLastIp: flag,
  trustedOrganizations: list,
  comment: text,
  createdAt: text,
  changedAt: text,
}) satisfies z.ZodType<InboundConnector>

/** A connector as it was from one reading to another; `is` is missing while it did not exist. */
const versionSchema = z.object({ firstSeen: instant, lastSeen: instant, is: connectorSchema.optional() })
type Version = z.infer<typeof versionSchema>

/**
 * How the connectors of one watched tenant have looked since watching began. Kept beside the record: it is what was
 * seen, not what anybody decided.
 */
export const connectorHistorySchema = z.object({
  tenant: z.string(),
  since: instant,
  lastRead: instant,
  /** The last reading that had them all: only then can one be said not to have been there. */
  lastComplete: instant.optional(),
  /** By connector id; the oldest version first. */
  versions: z.record(z.string(), z.array(versionSchema).min(1)),
})
export type ConnectorHistory = z.infer<typeof connectorHistorySchema>

const keptForMs = 30 * 24 * hourMs
const mostVersions = 100

/**
 * The history with one more reading in it.
 * @param complete whether all connectors were read: only then is one that is not among them gone
 */
export function withReading(
  history: ConnectorHistory | undefined,
  reading: { tenant: string; at: Instant; connectors: InboundConnector[]; complete: boolean },
): ConnectorHistory {
  const { tenant, at, connectors, complete } = reading
  const known = new Map(Object.entries(history?.versions ?? {}))
  const read = new Map(connectors.map((connector) => [connector.id, connector]))
  for (const [id, connector] of read)
    known.set(id, next(known.get(id) ?? absentSoFar(history), connector, at))
  if (complete)
    for (const [id, versions] of known) if (!read.has(id)) known.set(id, next(versions, undefined, at))
  const oldest = later(at, -keptForMs)
  const kept = [...known]
    .map(([id, versions]) => [id, withoutOld(versions, oldest)] as const)
    .filter(([, versions]) => versions.length > 0)
  const lastComplete = complete ? at : history?.lastComplete
  const versions = Object.fromEntries(kept)
  return { tenant, since: history?.since ?? at, lastRead: at, lastComplete, versions }
}

/** One that was not there when all were read appeared since; of the first reading's nobody knows since when. */
const absentSoFar = (history: ConnectorHistory | undefined): Version[] =>
  history?.lastComplete === undefined
    ? []
    : [{ firstSeen: history.since, lastSeen: history.lastComplete, is: undefined }]

function next(before: Version[], is: InboundConnector | undefined, at: Instant): Version[] {
  const last = before.at(-1)
  const isSame =
    last !== undefined && (last.is && is ? changesBetween(last.is, is).length === 0 : last.is === is)
  return isSame
    ? [...before.slice(0, -1), { ...last, lastSeen: at }]
    : [...before, { firstSeen: at, lastSeen: at, is }].slice(-mostVersions)
}

/** The newest version stays whatever its age; of a connector that has long been gone nothing does. */
function withoutOld(versions: Version[], oldest: Instant): Version[] {
  const kept = versions.filter(({ lastSeen }, index) => index === versions.length - 1 || lastSeen >= oldest)
  const [only] = kept
  return kept.length === 1 && only && !only.is && only.firstSeen < oldest ? [] : kept
}

/**
 * What the history tells of one connector, the latest change first. What is older than what is kept is not known any
 * more, so it goes back no further than that.
 */
export function changesOf(history: ConnectorHistory, connectorId: string): ConnectorChanges {
  const kept = history.versions[connectorId] ?? []
  const [oldest] = kept
  const since = oldest && oldest.firstSeen > history.since ? oldest.firstSeen : history.since
  const changes = kept.slice(1).map((version, index) => changeTo(kept[index], version))
  return { since, changes: changes.reverse() }
}

function changeTo(before: Version | undefined, { is, firstSeen: at }: Version): ConnectorChange {
  const notBefore = before?.lastSeen ?? at
  if (!is) return { kind: 'removed', notBefore, at, properties: [] }
  if (!before?.is) return { kind: 'appeared', notBefore, at, properties: [] }
  return { kind: 'changed', notBefore, at, properties: changesBetween(before.is, is) }
}

/** Whether a connector of that id was ever seen in this tenant. */
export const wasSeen = (history: ConnectorHistory | undefined, connectorId: string): boolean =>
  history?.versions[connectorId]?.some(({ is }) => is !== undefined) ?? false

/** Every name that a connector has or had, as far as it is known. */
export const namesIn = (
  read: { connectors: InboundConnector[]; history: ConnectorHistory | undefined },
  connectorId: string,
): string[] => [
  ...read.connectors.filter(({ id }) => id === connectorId).map(({ name }) => name),
  ...(read.history?.versions[connectorId] ?? []).flatMap(({ is }) => (is ? [is.name] : [])),
]

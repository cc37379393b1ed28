import { createHash } from 'node:crypto'
import type { InboundConnector, PropertyChange } from '../incident/evidence.js'

/** What stands for a connector that does not exist (any more). */
export const missingConnector = 'missing'

/** What decides who may send through a connector; a name or a comment does not. */
const decisive = [
  'enabled',
  'type',
  'senderDomains',
  'senderIps',
  'tlsCertificate',
  'requireTls',
  'restrictToIps',
  'restrictToCertificate',
] as const satisfies readonly (keyof InboundConnector)[]

const shown = [
  'name',
  ...decisive,
  'source',
  'acceptedDomains',
  'cloudServicesMail',
  'treatAsInternal',
  'skipIps',
  'skipLastIp',
  'trustedOrganizations',
  'comment',
] as const satisfies readonly (keyof InboundConnector)[]

/**
 * Tells one state of a connector from another: a vote counts only for the connector as it was. Enabled, type,
 * domains, addresses, TLS and restriction settings go in, and nothing else.
 */
export function fingerprintOf(connector: InboundConnector | undefined): string {
  if (!connector) return missingConnector
  const settings = decisive.map((property) => connector[property] ?? null)
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 32)
}

/** The decisive settings that differ. */
export const decisiveChanges = (was: InboundConnector, is: InboundConnector): string[] =>
  decisive.filter((property) => inWords(was[property]) !== inWords(is[property]))

/** Everything that differs, for people. A change of what is not read here shows as the time of the change alone. */
export function changesBetween(was: InboundConnector, is: InboundConnector): PropertyChange[] {
  const changes = shown
    .map((property) => ({ property, was: inWords(was[property]), is: inWords(is[property]) }))
    .filter((change) => change.was !== change.is)
  if (changes.length > 0 || was.changedAt === is.changedAt) return changes
  return [{ property: 'changedAt', was: inWords(was.changedAt), is: inWords(is.changedAt) }]
}

function inWords(value: InboundConnector[keyof InboundConnector]): string {
  if (value === undefined) return ''
  return Array.isArray(value) ? value.join(', ') : String(value)
}

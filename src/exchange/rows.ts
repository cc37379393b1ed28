import { z } from 'zod'
import type { Restriction } from '../incident/incident.js'
import type { InboundConnector } from './exchange.js'

const mostCharacters = 500

const guid = z.guid().transform((id) => id.toLowerCase())
const text = z
  .string()
  .transform((value) => value.trim().slice(0, mostCharacters))
  .transform((value) => (value === '' ? undefined : value))
  .optional()
  .catch(undefined)

/**
 * Microsoft documents no property of these rows; only the id is certain. Other names are those of the sibling
 * `Get-BlockedSenderAddress` and of what others have seen.
 */
const restrictionRow = z.object({
  connectorid: guid,
  connectorname: text,
  name: text,
  createddatetime: text,
  createdtime: text,
  whencreatedutc: text,
  reason: text,
})

const connectorRow = z.object({
  guid,
  name: text,
  enabled: z.boolean().optional().catch(undefined),
})

/** A row of `Get-BlockedConnector`; undefined without a valid ConnectorId. Ids come out in lower case. */
export function readRestriction(row: unknown): Restriction | undefined {
  const read = restrictionRow.safeParse(properties(row))
  if (!read.success) return undefined
  const { connectorid, connectorname, name, createddatetime, createdtime, whencreatedutc, reason } = read.data
  return {
    connectorId: connectorid,
    connectorName: connectorname ?? name,
    createdAt: createddatetime ?? createdtime ?? whencreatedutc,
    reason,
  }
}

/** A row of `Get-InboundConnector`; undefined without a valid Guid or a name. */
export function readConnector(row: unknown): InboundConnector | undefined {
  const read = connectorRow.safeParse(properties(row))
  if (!read.success || read.data.name === undefined) return undefined
  return { id: read.data.guid, name: read.data.name, enabled: read.data.enabled }
}

/** The names of a row's properties, to say what it looks like without saying what is in it. */
export const propertyNames = (row: unknown): string[] =>
  Object.keys(properties(row))
    .slice(0, 20)
    .map((name) => name.slice(0, 40))

/**
 * A row without the type annotations that Exchange puts beside its values (`ConnectorId@data.type`), under
 * names in lower case, because their case varies between cmdlets.
 */
function properties(row: unknown): Record<string, unknown> {
  if (typeof row !== 'object' || row === null) return {}
  const entries = Object.entries(row).filter(([name]) => !name.includes('@'))
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]))
}

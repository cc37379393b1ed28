import { z } from 'zod'
import type { Instant } from '../clock.js'
import { type AuditedAct, connectorActs } from '../incident/evidence.js'
import { anything, asText, properties, several, text, whole } from './properties.js'

const mostParameters = 40
const mostCharacters = 200

const line = text(500)

const auditRow = z.object({
  operation: z.string(),
  userid: z.string().trim().min(1).max(500),
  creationtime: z.string(),
  objectid: line,
  clientip: text(100),
  resultstatus: line,
  id: line,
  parameters: anything,
})

/** What a row of `Search-UnifiedAuditLog` comes to. */
export type AuditRow =
  /** `key` is the same for the same entry, which Exchange may send twice. */
  | { kind: 'act'; act: AuditedAct; key: string }
  /** Of no interest: another act, or one that failed. */
  | { kind: 'other' }
  | { kind: 'unreadable' }

/**
 * A row of the unified audit log. What happened stands as JSON text in its AuditData; what that leaves out is
 * taken from the row around it.
 */
export function readAudit(row: unknown): AuditRow {
  const around = properties(row)
  const inside = properties(parsed(around.auditdata))
  const read = auditRow.safeParse({
    ...inside,
    operation: inside.operation ?? around.operations,
    userid: inside.userid ?? around.userids,
    creationtime: inside.creationtime ?? around.creationdate,
  })
  if (!read.success) return { kind: 'unreadable' }
  const { operation, userid: account, clientip: clientIp, resultstatus, id } = read.data
  const act = connectorActs.find((one) => one.toLowerCase() === operation.toLowerCase())
  if (!act || /^(false|failed|failure)$/i.test(resultstatus ?? '')) return { kind: 'other' }
  const parameters = parametersIn(read.data.parameters)
  const at = instantOf(read.data.creationtime)
  const object = read.data.objectid ?? objectNamedBy(parameters)
  // An act on nobody knows what would be overlooked, and overlooked is as good as "nothing happened".
  if (at === undefined || object === undefined) return { kind: 'unreadable' }
  const found: AuditedAct = { at, act, account, clientIp, object, parameters }
  return { kind: 'act', act: found, key: id ?? JSON.stringify(found) }
}

const totals = z.object({ resultindex: z.number().optional().catch(undefined), resultcount: whole })

/** Each row says how many there are in all; an index of -1 means that the search broke off. */
export function hasAllOfSearch(rows: readonly unknown[]): boolean {
  const { resultindex, resultcount = 0 } = totals.parse(properties(rows[0]))
  return resultindex !== -1 && resultcount <= rows.length
}

function parsed(data: unknown): unknown {
  if (typeof data !== 'string') return data
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

/** The log's times are UTC, and do not say so. */
function instantOf(time: string): Instant | undefined {
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`
  const ms = /^\d{4}-\d\d-\d\dT/.test(time) ? Date.parse(zoned) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

function parametersIn(value: unknown): AuditedAct['parameters'] {
  if (!Array.isArray(value)) return []
  return value.slice(0, mostParameters).flatMap((one) => {
    const { name, value: set } = properties(one)
    if (typeof name !== 'string') return []
    const words = asText(set) ?? several(set).map(asText).join(', ')
    return [{ name: name.slice(0, mostCharacters), value: words.slice(0, mostCharacters) }]
  })
}

/** What an act was done to, where only its parameters say so. */
const objectNamedBy = (parameters: AuditedAct['parameters']): string | undefined =>
  ['connectorid', 'identity', 'name']
    .map((wanted) => parameters.find(({ name }) => name.toLowerCase() === wanted)?.value)
    .find((value) => value !== undefined && value !== '')

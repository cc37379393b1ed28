import type { Instant } from '../clock.js'
import { type AuditedAct, connectorActs } from '../incident/evidence.js'
import { hasAllOfSearch, readAudit } from './audit-row.js'
import { readConnector } from './connector-row.js'
import type { Exchange, ReadFailure } from './exchange.js'
import type { Command } from './invoke-command.js'
import type { Rows } from './paged-read.js'
import { asText, flag, properties } from './properties.js'
import { saysThereIsMore } from './warnings.js'

/** Reads a cmdlet of Exchange to its end, keeping of each row what is wanted. */
export type ReadEvidence = <Row>(
  command: Command,
  keep: (row: unknown) => Row,
) => Promise<Rows<Row> | ReadFailure>

type Reads = Pick<Exchange, 'inboundConnectors' | 'connectorAudit' | 'traffic' | 'auditing'>

/** The most rows that a search of the audit log or a trace gives at once. */
const mostRows = 5_000

const whole = (row: unknown): unknown => row

/** What is asked of Exchange itself so that people can decide. */
export const createEvidenceReads = (read: ReadEvidence, newId: () => string): Reads => ({
  async inboundConnectors() {
    const answer = await read({ name: 'Get-InboundConnector' }, readConnector)
    if (!answer.ok) return answer
    const connectors = answer.rows.filter((connector) => connector !== undefined)
    const complete = connectors.length === answer.rows.length && !answer.warnings.some(saysThereIsMore)
    // A list that changes while its pages are read can show a row twice.
    return { ok: true, connectors: [...new Map(connectors.map((one) => [one.id, one])).values()], complete }
  },

  async connectorAudit(from, until) {
    const answer = await read(auditSearch(from, until, newId()), whole)
    return answer.ok ? actsIn(answer) : answer
  },

  async traffic(ip, from, until) {
    const answer = await read(traceOf(ip, from, until), statusOf)
    if (!answer.ok) return answer
    const { rows, warnings } = answer
    const isCut = rows.length >= mostRows || warnings.some(saysThereIsMore)
    const counts = {
      messages: rows.length,
      spam: rows.filter((status) => status !== undefined && spamStatuses.includes(status)).length,
      // Who knows what a message without a status was.
      atLeast: isCut || rows.includes(undefined),
    }
    return { ok: true, counts }
  },

  async auditing() {
    const answer = await read({ name: 'Get-AdminAuditLogConfig' }, ingestionOf)
    if (!answer.ok) return answer
    const [on] = answer.rows
    return on === undefined ? unreadableConfig : { ok: true, on }
  },
})

/** One search with an id of its own: with another's id Exchange would go on where that one ended. */
const auditSearch = (from: Instant, until: Instant, sessionId: string): Command => ({
  name: 'Search-UnifiedAuditLog',
  parameters: {
    StartDate: from,
    EndDate: until,
    Operations: connectorActs,
    ResultSize: mostRows,
    SessionCommand: 'ReturnLargeSet',
    SessionId: sessionId,
  },
})

/** A search that returns a large set returns it unsorted, and an entry of it perhaps twice. */
function actsIn({ rows, warnings }: Rows<unknown>): { ok: true; acts: AuditedAct[]; complete: boolean } {
  const read = rows.map(readAudit)
  const acts = new Map(read.flatMap((row) => (row.kind === 'act' ? [[row.key, row.act]] : [])))
  const complete =
    !read.some(({ kind }) => kind === 'unreadable') &&
    rows.length < mostRows &&
    hasAllOfSearch(rows) &&
    !warnings.some(saysThereIsMore)
  return {
    ok: true,
    acts: [...acts.values()].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0)),
    complete,
  }
}

const traceOf = (ip: string, from: Instant, until: Instant): Command => ({
  name: 'Get-MessageTraceV2',
  parameters: { FromIP: ip, StartDate: from, EndDate: until, ResultSize: mostRows },
})

/** Put into Junk, or held back altogether, as the worst of it is under Microsoft's preset policies. */
const spamStatuses = ['filteredasspam', 'quarantined']

/** All that is taken from a trace: who wrote to whom, and about what, goes no further than this. */
const statusOf = (row: unknown): string | undefined => asText(properties(row).status)?.toLowerCase()

const ingestionOf = (row: unknown): boolean | undefined =>
  flag.parse(properties(row).unifiedauditlogingestionenabled)

const unreadableConfig: ReadFailure = {
  ok: false,
  code: 'unreadable',
  message: "Exchange's answer to Get-AdminAuditLogConfig does not say whether audit logging is on",
  retryable: true,
}

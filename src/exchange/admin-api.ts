import { setMaxListeners } from 'node:events'
import type { Restriction } from '../incident/incident.js'
import type { Log } from '../log.js'
import { BackOff } from './back-off.js'
import { complianceService, createAlertPolicyRead } from './compliance.js'
import type { Connection } from './connection.js'
import { createEvidenceReads, type ReadEvidence } from './evidence.js'
import { beingStopped, type Exchange, type ReadFailure, type RestrictedList } from './exchange.js'
import { type Command, createInvokeCommand } from './invoke-command.js'
import { createPagedRead, type PagedRead, type Rows, type Send } from './paged-read.js'
import { propertyNames } from './properties.js'
import { createRemoval } from './removal.js'
import { type Failure, stopped, type Verdict } from './reply.js'
import { readRestriction } from './restriction-row.js'
import { exchangeEndpoint, exchangeService } from './service.js'
import { Turns } from './turns.js'
import { createWarningLog, saysThereIsMore } from './warnings.js'

/**
 * Exchange over the admin API's `InvokeCommand`. At most two requests of a tenant run at once: one for the
 * restricted list, and one for everything else. No read is tried again in here, but for one renewal of a token
 * that was not accepted; a removal is sent once, whatever becomes of it, and goes before all reads that wait.
 */
export function createAdminApi(connection: Connection): Exchange {
  const { clock, log, newId, tenantId, tokens } = connection
  const ending = new AbortController()
  // As many listen as reads wait, and that is no leak.
  setMaxListeners(0, ending.signal)
  const backOff = new BackOff(clock)
  const warn = createWarningLog(log, tenantId)
  const invoke = createInvokeCommand(connection, ending.signal, ({ name }, verdict) => {
    if (verdict.ok) warn(name, verdict.warnings)
    hear(backOff, verdict)
  })
  const listTurns = new Turns()
  const turns = new Turns()

  function learn({ name: cmdlet }: Command, answer: { ok: true } | ReadFailure): void {
    if (!backOff.learn(cmdlet, answer) || answer.ok) return
    const { code, message, requestId, clientRequestId } = answer
    log.warn({ tenantId, cmdlet, code, message, requestId, clientRequestId }, 'evidence could not be read')
  }

  /**
   * A turn ends with the request, not with the last page, so that an unblock never waits longer than one request
   * takes. Nothing is lost by that: a read goes on from page to page, whatever else is asked in between.
   */
  const inTurn =
    (send: Send): Send =>
    async (command, address) => {
      const endTurn = await turns.take({ unless: ending.signal })
      if (!endTurn) return stopped
      try {
        // While this one waited, another may have found out that asking is of no use.
        const failure = backOff.instead(command.name)
        if (failure) return { ok: false, failure, nothingDone: true }
        const verdict = await send(command, address)
        if (!verdict.ok && !isTriedOnceMore(verdict)) learn(command, verdict.failure)
        return verdict
      } finally {
        endTurn()
      }
    }

  const evidenceOf =
    (pages: PagedRead): ReadEvidence =>
    async (command, keep) => {
      const known = backOff.instead(command.name)
      if (known) return known
      const answer = await pages.read(command, keep)
      learn(command, answer)
      return answer
    }

  const exchange = exchangeService(connection)
  const list = createPagedRead(exchange, tokens, invoke.send)
  const toList = createListReader(log)
  const sendInTurn = inTurn(invoke.send)
  const evidence = createPagedRead(exchange, tokens, sendInTurn)
  const compliance = createPagedRead(complianceService(connection, inTurn(invoke.look)), tokens, sendInTurn)

  return {
    async restricted() {
      const endTurn = await listTurns.take({ unless: ending.signal })
      if (!endTurn) return beingStopped
      try {
        const answer = await list.read({ name: 'Get-BlockedConnector' }, asSent)
        return answer.ok ? toList(answer) : answer
      } finally {
        endTurn()
      }
    },
    readyRemoval: createRemoval(connection, invoke, {
      endpoint: () => list.endpoint() ?? exchangeEndpoint(connection),
      turns,
      stop: ending.signal,
    }),
    ...createEvidenceReads(evidenceOf(evidence), newId),
    alertPolicy: createAlertPolicyRead(evidenceOf(compliance)),
    hurry: () => backOff.hurry(),
    stop: () => ending.abort(),
  }
}

/** Whatever was asked, and whatever came of it: a reply may tell us to stay away for a while. */
function hear(backOff: BackOff, verdict: Verdict): void {
  if (!verdict.ok) return backOff.heard(verdict.failure.retryAfterMs, verdict.failure)
  backOff.answered()
  backOff.heard(verdict.retryAfterMs)
}

/** With another token, or in another place: only what comes of that counts. */
const isTriedOnceMore = (verdict: Failure): boolean =>
  verdict.failure.code === 'credentials' || 'redirectedTo' in verdict

const asSent = (row: unknown): unknown => row

/** Says once, until a read is whole again, why a read of restrictions is not. */
function createListReader(log: Log): (answer: Rows<unknown>) => RestrictedList {
  let told = false
  return ({ rows, warnings }) => {
    const read = rows.map(readRestriction)
    const unread = rows.find((_, at) => read[at] === undefined)
    const complete = unread === undefined && !warnings.some(saysThereIsMore)
    if (!complete && !told)
      log.warn(
        { cmdlet: 'Get-BlockedConnector', properties: propertyNames(unread), warnings: warnings.slice(0, 3) },
        'The list of restricted connectors could not be read completely: nothing counts as unblocked until it can',
      )
    told = !complete
    const restrictions = withoutRepeats(read.filter((row) => row !== undefined))
    const list: RestrictedList = { ok: true, rows: restrictions, complete }
    return unread === undefined ? list : { ...list, unreadable: propertyNames(unread) }
  }
}

/** A list that changes while its pages are read can show a row twice: the later one is the newer. */
const withoutRepeats = (rows: Restriction[]): Restriction[] => [
  ...new Map(rows.map((row) => [row.connectorId, row])).values(),
]

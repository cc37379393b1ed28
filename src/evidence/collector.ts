import { type Clock, hourMs, type Instant, later, secondMs, within } from '../clock.js'
import type { EvidenceReads, ReadFailure } from '../exchange/exchange.js'
import type { AuditTrail, Evidence, InboundConnector, Piece, Traffic } from '../incident/evidence.js'
import type { Incident } from '../incident/incident.js'
import type { Log } from '../log.js'
import { trailOf } from './audit-trail.js'
import { changesOf, namesIn } from './connector-history.js'
import { type ConnectorRead, connectorIn } from './connector-watch.js'
import { SharedReads } from './shared-reads.js'
import { trafficOf } from './traffic.js'

interface CollectorParts {
  readsOf: (tenant: string) => EvidenceReads
  clock: Clock
  log: Log
}

const auditDays = 14
const longestWaitMs = 45 * secondMs

/**
 * Collects the pieces of evidence on an incident's connector. A read that fails is a piece that was not collected, with
 * the cause, and never looks like nothing was found.
 */
export class Collector {
  readonly #shared: SharedReads

  constructor(private readonly parts: CollectorParts) {
    this.#shared = new SharedReads(parts.clock)
  }

  /** @param read how the connectors look, read a moment ago */
  async collect(incident: Incident, read: ConnectorRead): Promise<Evidence> {
    const { clock } = this.parts
    const reads = this.parts.readsOf(incident.tenant)
    const at = clock.now()
    const inTime = <Value>(work: Promise<Piece<Value>>) =>
      within(clock, longestWaitMs, work, tooLate<Value>(at))
    const onAuditing = this.#piece(
      incident,
      'auditing',
      () => reads.auditing(),
      ({ on }) => ({ on }),
    )
    const onPolicy = this.#piece(
      incident,
      'alertPolicy',
      () => reads.alertPolicy(),
      ({ policy }) => policy,
    )
    const [audit, auditing, alertPolicy, traffic] = await Promise.all([
      inTime(this.trail(incident, read, reasonsOf(incident))),
      inTime(onAuditing),
      inTime(onPolicy),
      inTime(this.#traffic(incident, read)),
    ])
    const { connectorId } = incident.restriction
    const connector = connectorPiece(read, connectorId, at)
    return { connector, changes: changesPiece(read, connectorId, at), audit, auditing, alertPolicy, traffic }
  }

  /**
   * What the audit log has on the connector, under every name that it has or had.
   * @param ourReasons of the bot's own removals, which are left out
   */
  async trail(
    incident: Incident,
    read: ConnectorRead,
    ourReasons: readonly string[],
  ): Promise<Piece<AuditTrail>> {
    const until = this.parts.clock.now()
    const from = later(until, -auditDays * 24 * hourMs)
    const { connectorId, connectorName } = incident.restriction
    const names = [connectorId, connectorName ?? '', ...(read.ok ? namesIn(read, connectorId) : [])]
    return this.#piece(
      incident,
      'connectorAudit',
      () => this.parts.readsOf(incident.tenant).connectorAudit(from, until),
      (answer) => trailOf({ ...answer, from }, names, ourReasons),
    )
  }

  async #traffic(incident: Incident, read: ConnectorRead): Promise<Piece<Traffic>> {
    const at = this.parts.clock.now()
    if (!read.ok) return { collected: false, at, cause: `The connector could not be read: ${read.message}` }
    const connector = connectorIn(read, incident.restriction.connectorId)
    const reads = this.parts.readsOf(incident.tenant)
    const result = await trafficOf(connector, (ip, from) => reads.traffic(ip, from, at), at)
    if (result.ok) return { collected: true, at, found: result.traffic }
    if (result.failure) this.#logFailure(incident, 'traffic', result.failure)
    return { collected: false, at, cause: result.cause }
  }

  /** One read as a piece of evidence; incidents of one tenant that are looked into together share it. */
  async #piece<Answer extends { ok: true }, Value>(
    incident: Incident,
    what: string,
    ask: () => Promise<Answer | ReadFailure>,
    found: (answer: Answer) => Value,
  ): Promise<Piece<Value>> {
    const { at, answer } = await this.#shared.ask(`${incident.tenant} ${what}`, ask)
    if (answer.ok) return { collected: true, at, found: found(answer) }
    this.#logFailure(incident, what, answer)
    return { collected: false, at, cause: answer.message }
  }

  #logFailure({ tenant }: Incident, what: string, failure: ReadFailure): void {
    const { code, message, requestId, clientRequestId } = failure
    this.parts.log.warn(
      { tenant, what, code, message, requestId, clientRequestId },
      'evidence could not be collected',
    )
  }
}

/** What Exchange was told with each removal of this incident: by that the audit log's entries are known as ours. */
export const reasonsOf = ({ history }: Incident): string[] =>
  history.flatMap(({ event }) => (event.type === 'removalStarted' ? [event.reason] : []))

function connectorPiece(read: ConnectorRead, id: string, at: Instant): Piece<InboundConnector | undefined> {
  if (!read.ok) return { collected: false, at, cause: read.message }
  const found = connectorIn(read, id)
  if (found || read.complete) return { collected: true, at: read.at, found }
  return { collected: false, at: read.at, cause: 'Part of the list of connectors cannot be read' }
}

function changesPiece(read: ConnectorRead, id: string, at: Instant): Evidence['changes'] {
  if (!read.ok) return { collected: false, at, cause: read.message }
  return read.history
    ? { collected: true, at: read.at, found: changesOf(read.history, id) }
    : { collected: false, at: read.at, cause: 'The readings that were kept are not to be had; see the log' }
}

const tooLate = <Value>(at: Instant): Piece<Value> => ({
  collected: false,
  at,
  cause: `There was no answer within ${longestWaitMs / secondMs} seconds`,
})

import { createHash } from 'node:crypto'
import { type Clock, elapsedMs, hourMs, type Instant, later, secondMs, within } from '../clock.js'
import type { Desk } from '../desk.js'
import type { EvidenceReads, ReadFailure } from '../exchange/exchange.js'
import type { SystemCommand } from '../incident/commands.js'
import type { EvidenceState } from '../incident/due-evidence.js'
import type { AuditTrail, Evidence, InboundConnector, Piece, Traffic } from '../incident/evidence.js'
import { type Incident, isFinal } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Store } from '../store/store.js'
import type { WorkResult } from '../work/removal.js'
import { lastEditor, namesOf, removalByOther, trailOf } from './audit-trail.js'
import { changesOf, wasSeen } from './connector-history.js'
import type { ConnectorRead, ConnectorWatch } from './connector-watch.js'
import { decisiveChanges, fingerprintOf, missingConnector } from './fingerprint.js'
import { SharedReads } from './shared-reads.js'
import { trafficOf } from './traffic.js'

/** What of one watched tenant is looked into. */
export interface InvestigatedTenant {
  exchange: EvidenceReads
  connectors: ConnectorWatch
}

/** Looks up the object id of an account in the home tenant; undefined where it is nobody's there. */
export type LookUpAccount = (account: string) => Promise<{ ok: true; id: string | undefined } | { ok: false }>

interface InvestigatorParts {
  desk: Desk
  store: Store
  tenantOf: (name: string) => InvestigatedTenant
  lookUp: LookUpAccount
  clock: Clock
  log: Log
}

/** Whether the connector could just be read, and what it is like. */
export type ConnectorLook = { ok: true; fingerprint: string } | { ok: false; message: string }

interface Found {
  askedAt: Instant
  evidence: Evidence
}

type Explanation = Omit<Extract<SystemCommand, { verb: 'explainEnd' }>, 'verb'>

const auditDays = 14
/** A little longer than the plan of looks after an end. */
const explainedForMs = 26 * hourMs
const longestGatherMs = 45 * secondMs
/** Somebody who keeps pressing Refresh must not keep Exchange busy. */
const notAgainForMs = 30 * secondMs

/**
 * Finds out what people need to decide: what the connector is like, how it has changed and by whom, and what went
 * through it. What it finds is kept in memory and shown; what a decision rests on goes to the desk, and so into the
 * record. A read that fails is a piece that was not collected, and never looks like nothing was found.
 */
export class Investigator {
  readonly #found = new Map<number, Found>()
  readonly #wanted = new Set<number>()
  readonly #explained = new Map<number, Instant>()
  readonly #shared: SharedReads

  constructor(private readonly parts: InvestigatorParts) {
    this.#shared = new SharedReads(parts.clock)
  }

  /** What was found out about an incident so far; undefined until something was. */
  of({ number }: Pick<Incident, 'number'>): Evidence | undefined {
    return this.#found.get(number)?.evidence
  }

  stateOf(incident: Incident): EvidenceState {
    const { number } = incident
    if (isFinal(incident)) {
      this.#found.delete(number)
      return { askedAt: this.#explained.get(number) }
    }
    const wanted = this.#wanted.has(number)
    const found = this.#found.get(number)
    if (!found) return { wanted }
    return { askedAt: found.askedAt, mark: markOf(found.evidence), wanted }
  }

  /** When Exchange was last asked what the connector is like; undefined if it has not been since the start. */
  askedAt({ number }: Pick<Incident, 'number'>): Instant | undefined {
    return this.#found.get(number)?.askedAt
  }

  /** Somebody looks at it, or wants to decide: everything is asked for anew, unless it just was. */
  async refresh({ number }: Pick<Incident, 'number'>): Promise<void> {
    const { store, clock } = this.parts
    const askedAt = this.askedAt({ number })
    if (askedAt !== undefined && elapsedMs(askedAt, clock.now()) < notAgainForMs) return
    this.#wanted.add(number)
    await store.touch(number)
  }

  /** Collects everything about an incident that is not over. */
  async gather(incident: Incident): Promise<WorkResult> {
    const { store, clock } = this.parts
    const { number, tenant } = incident
    this.#wanted.delete(number)
    const askedAt = clock.now()
    const read = await this.parts.tenantOf(tenant).connectors.read()
    if (read.ok) await this.#see(incident, read)
    const evidence = await this.#collect(incident, read, askedAt)
    this.#found.set(number, { askedAt, evidence })
    if (evidence.audit.collected) await this.#nameEditor(incident, evidence.audit.found)
    await store.touch(number)
    return 'done'
  }

  /**
   * Finds out what took connectors off the list that nobody here unblocked: of this incident, and of all others of the
   * tenant for which the same answers will do.
   */
  async explain({ tenant }: Incident): Promise<WorkResult> {
    const { desk, store, clock } = this.parts
    const now = clock.now()
    const ended = await store.endedBetween(later(now, -explainedForMs), later(now, 1))
    const unexplained = ended.filter((one) => one.tenant === tenant && isUnexplained(one))
    const read = await this.parts.tenantOf(tenant).connectors.read()
    for (const incident of unexplained) {
      const { number } = incident
      this.#explained.set(number, now)
      const found = await this.#whyItEnded(incident, read)
      // Nothing found is no answer yet: it sleeps until the next planned look.
      if (found) await desk.act(number, { verb: 'explainEnd', ...found })
      else await store.touch(number)
    }
    return 'done'
  }

  async #whyItEnded(incident: Incident, read: ConnectorRead): Promise<Explanation | undefined> {
    if (read.ok && isGone(incident, read)) return { cause: 'connectorGone' }
    const connector = read.ok ? connectorIn(read, incident.restriction.connectorId) : undefined
    const audit = await this.#trail(incident, connector)
    const act = audit.collected ? removalByOther(audit.found, incident.openedAt) : undefined
    return act && { cause: 'removedByOther', removedBy: { account: act.account, at: act.at } }
  }

  /** What the connector is like at this moment, for the last check before a removal. */
  async look(incident: Incident): Promise<ConnectorLook> {
    const read = await this.parts.tenantOf(incident.tenant).connectors.read({ fresh: true })
    if (!read.ok) return { ok: false, message: read.message }
    if (!read.complete) return { ok: false, message: 'Part of the list of connectors cannot be read' }
    return { ok: true, fingerprint: await this.#see(incident, read) }
  }

  /** Tells the desk what the connector is like; one that is missing from a list with gaps tells nothing. */
  async #see(incident: Incident, read: Extract<ConnectorRead, { ok: true }>): Promise<string> {
    const { connectorId } = incident.restriction
    const connector = connectorIn(read, connectorId)
    const fingerprint = fingerprintOf(connector)
    if (fingerprint === missingConnector && !read.complete) return fingerprint
    const known = incident.connector?.fingerprint
    if (known === fingerprint) return fingerprint
    const before = read.history && versionWith(read.history.versions[connectorId], known)
    const changed = connector && before ? decisiveChanges(before, connector) : []
    await this.parts.desk.act(incident.number, { verb: 'seeConnector', fingerprint, changed })
    return fingerprint
  }

  async #collect(incident: Incident, read: ConnectorRead, at: Instant): Promise<Evidence> {
    const { clock } = this.parts
    const { exchange } = this.parts.tenantOf(incident.tenant)
    const { connectorId } = incident.restriction
    const connector = read.ok ? connectorIn(read, connectorId) : undefined
    const inTime = <Value>(work: Promise<Piece<Value>>) =>
      within(clock, longestGatherMs, work, late<Value>(at))
    const [audit, auditing, alertPolicy, traffic] = await Promise.all([
      inTime(this.#trail(incident, connector)),
      inTime(
        this.#piece(
          incident,
          'auditing',
          () => exchange.auditing(),
          ({ on }) => ({ on }),
        ),
      ),
      inTime(
        this.#piece(
          incident,
          'alertPolicy',
          () => exchange.alertPolicy(),
          ({ policy }) => policy,
        ),
      ),
      inTime(this.#traffic(incident, connector, read)),
    ])
    return {
      connector: connectorPiece(read, connectorId, at),
      changes: changesPiece(read, connectorId, at),
      audit,
      auditing,
      alertPolicy,
      traffic,
    }
  }

  async #trail(incident: Incident, connector: InboundConnector | undefined): Promise<Piece<AuditTrail>> {
    const { clock } = this.parts
    const until = clock.now()
    const from = later(until, -auditDays * 24 * hourMs)
    const { exchange } = this.parts.tenantOf(incident.tenant)
    const names = namesOf(incident.restriction.connectorId, connector, incident.restriction.connectorName)
    return this.#piece(
      incident,
      'connectorAudit',
      () => exchange.connectorAudit(from, until),
      (answer) => trailOf({ ...answer, from }, names, incident.removal?.reason),
    )
  }

  async #traffic(
    incident: Incident,
    connector: InboundConnector | undefined,
    read: ConnectorRead,
  ): Promise<Piece<Traffic>> {
    const at = this.parts.clock.now()
    if (!read.ok) return { collected: false, at, cause: `The connector could not be read: ${read.message}` }
    const { exchange } = this.parts.tenantOf(incident.tenant)
    const result = await trafficOf(connector, (ip, from) => exchange.traffic(ip, from, at), at)
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
    const { code, message, requestId } = failure
    this.parts.log.warn({ tenant, what, code, message, requestId }, 'evidence could not be collected')
  }

  async #nameEditor(incident: Incident, trail: AuditTrail): Promise<void> {
    const act = lastEditor(trail, incident.openedAt)
    if (!act) return
    const known = incident.editor
    if (known && known.account === act.account && known.at === act.at && known.id !== undefined) return
    // Apps and Microsoft's own services have names that no person has.
    const looked = act.account.includes('@') ? await this.parts.lookUp(act.account) : undefined
    const id = looked?.ok ? looked.id : undefined
    await this.parts.desk.act(incident.number, {
      verb: 'nameEditor',
      editor: { account: act.account, at: act.at, ...(id === undefined ? {} : { id }) },
    })
  }
}

const isUnexplained = ({ status, ended }: Incident): boolean =>
  status === 'cleared' && ended?.cause === 'unknown' && !ended.replaced

const connectorIn = (read: Extract<ConnectorRead, { ok: true }>, id: string): InboundConnector | undefined =>
  read.connectors.find((connector) => connector.id === id)

/** Only what was there before can be gone: that ids of the two lists are the same is an assumption. */
function isGone({ restriction, connector }: Incident, read: Extract<ConnectorRead, { ok: true }>): boolean {
  const { connectorId } = restriction
  if (!read.complete || connectorIn(read, connectorId)) return false
  const wasThere = connector !== undefined && connector.fingerprint !== missingConnector
  return wasThere || wasSeen(read.history, connectorId)
}

function versionWith(
  versions: { is?: InboundConnector | undefined }[] | undefined,
  fingerprint: string | undefined,
): InboundConnector | undefined {
  return versions?.findLast(({ is }) => is !== undefined && fingerprintOf(is) === fingerprint)?.is
}

function connectorPiece(read: ConnectorRead, id: string, at: Instant): Evidence['connector'] {
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

const late = <Value>(at: Instant): Piece<Value> => ({
  collected: false,
  at,
  cause: `Exchange did not answer within ${longestGatherMs / secondMs} seconds`,
})

/** The same as long as people would see nothing new: not what time it is, and not each single message. */
function markOf(evidence: Evidence): string {
  const { traffic, audit, ...others } = evidence
  const shown = [
    ...Object.values(others).map((piece) => (piece.collected ? [piece.found] : piece.cause)),
    traffic.collected ? roughly(traffic.found) : traffic.cause,
    // Where the search began moves with the clock.
    audit.collected ? { ...audit.found, from: undefined } : audit.cause,
  ]
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16)
}

const roughly = ({ counts, ...traffic }: Traffic) => ({
  ...traffic,
  messages: Math.round(Math.log2(counts.messages + 1)),
  spam: Math.round(Math.log2(counts.spam + 1)),
})

import { createHash } from 'node:crypto'
import { type Clock, hourMs, type Instant, isRecent, later, secondMs } from '../clock.js'
import type { Desk } from '../desk.js'
import type { EvidenceReads } from '../exchange/exchange.js'
import type { EvidenceState } from '../incident/due-evidence.js'
import { blockedSince } from '../incident/episode.js'
import type { AuditTrail, Evidence, InboundConnector, Piece, Traffic } from '../incident/evidence.js'
import { type Incident, isFinal } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Store } from '../store/store.js'
import type { WorkResult } from '../work/removal.js'
import { lastEditor } from './audit-trail.js'
import { Collector } from './collector.js'
import { type ConnectorWatch, connectorIn, type GoodReading } from './connector-watch.js'
import { explanationOf, isUnexplained, ownReasons, unexplainedIn } from './ended.js'
import { decisiveChanges, fingerprintOf, missingConnector } from './fingerprint.js'

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
  /** Names of the watched tenants. */
  tenants: readonly string[]
  tenantOf: (name: string) => InvestigatedTenant
  lookUp: LookUpAccount
  clock: Clock
  log: Log
}

/** Whether the connector could just be read, and what it is like. */
export type ConnectorLook = { ok: true; fingerprint: string } | { ok: false; message: string }

/** Somebody who keeps pressing Refresh must not keep Exchange busy. */
const notAgainForMs = 30 * secondMs
/** Longer than any plan of looks. */
const neverAgainMs = 1_000 * hourMs

/**
 * Finds out what people need to decide: what the connector is like, how it has changed and by whom, and what went
 * through it. What it finds is kept in memory and shown; what a decision rests on goes to the desk, and so into the
 * record.
 */
export class Investigator {
  readonly #found = new Map<number, { askedAt: Instant; evidence: Evidence }>()
  readonly #wanted = new Set<number>()
  readonly #explained = new Map<number, Instant>()
  readonly #collector: Collector

  constructor(private readonly parts: InvestigatorParts) {
    const { clock, log, tenantOf } = parts
    this.#collector = new Collector({ readsOf: (tenant) => tenantOf(tenant).exchange, clock, log })
  }

  /** What was found out about an incident so far; undefined until something was. */
  of({ number }: Pick<Incident, 'number'>): Evidence | undefined {
    return this.#found.get(number)?.evidence
  }

  /** When Exchange was last asked what the connector is like; undefined if it has not been since the start. */
  askedAt({ number }: Pick<Incident, 'number'>): Instant | undefined {
    return this.#found.get(number)?.askedAt
  }

  stateOf(incident: Incident): EvidenceState {
    const { number } = incident
    if (isFinal(incident)) {
      this.#forget(incident)
      return { askedAt: this.#explained.get(number) }
    }
    const wanted = this.#wanted.has(number)
    const found = this.#found.get(number)
    return found ? { askedAt: found.askedAt, mark: markOf(found.evidence), wanted } : { wanted }
  }

  /** Somebody looks at it, or wants to decide: everything is asked for anew, unless it just was. */
  async refresh(incident: Incident): Promise<void> {
    const { store, clock } = this.parts
    const askedAt = this.askedAt(incident)
    if (isFinal(incident) || (askedAt !== undefined && isRecent(askedAt, clock.now(), notAgainForMs))) return
    this.#wanted.add(incident.number)
    await store.touch(incident.number)
  }

  /** Collects everything about an incident that is not over. */
  async gather(incident: Incident): Promise<WorkResult> {
    const { store, clock } = this.parts
    const { number, tenant } = incident
    const { exchange, connectors } = this.parts.tenantOf(tenant)
    if (this.#wanted.delete(number)) exchange.hurry()
    const askedAt = clock.now()
    const read = await connectors.read()
    if (read.ok) await this.#see(incident, read)
    const evidence = await this.#collector.collect(incident, read)
    this.#found.set(number, { askedAt, evidence })
    if (evidence.audit.collected) await this.#nameEditor(incident, evidence.audit.found)
    await store.touch(number)
    return 'done'
  }

  /**
   * Finds out what took connectors off the list that nobody here unblocked: of this incident, and of all others of the
   * tenant for which the same answers will do.
   */
  async explain({ number, tenant }: Incident): Promise<WorkResult> {
    const { desk, store, clock } = this.parts
    const now = clock.now()
    if (!this.parts.tenants.includes(tenant)) {
      // Nobody can look there any more; its name has left the settings.
      this.#explained.set(number, later(now, neverAgainMs))
      await store.touch(number)
      return 'done'
    }
    const connectors = await this.parts.tenantOf(tenant).connectors.read()
    const unexplained = await unexplainedIn(tenant, store, clock)
    for (const incident of unexplained) this.#explained.set(incident.number, now)
    for (const incident of unexplained) {
      const audit = await this.#collector.trail(incident, connectors, await ownReasons(incident, store))
      const found = explanationOf(incident, { connectors, audit }, now)
      // Nothing found is no answer yet: it sleeps until the next planned look.
      if (found) await desk.act(incident.number, { verb: 'explainEnd', ...found })
      else await store.touch(incident.number)
    }
    return 'done'
  }

  /** What the connector is like at this moment, for the last check before a removal. */
  async look(incident: Incident): Promise<ConnectorLook> {
    const { exchange, connectors } = this.parts.tenantOf(incident.tenant)
    exchange.hurry()
    const read = await connectors.read({ fresh: true })
    if (!read.ok) return { ok: false, message: read.message }
    if (!read.complete && !connectorIn(read, incident.restriction.connectorId))
      return { ok: false, message: 'Part of the list of connectors cannot be read' }
    return { ok: true, fingerprint: await this.#see(incident, read) }
  }

  /** A reading that was made for whatever reason: a change in it concerns every open incident of that connector. */
  async noticed(tenant: string, reading: GoodReading): Promise<void> {
    for (const incident of await this.parts.store.open(tenant)) await this.#see(incident, reading)
  }

  /** Tells the desk what the connector is like; one that is missing from a list with gaps tells nothing. */
  async #see(incident: Incident, read: GoodReading): Promise<string> {
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

  async #nameEditor(incident: Incident, trail: AuditTrail): Promise<void> {
    const act = lastEditor(trail, blockedSince(incident))
    if (!act) return
    const { account, at } = act
    const known = incident.editor
    if (known && known.account === account && known.at === at && known.id !== undefined) return
    await this.parts.desk.act(incident.number, {
      verb: 'nameEditor',
      editor: { account, at, ...(await this.#whose(account)) },
    })
  }

  /** Apps and Microsoft's own services have names that no person has. */
  async #whose(account: string): Promise<{ id?: string; notLookedUp?: true }> {
    if (!account.includes('@')) return {}
    const looked = await this.parts.lookUp(homeAccountOf(account))
    if (!looked.ok) return { notLookedUp: true }
    return looked.id === undefined ? {} : { id: looked.id }
  }

  /** What is over is shown without evidence. */
  #forget(incident: Incident): void {
    this.#found.delete(incident.number)
    this.#wanted.delete(incident.number)
    if (!isUnexplained(incident)) this.#explained.delete(incident.number)
  }
}

/** A guest of another tenant is written `name_home.com#EXT#@there`: at home that is `name@home.com`. */
const homeAccountOf = (account: string): string => account.replace(/_([^_]+)#EXT#@.*$/i, '@$1')

function versionWith(
  versions: { is?: InboundConnector | undefined }[] | undefined,
  fingerprint: string | undefined,
): InboundConnector | undefined {
  return versions?.findLast(({ is }) => is !== undefined && fingerprintOf(is) === fingerprint)?.is
}

/** The same as long as people would see nothing new: not what time it is, and not each single message. */
function markOf(evidence: Evidence): string {
  const { traffic, audit, ...others } = evidence
  const shown = [
    ...Object.values(others).map((piece) => (piece.collected ? [piece.found] : causeOf(piece))),
    traffic.collected ? roughly(traffic.found) : causeOf(traffic),
    // Where the search began moves with the clock.
    audit.collected ? { ...audit.found, from: undefined } : causeOf(audit),
  ]
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16)
}

/** A failure that is remembered says from when on it is asked again; that alone is no news. */
const causeOf = ({ cause }: Extract<Piece<unknown>, { collected: false }>): string =>
  cause.replace(/ \(since [^)]*\)$/, '')

const roughly = ({ counts, ...traffic }: Traffic) => ({
  ...traffic,
  messages: Math.round(Math.log2(counts.messages + 1)),
  spam: Math.round(Math.log2(counts.spam + 1)),
})

import { type Clock, elapsedMs, secondMs } from '../clock.js'
import type { Desk } from '../desk.js'
import type { ConnectorLook } from '../evidence/investigator.js'
import { type Exchange, longestReason, oneLine, type Read } from '../exchange/exchange.js'
import { isSameEpisode } from '../incident/episode.js'
import { codeOf, type Incident, type Person } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Watcher } from '../watch/watcher.js'

/** What asking about a voter again can show; `unknown` when nobody could be asked just now. */
export type Standing = 'approver' | 'lost' | 'unknown'

/** Asks, without any cache, whether somebody is still an approver. */
export type AskStanding = (voter: Person, seenIn: string, tenant: string) => Promise<Standing>

/** Looks at what the connector is like just now, and has it recorded if that is news. */
export type LookAtConnector = (incident: Incident) => Promise<ConnectorLook>

export interface WatchedTenant {
  exchange: Exchange
  watcher: Watcher
}

/** `again`: nothing was settled, so the lane tries later. */
export type WorkResult = 'done' | 'again'

const hitchMs = 20 * secondMs

/** What Exchange is told with the removal; Microsoft's audit log shows the app, so the people are named here. */
export function removalReason(incident: Incident): string {
  const approvers = incident.votes.map(({ by }) => by.name).join(', ')
  const reasons = incident.votes.map(({ reason }) => reason).join('; ')
  const text = `${codeOf(incident)} approved by ${approvers} in Connector Warden: ${reasons}`
  // In the very form in which it is sent, so that the record and Exchange have the same words.
  return oneLine(text, longestReason)
}

/** Carries an approved incident out: the one place from which Exchange is told to remove a block. */
export class Removals {
  constructor(
    private readonly parts: {
      desk: Desk
      tenantOf: (name: string) => WatchedTenant
      standing: AskStanding
      lookAtConnector: LookAtConnector
      roleMapHash: () => Promise<string>
      newId: () => string
      clock: Clock
      log: Log
    },
  ) {}

  /**
   * In this order: a good read still lists this episode and the connector is as it was when it was approved, every
   * voter's role is asked again, the token is in hand, the intent is durable, Exchange is called at once, the answer is recorded. What fails before the
   * intent is tried again while the quorum lives; nothing after it is ever sent twice.
   */
  async remove(incident: Incident): Promise<WorkResult> {
    const { number, tenant } = incident
    const { desk, log, newId } = this.parts
    const { exchange, watcher } = this.parts.tenantOf(tenant)
    const { startedAt, result: list } = await watcher.readNow()
    // The read may have taken a while: what was approved then is not what has to be approved now.
    const approved = await desk.find(number)
    if (approved?.status !== 'approved') return 'done'
    if (!list.ok || !list.complete) return this.#heldUp(approved, whyUnread(list))
    const { connectorId } = approved.restriction
    const row = list.rows.find((listed) => listed.connectorId === connectorId)
    if (!row || !isSameEpisode(approved, row)) return 'again'

    const connector = await this.parts.lookAtConnector(approved)
    if (!connector.ok && approved.votes.some(({ fingerprint }) => fingerprint !== undefined))
      return this.#heldUp(approved, connector.message)

    const confirmed = await this.#confirmVoters(approved)
    if (confirmed === 'settled') return 'done'
    if (confirmed === 'unknown')
      return this.#heldUp(approved, 'Teams or Microsoft Entra cannot be asked about the approvers just now')

    const reason = removalReason(approved)
    const ready = await exchange.readyRemoval(connectorId, reason)
    if (!ready.ok) return this.#heldUp(approved, whyUnread(ready))
    try {
      const removal = newId()
      const listedInReadOf = startedAt
      const started = await desk.act(number, {
        verb: 'startRemoval',
        removal,
        reason,
        listedInReadOf,
        confirmed,
        fingerprint: connector.ok ? connector.fingerprint : undefined,
        roleMapHash: await this.parts.roleMapHash(),
      })
      if (!started.ok) return 'again'

      const outcome = await ready.removal.send()
      log.info({ incident: codeOf(approved), removal, outcome: outcome.kind }, 'removal sent')
      await desk.act(number, { verb: 'removalAnswered', removal, outcome })
      return 'done'
    } finally {
      ready.removal.release()
    }
  }

  /** Reads the list because by now it should show what became of a removal; says so if it cannot be read. */
  async verify({ number, tenant }: Incident): Promise<WorkResult> {
    const { result } = await this.parts.tenantOf(tenant).watcher.readNow()
    if (result.ok && result.complete) return 'done'
    const cause = whyUnread(result)
    if (cause) await this.parts.desk.act(number, { verb: 'heldUp', cause })
    return 'again'
  }

  /**
   * Takes over a removal whose sender is no more: it may or may not have reached Exchange, so it is never sent
   * again, and reading the list tells what became of it.
   */
  async adopt({ number, tenant, removal }: Incident): Promise<WorkResult> {
    if (!removal) return 'done'
    const cause = 'the bot was stopped, or could not write its record, before it noted an answer'
    await this.parts.desk.act(number, {
      verb: 'removalAnswered',
      removal: removal.id,
      outcome: { kind: 'unknown', cause },
    })
    await this.parts.tenantOf(tenant).watcher.readNow()
    return 'done'
  }

  /** A hitch of a few seconds is nobody's business; after that people want to know why nothing happens. */
  async #heldUp({ number, quorum }: Incident, cause: string | undefined): Promise<WorkResult> {
    const { clock, desk } = this.parts
    if (cause && quorum && elapsedMs(quorum.at, clock.now()) >= hitchMs)
      await desk.act(number, { verb: 'heldUp', cause })
    return 'again'
  }

  async #confirmVoters({ number, votes, tenant }: Incident): Promise<string[] | 'settled' | 'unknown'> {
    const standings = await Promise.all(
      votes.map(async ({ by, seenIn }) => ({ by, standing: await this.parts.standing(by, seenIn, tenant) })),
    )
    const lost = standings.find(({ standing }) => standing === 'lost')
    if (lost) {
      await this.parts.desk.act(number, { verb: 'roleLost', voter: lost.by })
      return 'settled'
    }
    if (standings.some(({ standing }) => standing === 'unknown')) return 'unknown'
    return standings.map(({ by }) => by.id)
  }
}

/** Why a read was of no use; that the bot is being stopped is no cause: the next start goes on. */
function whyUnread(result: Read['result']): string | undefined {
  if (result.ok) return 'Part of the list of restricted connectors cannot be read'
  return result.code === 'stopping' ? undefined : result.message
}

import type { Desk } from '../desk.js'
import type { Exchange } from '../exchange/exchange.js'
import { isSameEpisode } from '../incident/episode.js'
import { codeOf, type Incident, type Person } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Watcher } from '../watch/watcher.js'

/** What asking about a voter again can show; `unknown` when nobody could be asked just now. */
export type Standing = 'approver' | 'lost' | 'unknown'

/** Asks, without any cache, whether somebody is still an approver. */
export type AskStanding = (voter: Person, seenIn: string, tenant: string) => Promise<Standing>

export interface WatchedTenant {
  exchange: Exchange
  watcher: Watcher
}

/** `again`: nothing was settled, so the lane tries later. */
export type WorkResult = 'done' | 'again'

const longestReason = 500

/** What Exchange is told with the removal; Microsoft's audit log shows the app, so the people are named here. */
export function removalReason(incident: Incident): string {
  const approvers = incident.votes.map(({ by }) => by.name).join(', ')
  const reasons = incident.votes.map(({ reason }) => reason).join('; ')
  const text = `${codeOf(incident)} approved by ${approvers} in Connector Warden: ${reasons}`
  // Connector Warden's own line is one line, whatever people typed.
  return text
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, longestReason)
}

/** Carries an approved incident out: the one place from which Exchange is told to remove a block. */
export class Removals {
  constructor(
    private readonly parts: {
      desk: Desk
      tenantOf: (name: string) => WatchedTenant
      standing: AskStanding
      newId: () => string
      log: Log
    },
  ) {}

  /**
   * In this order: a good read still lists this episode, every voter's role is asked again, the token is in
   * hand, the intent is durable, Exchange is called at once, the answer is recorded. What fails before the
   * intent is tried again while the quorum lives; nothing after it is ever sent twice.
   */
  async remove(approved: Incident): Promise<WorkResult> {
    const { desk, log, newId } = this.parts
    const { exchange, watcher } = this.parts.tenantOf(approved.tenant)
    const { startedAt, result: list } = await watcher.readNow()
    if (!list.ok) return 'again'
    const row = list.rows.find(({ connectorId }) => connectorId === approved.restriction.connectorId)
    if (!row || !isSameEpisode(approved, row)) return 'again'

    const confirmed = await this.#confirmVoters(approved)
    if (confirmed === 'settled') return 'done'
    if (confirmed === 'unknown') return 'again'

    const reason = removalReason(approved)
    const ready = await exchange.readyRemoval(approved.restriction.connectorId, reason)
    if (!ready.ok) {
      log.warn(
        { incident: codeOf(approved), code: ready.code, message: ready.message },
        'not ready to remove',
      )
      return 'again'
    }
    const removal = newId()
    const started = await desk.act(approved.number, {
      verb: 'startRemoval',
      removal,
      reason,
      listedInReadOf: startedAt,
      confirmed,
    })
    if (!started.ok) return 'again'

    const outcome = await ready.removal.send()
    log.info({ incident: codeOf(approved), removal, outcome: outcome.kind }, 'removal sent')
    await desk.act(approved.number, { verb: 'removalAnswered', removal, outcome })
    return 'done'
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

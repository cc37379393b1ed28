import { readFile } from 'node:fs/promises'
import { elapsedMs, type Instant, minuteMs } from '../../src/clock.js'
import type { SimulatedTenant } from '../../src/exchange/simulated-tenant.js'

type Event = { type: string } & Record<string, unknown>
interface Line {
  at: Instant
  incident?: number
  by?: { id: string }
  events?: Event[]
}

interface Started {
  connectorId: string
  reason: string
}

const required = ['traffic', 'audit', 'revert', 'account']
const longestFromQuorumMs = 10 * minuteMs

/**
 * Whether everything that Exchange was asked to remove was allowed to be removed: told from the record's lines and
 * Exchange's own log alone, without any of the program's code for deciding it. Returns what is wrong.
 */
export async function unlawfulRemovals(journal: string, ...exchanges: SimulatedTenant[]): Promise<string[]> {
  const cases = new Map<number, PaperTrail>()
  const text = await readFile(journal, 'utf8')
  // A last line without its end was never acknowledged to anybody.
  for (const written of text.split('\n').slice(0, -1)) {
    const line = JSON.parse(written) as Line
    if (line.incident === undefined) continue
    const trail = cases.get(line.incident) ?? new PaperTrail(line.incident)
    cases.set(line.incident, trail)
    for (const event of line.events ?? []) trail.read(line, event)
  }
  const trails = [...cases.values()]
  const started = trails.flatMap((trail) => trail.started)
  return [...trails.flatMap(({ problems }) => problems), ...unannounced(exchanges, started)]
}

/** Each call to Exchange has an intent in the record that is its own. */
function unannounced(exchanges: SimulatedTenant[], started: Started[]): string[] {
  const left = [...started]
  return exchanges
    .flatMap(({ log }) => log)
    .filter(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')
    .flatMap(({ parameters: { ConnectorId, Reason } }) => {
      const intent = left.findIndex(
        ({ connectorId, reason }) => connectorId === ConnectorId && reason === Reason,
      )
      if (intent < 0) return [`Exchange was asked to remove ${ConnectorId} without an intent: ${Reason}`]
      left.splice(intent, 1)
      return []
    })
}

/** One incident as an auditor reads it. */
class PaperTrail {
  readonly problems: string[] = []
  readonly started: Started[] = []
  private connectorId = ''
  private readonly settled = new Set<string>()
  private votes = new Map<string, { expiresAt: Instant; required: number }>()
  private quorumAt: Instant | undefined
  private isKept = false

  constructor(private readonly number: number) {}

  read({ at, by }: Line, event: Event): void {
    switch (event.type) {
      case 'opened':
        this.connectorId = (event.restriction as Started).connectorId
        break
      case 'stepSettled':
        this.settled.add(String(event.step))
        break
      case 'stepUndone':
        this.settled.delete(String(event.step))
        break
      case 'voted':
        this.votes.set(by?.id ?? '', {
          expiresAt: String(event.expiresAt),
          required: Number(event.required),
        })
        break
      case 'quorumReached':
        this.quorumAt = at
        break
      case 'votesVoided':
        this.void(event.voters as { id: string }[])
        break
      case 'removalStarted':
        this.judge(at, event)
        this.clear()
        break
      case 'keptBlocked':
      case 'reopened':
      case 'retried':
      case 'unblocked':
      case 'cleared':
        this.isKept = event.type === 'keptBlocked'
        this.clear()
    }
  }

  private void(voters: { id: string }[]): void {
    for (const { id } of voters) this.votes.delete(id)
    if (this.quorumAt) this.clear()
  }

  private clear(): void {
    this.votes.clear()
    this.quorumAt = undefined
  }

  private judge(at: Instant, event: Event): void {
    this.started.push({ connectorId: this.connectorId, reason: String(event.reason) })
    const votes = [...this.votes.values()]
    const needed = Math.max(1, ...votes.map((vote) => vote.required))
    const approvers = (event.approvers as { id: string }[]).map(({ id }) => id)
    const claim = (holds: boolean, what: string) => holds || this.problems.push(`CR-${this.number}: ${what}`)
    claim(votes.length >= needed, `${votes.length} valid votes where ${needed} are needed`)
    claim(
      votes.every(({ expiresAt }) => at < expiresAt),
      'a vote had expired',
    )
    claim(
      approvers.every((id) => this.votes.has(id)),
      'an approver is named who did not vote',
    )
    claim(
      required.every((step) => this.settled.has(step)),
      'a required step was not settled',
    )
    claim(!this.isKept, 'it was kept blocked')
    claim(
      this.quorumAt !== undefined && elapsedMs(this.quorumAt, at) < longestFromQuorumMs,
      'there was no quorum in the last ten minutes',
    )
  }
}

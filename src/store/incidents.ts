import type { Instant } from '../clock.js'
import { subjectOfBatch } from '../incident/delivery.js'
import { evolve } from '../incident/evolve.js'
import { type Incident, isFinal } from '../incident/incident.js'
import { frozen } from './frozen.js'
import type { CommitLine } from './journal-line.js'

const keyOf = (tenant: string, connectorId: string): string => JSON.stringify([tenant, connectorId])

/** The incidents as the record has them, in memory, and what finds them. */
export class Incidents {
  private readonly byNumber = new Map<number, Incident>()
  private readonly newestOf = new Map<string, number>()
  /** By the subject under which a batch is announced. */
  private readonly batches = new Map<string, number[]>()
  private readonly notFinal = new Set<number>()
  private highest = 0

  find(number: number): Incident | undefined {
    return this.byNumber.get(number)
  }

  latest(tenant: string, connectorId: string): Incident | undefined {
    const number = this.newestOf.get(keyOf(tenant, connectorId))
    return number === undefined ? undefined : this.byNumber.get(number)
  }

  all(): Incident[] {
    return [...this.byNumber.values()]
  }

  open(tenant?: string): Incident[] {
    const incidents = this.present(this.notFinal)
    return tenant === undefined ? incidents : incidents.filter((incident) => incident.tenant === tenant)
  }

  endedBetween(from: Instant, to: Instant): Incident[] {
    return this.all().filter(({ ended }) => ended && from <= ended.at && ended.at < to)
  }

  inBatch(batch: string): Incident[] {
    return this.present(this.batches.get(subjectOfBatch({ id: batch })) ?? [])
  }

  /** Numbers of the incidents that a delivery's subject speaks of. */
  about(subject: string): number[] {
    const batch = this.batches.get(subject)
    if (batch) return batch
    const number = Number(/^CR-(\d+)$/.exec(subject)?.[1])
    return this.byNumber.has(number) ? [number] : []
  }

  nextNumber(): number {
    return this.highest + 1
  }

  /** Takes in an incident as it is after a durable commit. */
  put(incident: Incident): void {
    const { number } = incident
    if (!this.byNumber.has(number)) this.index(incident)
    this.byNumber.set(number, incident)
    if (isFinal(incident)) this.notFinal.delete(number)
  }

  private index({ number, tenant, restriction, batch }: Incident): void {
    this.highest = Math.max(this.highest, number)
    this.notFinal.add(number)
    this.newestOf.set(keyOf(tenant, restriction.connectorId), number)
    if (!batch) return
    const subject = subjectOfBatch(batch)
    const members = this.batches.get(subject)
    if (members) members.push(number)
    else this.batches.set(subject, [number])
  }

  private present(numbers: Iterable<number>): Incident[] {
    const incidents = [...numbers].map((number) => this.byNumber.get(number))
    return incidents.filter((incident) => incident !== undefined).sort((a, b) => a.number - b.number)
  }
}

/** Incidents as a group of commits will leave them, while the group is not durable yet. */
export class DraftIncidents {
  private readonly drafts = new Map<number, Incident>()
  private readonly created = new Map<string, number>()

  constructor(private readonly durable: Incidents) {}

  find(number: number): Incident | undefined {
    return this.drafts.get(number) ?? this.durable.find(number)
  }

  /** The incident of that connector that is not final, if there is one. */
  openOf(tenant: string, connectorId: string): Incident | undefined {
    const number =
      this.created.get(keyOf(tenant, connectorId)) ?? this.durable.latest(tenant, connectorId)?.number
    const incident = number === undefined ? undefined : this.find(number)
    return incident && !isFinal(incident) ? incident : undefined
  }

  nextNumber(): number {
    return this.durable.nextNumber() + this.created.size
  }

  put(incident: Incident): void {
    if (!this.find(incident.number))
      this.created.set(keyOf(incident.tenant, incident.restriction.connectorId), incident.number)
    this.drafts.set(incident.number, incident)
  }

  changed(): Incident[] {
    return [...this.drafts.values()]
  }
}

/**
 * The incident after a line of the record. Throws why the line does not fit, if it does not.
 * @param before the incident as the lines before left it
 * @param nextNumber the number that a new incident has to have
 */
export function afterLine(before: Incident | undefined, nextNumber: number, line: CommitLine): Incident {
  const version = (before?.version ?? 0) + 1
  if (line.version !== version)
    throw new Error(
      `it brings incident ${line.incident} to version ${line.version} where ${version} must follow`,
    )
  if (!before && line.incident !== nextNumber)
    throw new Error(`it begins incident ${line.incident} where ${nextNumber} must follow`)
  line.events.forEach(({ type }, place) => {
    const opens = !before && place === 0
    if ((type === 'opened') !== opens)
      throw new Error(`"${type}" cannot happen to incident ${line.incident} here`)
  })
  const after = evolveAll(before, line)
  if (!after) throw new Error(`it leaves no incident ${line.incident}`)
  return frozen(after)
}

function evolveAll(before: Incident | undefined, line: CommitLine): Incident | undefined {
  const { incident: number, sequence, version, at, by, events } = line
  return events.reduce<Incident | undefined>(
    (incident, event) => evolve(incident, number, { sequence, version, at, by, event }),
    before,
  )
}

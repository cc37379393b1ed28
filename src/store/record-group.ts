import type { Instant } from '../clock.js'
import { Fault, messageOf } from '../errors.js'
import type { Incident, Person } from '../incident/incident.js'
import { afterLine, DraftIncidents, type Incidents } from './incidents.js'
import { type CommitLine, notRecordable, type SealedLine, sealCommit, sealEntry } from './journal-line.js'
import type { AuditEntry, Commit, Head } from './store.js'

/** Lines that are written together, and the incidents as they will leave them. */
export class RecordGroup {
  readonly lines: SealedLine[] = []
  private readonly incidents: DraftIncidents

  constructor(
    durable: Incidents,
    private head: Head,
  ) {
    this.incidents = new DraftIncidents(durable)
  }

  create(tenant: string, connectorId: string, commit: Commit): { created: boolean; incident: Incident } {
    const open = this.incidents.openOf(tenant, connectorId)
    if (open) return { created: false, incident: open }
    const [first] = commit.events
    if (first?.type !== 'opened' || first.tenant !== tenant || first.restriction.connectorId !== connectorId)
      throw notRecordable('an incident begins with "opened", for the connector that it is asked for')
    return { created: true, incident: this.add(this.incidents.nextNumber(), 1, commit) }
  }

  commit(
    number: number,
    expectedVersion: number,
    commit: Commit,
  ): { committed: boolean; incident: Incident } {
    const present = this.incidents.find(number)
    if (!present) throw unknownIncident(number)
    if (present.version !== expectedVersion) return { committed: false, incident: present }
    return { committed: true, incident: this.add(number, expectedVersion + 1, commit) }
  }

  record(entry: AuditEntry, at: Instant, by?: Person): void {
    this.take(sealEntry(this.head, { at, by, entry }))
  }

  changed(): Incident[] {
    return this.incidents.changed()
  }

  private add(number: number, version: number, { at, by, events }: Commit): Incident {
    const sealed = sealCommit(this.head, { at, incident: number, version, by, events })
    const incident = this.after(sealed.line)
    this.take(sealed)
    this.incidents.put(incident)
    return incident
  }

  private after(line: CommitLine): Incident {
    try {
      return afterLine(this.incidents.find(line.incident), this.incidents.nextNumber(), line)
    } catch (cause) {
      throw notRecordable(messageOf(cause))
    }
  }

  private take(sealed: SealedLine): void {
    this.lines.push(sealed)
    this.head = sealed.head
  }
}

const unknownIncident = (number: number): Fault =>
  new Fault(
    'incidentUnknown',
    `There is no incident ${number} in the record.`,
    'Look at the list of incidents for the number that is meant.',
  )

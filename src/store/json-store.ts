import type { Clock, Instant } from '../clock.js'
import { Fault, messageOf } from '../errors.js'
import type { ConnectorHistory } from '../evidence/connector-history.js'
import type { Problem } from '../health/problem.js'
import { type Conversation, type Delivery, subjectOfBatch } from '../incident/delivery.js'
import { codeOf, type Incident, type Person } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { AppendLog, LogSurroundings } from './append-log.js'
import { Claims } from './claims.js'
import { ConnectorHistories } from './connector-histories.js'
import { type DeliveryBook, openDeliveries } from './deliveries.js'
import {
  checkDeliveryLine,
  type DeliveryLine,
  latestConversation,
  latestDelivery,
  writeDeliveryLine,
} from './delivery-line.js'
import { type FileOps, makeFolder, removeLeftovers, systemFileOps } from './durable-files.js'
import { lockFolder } from './folder-lock.js'
import { GroupWriter } from './group-writer.js'
import type { Incidents } from './incidents.js'
import type { Journal } from './journal.js'
import type { SealedLine } from './journal-line.js'
import { type OpenRecord, openRecord } from './open-record.js'
import type { Problems } from './problems.js'
import { RecordGroup } from './record-group.js'
import { type Snapshot, SnapshotWriter } from './snapshot.js'
import type { AuditEntry, Claim, Commit, DueIncident, Head, Store } from './store.js'
import { WakeUps } from './wake-ups.js'

export interface JsonStoreOptions {
  /** Created if it does not exist; used by one process at a time. */
  folder: string
  clock: Clock
  log: Log
  files?: FileOps | undefined
}

/**
 * Opens the store that keeps everything in one folder: `journal.jsonl` is the record and the truth,
 * `deliveries.jsonl` what was posted where, `connectors/` how each tenant's connectors have looked, `state.json` the
 * present state for people to read.
 *
 * Rejects with a fault, and changes nothing, if another process uses the folder (`folderInUse`), if a file is
 * damaged (`journalDamaged`, `deliveriesDamaged`), was written by a newer version (`writtenByNewer`), if the end of
 * the record is missing (`recordMissing`), or if the folder cannot be used (`folderUnusable`).
 */
export async function openJsonStore(options: JsonStoreOptions): Promise<Store> {
  const { folder, clock, log, files = systemFileOps } = options
  try {
    await makeFolder(folder)
    const unlock = await lockFolder(folder, clock.now(), log)
    return await openLocked(folder, { clock, log, files }, unlock)
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : unusable(folder, thrown)
  }
}

async function openLocked(
  folder: string,
  around: LogSurroundings,
  unlock: () => Promise<void>,
): Promise<Store> {
  try {
    await removeLeftovers(folder)
    const record = await openRecord(folder, around)
    const deliveries = await openDeliveries(folder, around).catch(closing(record.journal))
    return new JsonStore(folder, record, deliveries, around, unlock)
  } catch (thrown) {
    await unlock()
    throw thrown
  }
}

/** Closes what was opened already when the rest cannot be. */
const closing =
  (journal: Journal) =>
  async (cause: unknown): Promise<never> => {
    await journal.close()
    throw cause
  }

const unusable = (folder: string, cause: unknown): Fault =>
  new Fault(
    'folderUnusable',
    `The data folder ${folder} cannot be used (${messageOf(cause)}).`,
    'Make it a folder that the user who runs the bot owns, on a disk with free space, or set DATA_DIR to one.',
    { cause },
  )

class JsonStore implements Store {
  private readonly claims = new Claims()
  private readonly wakeUps = new WakeUps()
  private readonly listeners = new Set<() => void>()
  private readonly recordWriter: GroupWriter<RecordGroup>
  private readonly deliveryWriter: GroupWriter<DeliveryLine[]>
  private readonly snapshotWriter: SnapshotWriter
  private readonly histories: ConnectorHistories
  private readonly journal: Journal
  private readonly incidents: Incidents
  private readonly known: Problems
  private closing: Promise<void> | undefined

  constructor(
    folder: string,
    record: OpenRecord,
    private readonly deliveries: { book: DeliveryBook; file: AppendLog },
    private readonly around: LogSurroundings,
    private readonly unlock: () => Promise<void>,
  ) {
    this.histories = new ConnectorHistories(folder, around)
    this.journal = record.journal
    this.incidents = record.incidents
    this.known = record.problems
    this.recordWriter = new GroupWriter(
      () => new RecordGroup(this.incidents, this.journal.head()),
      (group) => this.writeRecord(group),
    )
    this.deliveryWriter = new GroupWriter(
      (): DeliveryLine[] => [],
      (lines) => this.writeDeliveries(lines),
    )
    this.snapshotWriter = new SnapshotWriter(record.snapshot, () => this.snapshot(), around.clock, around.log)
    if (record.snapshotBehind) this.snapshotWriter.changed(0, this.head().sequence)
    for (const { number } of this.incidents.all()) this.wakeUps.touch(number)
  }

  async create(tenant: string, connectorId: string, commit: Commit) {
    this.refuseAfterClose()
    return this.recordWriter.add((group) => group.create(tenant, connectorId, commit))
  }

  async commit(number: number, expectedVersion: number, commit: Commit) {
    this.refuseAfterClose()
    return this.recordWriter.add((group) => group.commit(number, expectedVersion, commit))
  }

  async record(entry: AuditEntry, at: Instant, by?: Person): Promise<void> {
    this.refuseAfterClose()
    return this.recordWriter.add((group) => group.record(entry, at, by))
  }

  async problems(): Promise<Problem[]> {
    return this.known.all()
  }

  async find(number: number): Promise<Incident | undefined> {
    return this.incidents.find(number)
  }

  async open(tenant?: string): Promise<Incident[]> {
    return this.incidents.open(tenant)
  }

  async latest(tenant: string, connectorId: string): Promise<Incident | undefined> {
    return this.incidents.latest(tenant, connectorId)
  }

  async endedBetween(from: Instant, to: Instant): Promise<Incident[]> {
    return this.incidents.endedBetween(from, to)
  }

  async inBatch(batch: string): Promise<Incident[]> {
    return this.incidents.inBatch(batch)
  }

  async due(now: Instant): Promise<DueIncident[]> {
    return this.wakeUps.due(now).flatMap(({ number, mark }) => {
      const incident = this.incidents.find(number)
      return incident ? [{ incident, mark }] : []
    })
  }

  async sleep(number: number, mark: number, until: Instant | undefined): Promise<void> {
    this.wakeUps.sleep(number, mark, until)
  }

  async touch(number: number): Promise<void> {
    this.wakeUps.touch(number)
    this.tellListeners()
  }

  async conversations(): Promise<Conversation[]> {
    return this.deliveries.book.conversations()
  }

  async changeConversation(
    id: string,
    change: (known: Conversation | undefined) => Conversation | undefined,
  ): Promise<Conversation | undefined> {
    this.refuseAfterClose()
    return this.deliveryWriter.add((lines) => {
      const known = latestConversation(lines, id) ?? this.deliveries.book.conversation(id)
      const changed = change(known)
      if (changed) lines.push(checkDeliveryLine({ conversation: changed }))
      return changed ?? known
    })
  }

  async delivery(subject: string, conversation: string): Promise<Delivery | undefined> {
    return this.deliveries.book.delivery(subject, conversation)
  }

  async deliveriesOf(incident: Incident): Promise<Delivery[]> {
    const { book } = this.deliveries
    const alone = book.about(codeOf(incident))
    return incident.batch ? [...alone, ...book.about(subjectOfBatch(incident.batch))] : alone
  }

  async deliveriesAbout(subject: string): Promise<Delivery[]> {
    return this.deliveries.book.about(subject)
  }

  async saveDelivery(delivery: Delivery, claim?: Claim): Promise<void> {
    const { subject, conversation } = delivery
    await this.changeDelivery(subject, conversation, () => delivery, claim)
  }

  async changeDelivery(
    subject: string,
    conversation: string,
    change: (known: Delivery | undefined) => Delivery,
    claim?: Claim,
  ): Promise<Delivery> {
    this.refuseAfterClose()
    return this.deliveryWriter.add((lines) => {
      if (claim) this.claims.check(claim)
      const known =
        latestDelivery(lines, subject, conversation) ?? this.deliveries.book.delivery(subject, conversation)
      const changed = change(known)
      lines.push(checkDeliveryLine({ delivery: changed }))
      return changed
    })
  }

  connectorHistory(tenant: string): Promise<ConnectorHistory | undefined> {
    return this.histories.read(tenant)
  }

  async saveConnectorHistory(history: ConnectorHistory): Promise<void> {
    this.refuseAfterClose()
    await this.histories.save(history)
  }

  async claim(key: string, now: Instant, until: Instant): Promise<Claim | undefined> {
    return this.claims.claim(key, now, until)
  }

  async release(claim: Claim): Promise<void> {
    this.claims.release(claim)
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  head(): Head {
    return this.journal.head()
  }

  failing(): string | undefined {
    return this.journal.failing() ?? this.deliveries.file.failing()
  }

  close(): Promise<void> {
    this.closing ??= this.finish()
    return this.closing
  }

  private async finish(): Promise<void> {
    await Promise.all([this.recordWriter.idle(), this.deliveryWriter.idle(), this.histories.idle()])
    await this.snapshotWriter.close()
    try {
      await this.journal.close()
      await this.deliveries.file.close()
    } finally {
      await this.unlock()
    }
  }

  private async writeRecord(group: RecordGroup): Promise<void> {
    if (group.lines.length === 0) return
    await this.journal.append(group.lines)
    for (const incident of group.changed()) {
      this.incidents.put(incident)
      this.wakeUps.touch(incident.number)
    }
    const entries = group.lines.flatMap(({ line }) => ('entry' in line ? [line] : []))
    const news = entries.filter((line) => this.known.take(line))
    for (const line of group.lines) this.logLine(line)
    this.snapshotWriter.changed(group.lines.length, this.head().sequence)
    if (group.changed().length > 0 || news.length > 0) this.tellListeners()
  }

  private async writeDeliveries(lines: DeliveryLine[]): Promise<void> {
    if (lines.length === 0) return
    await this.deliveries.file.append(Buffer.from(lines.map(writeDeliveryLine).join('')))
    for (const line of lines) {
      this.deliveries.book.put(line)
      for (const number of this.touchedBy(line)) this.wakeUps.touch(number)
    }
    this.snapshotWriter.changed(0, this.head().sequence)
    this.tellListeners()
  }

  private touchedBy(line: DeliveryLine): number[] {
    if ('conversation' in line) return this.incidents.open().map(({ number }) => number)
    return this.incidents.about(line.delivery.subject)
  }

  private snapshot(): Snapshot {
    return {
      form: 1,
      journal: { ...this.head(), bytes: this.journal.bytes() },
      incidents: this.incidents.all(),
      conversations: this.deliveries.book.conversations(),
    }
  }

  /** The log is the second place that the record's hashes go to: shipped away, it shows a rewritten record. */
  private logLine({ line, head }: SealedLine): void {
    const what =
      'entry' in line
        ? { entry: line.entry.type }
        : { incident: line.incident, version: line.version, events: line.events.map(({ type }) => type) }
    this.around.log.info({ ...head, ...what }, 'recorded')
  }

  private tellListeners(): void {
    for (const listener of this.listeners)
      try {
        listener()
      } catch (thrown) {
        // The write stands, whatever a listener makes of it.
        this.around.log.error({ cause: messageOf(thrown) }, 'a listener of the store failed')
      }
  }

  private refuseAfterClose(): void {
    if (!this.closing) return
    throw new Fault(
      'recordNotWritable',
      'Not recorded, nothing was done: the bot is being stopped.',
      'Do it again once the bot runs again.',
    )
  }
}

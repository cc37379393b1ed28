import { join } from 'node:path'
import type { Conversation, Delivery } from '../incident/delivery.js'
import { AppendLog, type LogSurroundings } from './append-log.js'
import { type DeliveryLine, readDeliveryLine, writeDeliveryLine } from './delivery-line.js'
import { replaceFile } from './durable-files.js'
import { frozen } from './frozen.js'
import { eachJsonLine, type LinesEnd, type LinesFile, newestForm } from './json-lines.js'

/** Deliveries and conversations in memory: of each, what was saved last. */
export class DeliveryBook {
  private readonly bySubject = new Map<string, Map<string, Delivery>>()
  private readonly byId = new Map<string, Conversation>()
  private deliveries = 0

  put(line: DeliveryLine): void {
    if ('conversation' in line) this.byId.set(line.conversation.id, frozen(line.conversation))
    else this.putDelivery(frozen(line.delivery))
  }

  private putDelivery(delivery: Delivery): void {
    const places = this.bySubject.get(delivery.subject) ?? new Map<string, Delivery>()
    if (!places.has(delivery.conversation)) this.deliveries += 1
    places.set(delivery.conversation, delivery)
    this.bySubject.set(delivery.subject, places)
  }

  conversations(): Conversation[] {
    return [...this.byId.values()]
  }

  conversation(id: string): Conversation | undefined {
    return this.byId.get(id)
  }

  delivery(subject: string, conversation: string): Delivery | undefined {
    return this.bySubject.get(subject)?.get(conversation)
  }

  about(subject: string): Delivery[] {
    return [...(this.bySubject.get(subject)?.values() ?? [])]
  }

  /** How many lines it takes to say what is in here. */
  get size(): number {
    return this.byId.size + this.deliveries
  }

  *lines(): Generator<DeliveryLine> {
    for (const conversation of this.byId.values()) yield { v: newestForm, conversation }
    for (const places of this.bySubject.values())
      for (const delivery of places.values()) yield { v: newestForm, delivery }
  }
}

const fileIn = (folder: string): LinesFile => ({
  path: join(folder, 'deliveries.jsonl'),
  damaged: 'deliveriesDamaged',
})

/**
 * The conversations that a data folder knows, read without its lock and without writing anything: also while a bot
 * uses it, whose last line may not be written to its end yet. Rejects like `openDeliveries`.
 */
export async function readConversations(folder: string): Promise<Conversation[]> {
  const book = new DeliveryBook()
  await eachJsonLine(fileIn(folder), (value) => book.put(readDeliveryLine(value)))
  return book.conversations()
}

/**
 * Reads the deliveries of a data folder, writes the file anew if most of its lines are outdated, and opens it.
 * Rejects with `deliveriesDamaged`, naming file, line and byte.
 */
export async function openDeliveries(
  folder: string,
  around: LogSurroundings,
): Promise<{ book: DeliveryBook; file: AppendLog }> {
  const file = fileIn(folder)
  const book = new DeliveryBook()
  const found = await eachJsonLine(file, (value) => book.put(readDeliveryLine(value)))
  const end = await compact(file, found, book, around)
  const recheck = async () => {
    await eachJsonLine(file, readDeliveryLine)
  }
  return { book, file: await AppendLog.open({ path: file.path, recheck }, end, around) }
}

async function compact(
  { path }: LinesFile,
  found: LinesEnd,
  book: DeliveryBook,
  { log }: LogSurroundings,
): Promise<LinesEnd> {
  // A torn line has to be kept aside first, which opening does; the next start compacts.
  if (found.torn || found.lines <= 2 * book.size) return found
  const text = [...book.lines()].map(writeDeliveryLine).join('')
  await replaceFile(path, text)
  log.info({ file: path, lines: book.size, was: found.lines }, 'outdated deliveries left out')
  return { lines: book.size, bytes: Buffer.byteLength(text) }
}

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Fault } from '../errors.js'
import { incidentEventSchema } from '../incident/events.js'
import { formSchema, longestLine, newestForm } from './json-lines.js'
import { auditEntrySchema, type Head } from './store.js'

const count = z.number().int().min(1)
export const headSchema = z.object({
  sequence: z.number().int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})

const everyLine = {
  v: formSchema,
  /** SHA-256 of the exact bytes of the line before, without its end of line; zeros in the first. */
  prev: headSchema.shape.hash,
  sequence: count,
  at: z.iso.datetime({ precision: 3 }),
}
const by = z.object({ id: z.string().min(1), name: z.string() }).optional()

/** One commit: all of its events are in one line, so that they are durable together or not at all. */
const commitLineSchema = z.object({
  ...everyLine,
  incident: count,
  version: count,
  by,
  events: z.array(incidentEventSchema).min(1),
})

/** Something that changes no incident. */
const entryLineSchema = z.object({ ...everyLine, by, entry: auditEntrySchema })

export type CommitLine = z.infer<typeof commitLineSchema>
export type EntryLine = z.infer<typeof entryLineSchema>
export type JournalLine = CommitLine | EntryLine

/** What a line says, without its place in the record. */
type BodyOf<Line extends JournalLine> = Omit<Line, 'v' | 'prev' | 'sequence'>

/** The head of a record without lines. */
export const emptyRecord: Head = { sequence: 0, hash: '0'.repeat(64) }

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A line ready to be written after the head that it was made for, and the head that it makes. */
export interface SealedLine {
  line: JournalLine
  bytes: Buffer
  head: Head
}

/**
 * Puts a commit into its place in the record. What could not be read back is never written: it throws a fault
 * with code `notRecordable`.
 */
export const sealCommit = (head: Head, body: BodyOf<CommitLine>): SealedLine & { line: CommitLine } =>
  seal(head, commitLineSchema, body)

/** The same for something that changes no incident. */
export const sealEntry = (head: Head, body: BodyOf<EntryLine>): SealedLine =>
  seal(head, entryLineSchema, body)

function seal<Line extends JournalLine>(head: Head, schema: z.ZodType<Line>, body: BodyOf<Line>) {
  const sequence = head.sequence + 1
  const parsed = schema.safeParse({ v: newestForm, prev: head.hash, sequence, ...body })
  if (!parsed.success) throw notRecordable(readable(parsed.error))
  const bytes = Buffer.from(`${JSON.stringify(parsed.data)}\n`)
  if (bytes.length > longestLine) throw notRecordable(`it is longer than ${longestLine} bytes`)
  return { line: parsed.data, bytes, head: { sequence, hash: hashOf(bytes.subarray(0, -1)) } }
}

export const notRecordable = (why: string): Fault =>
  new Fault(
    'notRecordable',
    `Not recorded, nothing was done: this has no place in the record, because ${why}.`,
    'This is a defect of the bot: please report it with this message.',
  )

/** The line that follows `head`, and the head that it makes. Throws what is wrong with it. */
export function readLine(head: Head, value: unknown, bytes: Buffer): { line: JournalLine; head: Head } {
  const isEntry = typeof value === 'object' && value !== null && Object.hasOwn(value, 'entry')
  const parsed = (isEntry ? entryLineSchema : commitLineSchema).safeParse(value)
  if (!parsed.success) throw new Error(readable(parsed.error))
  const line = parsed.data
  if (line.sequence !== head.sequence + 1)
    throw new Error(`its sequence is ${line.sequence} where ${head.sequence + 1} must follow`)
  if (line.prev !== head.hash)
    throw new Error('it does not carry the hash of the line before: one of the two was changed or removed')
  return { line, head: { sequence: line.sequence, hash: hashOf(bytes) } }
}

/** What a schema found, in one line; it names paths and never values. */
export const readable = (error: z.ZodError): string =>
  z.prettifyError(error).replaceAll('✖', '').replace(/\s+/g, ' ').trim()

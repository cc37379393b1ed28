import { join } from 'node:path'
import { Fault } from '../errors.js'
import { AppendLog, type LogSurroundings } from './append-log.js'
import { emptyRecord, type JournalLine, readLine, type SealedLine } from './journal-line.js'
import { eachJsonLine, type LinesEnd, type LinesFile } from './json-lines.js'
import type { Head } from './store.js'

/** The record's file in a data folder. */
export const journalIn = (folder: string): LinesFile => ({
  path: join(folder, 'journal.jsonl'),
  damaged: 'journalDamaged',
})

/** What reading a whole record found. */
export interface JournalEnd extends LinesEnd {
  head: Head
}

/**
 * Reads the record from its first line to its last and checks every line's place in the chain of hashes, over
 * the exact bytes. What `visit` throws says that a line does not fit. Rejects with `journalDamaged`, naming
 * file, line and byte, or `writtenByNewer`.
 */
export async function readJournal(
  file: LinesFile,
  visit: (line: JournalLine, head: Head) => void,
): Promise<JournalEnd> {
  let head = emptyRecord
  const end = await eachJsonLine(file, (value, bytes) => {
    const read = readLine(head, value, bytes)
    visit(read.line, read.head)
    head = read.head
  })
  return { ...end, head }
}

/** The record, open for adding to it. */
export class Journal {
  private constructor(
    private readonly log: AppendLog,
    private readonly end: { head: Head },
  ) {}

  /** Opens the record after the end that reading it has found; a torn last line is cut off and kept aside. */
  static async open(file: LinesFile, found: JournalEnd, around: LogSurroundings): Promise<Journal> {
    const end = { head: found.head }
    const recheck = async () => {
      const again = await readJournal(file, () => undefined)
      if (again.head.hash !== end.head.hash || again.torn) throw changedOnDisk(file)
    }
    return new Journal(await AppendLog.open({ path: file.path, recheck }, found, around), end)
  }

  head(): Head {
    return this.end.head
  }

  /** How many of the file's bytes are durable. */
  bytes(): number {
    return this.log.bytes()
  }

  failing(): string | undefined {
    return this.log.failing()
  }

  /** Adds lines that were sealed one after the other on `head()`; resolves when all of them are durable. */
  async append(lines: SealedLine[]): Promise<void> {
    const last = lines.at(-1)
    if (!last) return
    await this.log.append(Buffer.concat(lines.map(({ bytes }) => bytes)))
    this.end.head = last.head
  }

  close(): Promise<void> {
    return this.log.close()
  }
}

const changedOnDisk = ({ path, damaged }: LinesFile): Fault =>
  new Fault(
    damaged,
    `${path} does not end any more as it did before a write failed: durable lines are missing or changed.`,
    'Stop the bot, check the disk, and restore the file from a backup.',
  )

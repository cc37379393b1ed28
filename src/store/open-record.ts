import { join } from 'node:path'
import { Fault, messageOf } from '../errors.js'
import type { Log } from '../log.js'
import type { LogSurroundings } from './append-log.js'
import { afterLine, Incidents } from './incidents.js'
import { Journal, journalIn, readJournal } from './journal.js'
import { emptyRecord } from './journal-line.js'
import { Problems } from './problems.js'
import { type SnapshotFile, snapshotIn } from './snapshot.js'
import type { Head } from './store.js'

/** The record of a folder, and the state that follows from it. */
export interface OpenRecord {
  journal: Journal
  incidents: Incidents
  problems: Problems
  /** To be written; what it held is not needed any more. */
  snapshot: SnapshotFile
  /** The snapshot is not what the record has led to, and has to be written anew. */
  snapshotBehind: boolean
}

/**
 * Reads the whole record and builds the state from it. The snapshot is asked one thing only: how far the
 * record has been. It does not stand in for any line, because nothing chains its content: whoever could edit
 * it could otherwise add a vote that the record does not have.
 */
export async function openRecord(folder: string, around: LogSurroundings): Promise<OpenRecord> {
  const file = journalIn(folder)
  const seen = await seenHead(folder, around.log)
  const incidents = new Incidents()
  const problems = new Problems()
  let matches = seen.sequence === emptyRecord.sequence
  const end = await readJournal(file, (line, head) => {
    if (head.sequence === seen.sequence) matches = head.hash === seen.hash
    if ('entry' in line) problems.take(line)
    else incidents.put(afterLine(incidents.find(line.incident), incidents.nextNumber(), line))
  })
  if (end.head.sequence < seen.sequence) throw recordMissing(folder, end.head, seen)
  if (!matches)
    around.log.warn(
      { sequence: seen.sequence },
      'state.json belongs to another record than journal.jsonl: it is written anew from the journal',
    )
  const journal = await Journal.open(file, end, around)
  const snapshotBehind = seen.hash !== end.head.hash
  return { journal, incidents, problems, snapshot: snapshotIn(folder), snapshotBehind }
}

/** How far the record was when the snapshot was written; its beginning if the snapshot does not tell. */
async function seenHead(folder: string, log: Log): Promise<Head> {
  const snapshot = snapshotIn(folder)
  try {
    await snapshot.read()
  } catch (thrown) {
    const cause = messageOf(thrown)
    log.warn({ cause }, 'state.json cannot be read: it is written anew from the journal')
  }
  return snapshot.data.journal
}

function recordMissing(folder: string, end: Head, seen: Head): Fault {
  const journal = journalIn(folder).path
  const snapshot = join(folder, 'state.json')
  return new Fault(
    'recordMissing',
    `${journal} ends after line ${end.sequence}, but ${snapshot} was written when it had ${seen.sequence}: ` +
      'the end of the record is missing. Nothing was changed.',
    `Restore ${journal} from where it is complete. If what is missing is lost for good, write down why, ` +
      `keep a copy of the folder, and move ${snapshot} aside: the bot then goes on from line ${end.sequence}.`,
  )
}

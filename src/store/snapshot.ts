import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Adapter, Low } from 'lowdb'
import { z } from 'zod'
import { type Clock, later, minuteMs } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Conversation } from '../incident/delivery.js'
import type { Incident } from '../incident/incident.js'
import type { Log } from '../log.js'
import { readIfThere, replaceFile } from './durable-files.js'
import { emptyRecord, headSchema, readable } from './journal-line.js'

const form = 1

const snapshotSchema = z.object({
  form: z.literal(form),
  /** The line of the record up to which this goes, and where that line ends in the journal. */
  journal: headSchema.extend({ bytes: z.number().int().min(0) }),
  incidents: z.array(z.looseObject({ number: z.number() })),
  conversations: z.array(z.looseObject({ id: z.string() })),
})
type Stored = z.infer<typeof snapshotSchema>

/** The present state, as people and tools can read it in `state.json`. */
export interface Snapshot {
  form: typeof form
  journal: Stored['journal']
  incidents: readonly Pick<Incident, 'number'>[]
  conversations: readonly Pick<Conversation, 'id'>[]
}

const emptySnapshot: Snapshot = {
  form,
  journal: { ...emptyRecord, bytes: 0 },
  incidents: [],
  conversations: [],
}

export type SnapshotFile = Low<Snapshot>

/** `state.json` of a data folder, not read yet. */
export const snapshotIn = (folder: string): SnapshotFile =>
  new Low(adapterFor(join(folder, 'state.json')), emptySnapshot)

/**
 * lowdb's own adapter for files neither syncs what it writes nor keeps the file's mode, and its presets write
 * nothing at all when NODE_ENV is `test`.
 */
const adapterFor = (path: string): Adapter<Snapshot> => ({
  async read() {
    const text = await readIfThere(path)
    if (text === undefined) return null
    const parsed = snapshotSchema.safeParse(JSON.parse(text))
    if (!parsed.success) throw new Error(`it has another form: ${readable(parsed.error)}`)
    return parsed.data
  },
  write: (snapshot) => replaceFile(path, textOf(snapshot)),
})

const slice = 200

/** One incident per line, and a pause after every few, so that clicks are answered while it is written. */
async function* textOf({ incidents, conversations, ...rest }: Snapshot): AsyncGenerator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},\n"conversations":[\n`
  yield* linesOf(conversations)
  yield '],\n"incidents":[\n'
  yield* linesOf(incidents)
  yield ']}\n'
}

async function* linesOf(items: readonly object[]): AsyncGenerator<string> {
  for (let from = 0; from < items.length; from += slice) {
    const lines = items.slice(from, from + slice).map((item) => JSON.stringify(withoutHistory(item)))
    yield `${lines.join(',\n')}${from + slice < items.length ? ',' : ''}\n`
    await setImmediate()
  }
}

/** What happened to an incident is in the journal; here stands only what it has come to. */
function withoutHistory(item: object): object {
  const { history: _history, ...rest }: { history?: unknown } = item
  return rest
}

const leastCommits = 500
const longestDirtyMs = 5 * minuteMs

/**
 * Writes the snapshot behind the journal: when many commits have gathered, when the file has been behind for
 * five minutes, and at the end. A write that fails is reported and tried again later; nothing depends on it.
 */
export class SnapshotWriter {
  private gathered = 0
  private stopTimer: (() => void) | undefined
  private writing: Promise<void> | undefined

  constructor(
    private readonly file: SnapshotFile,
    private readonly present: () => Snapshot,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * The state has changed.
   * @param commits lines that were added to the record by it
   * @param sequence where the record now ends
   */
  changed(commits: number, sequence: number): void {
    this.gathered += commits
    // A tenth of the record: so what a commit costs on average does not grow with it.
    if (this.gathered >= Math.max(leastCommits, sequence / 10)) this.begin()
    else this.remind()
  }

  /** Writes what has changed since the last time; resolves when that is done or has failed. */
  async close(): Promise<void> {
    await this.writing
    if (this.stopTimer) this.begin()
    await this.writing
    this.stopTimer?.()
  }

  private remind(): void {
    this.stopTimer ??= this.clock.wakeAt(later(this.clock.now(), longestDirtyMs), () => {
      this.stopTimer = undefined
      if (this.writing) this.remind()
      else this.begin()
    })
  }

  private begin(): void {
    this.writing ??= this.write().finally(() => {
      this.writing = undefined
    })
  }

  private async write(): Promise<void> {
    this.stopTimer?.()
    this.stopTimer = undefined
    this.gathered = 0
    this.file.data = this.present()
    try {
      await this.file.write()
    } catch (thrown) {
      this.log.warn(
        { cause: messageOf(thrown) },
        'state.json could not be written; the journal has everything',
      )
      this.remind()
    } finally {
      this.file.data = emptySnapshot
    }
  }
}

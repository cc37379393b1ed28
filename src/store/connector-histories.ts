import { createHash } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Instant } from '../clock.js'
import { Fault, messageOf } from '../errors.js'
import { type ConnectorHistory, connectorHistorySchema } from '../evidence/connector-history.js'
import type { Log } from '../log.js'
import { makeFolder, readIfThere, replaceFile } from './durable-files.js'
import { readable } from './journal-line.js'

/**
 * `connectors/` in the data folder: one file for each watched tenant, replaced as a whole. They are no part of the
 * record, so one that is damaged keeps nobody from starting: it is kept aside and watching begins anew.
 */
export class ConnectorHistories {
  readonly #folder: string
  /** The last thing done to each file that has not ended yet: one after the other. */
  readonly #busy = new Map<string, Promise<unknown>>()

  constructor(
    folder: string,
    private readonly around: { clock: Clock; log: Log },
  ) {
    this.#folder = join(folder, 'connectors')
  }

  read(tenant: string): Promise<ConnectorHistory | undefined> {
    return this.#inTurn(tenant, () => this.#read(tenant))
  }

  /** Resolves when it is durable. */
  save(history: ConnectorHistory): Promise<void> {
    return this.#inTurn(history.tenant, async () => {
      try {
        await makeFolder(this.#folder)
        await replaceFile(this.#fileOf(history.tenant), JSON.stringify(history))
      } catch (cause) {
        throw new Fault(
          'historyNotWritable',
          `What the connectors of ${history.tenant} look like could not be kept (${messageOf(cause)}).`,
          `Look at the disk and at the rights of ${this.#folder}. Changes of connectors may be missed until then.`,
          { cause },
        )
      }
    })
  }

  /** Resolves when nothing is being read or written any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#busy.values())
  }

  async #read(tenant: string): Promise<ConnectorHistory | undefined> {
    const path = this.#fileOf(tenant)
    const text = await readIfThere(path)
    if (text === undefined) return undefined
    const read = parse(text)
    if (read.ok) return read.history
    const { why } = read
    const kept = `${path}.damaged-${this.around.clock.now().replaceAll(':', '-')}`
    await rename(path, kept)
    this.around.log.error(
      { tenant, why, kept },
      'what connectors looked like cannot be read: watching begins anew',
    )
    return undefined
  }

  #fileOf(tenant: string): string {
    return join(this.#folder, fileNameOf(tenant))
  }

  #inTurn<Result>(tenant: string, work: () => Promise<Result>): Promise<Result> {
    const mine = (this.#busy.get(tenant) ?? Promise.resolve()).then(work, work)
    this.#busy.set(tenant, mine)
    const over = () => {
      if (this.#busy.get(tenant) === mine) this.#busy.delete(tenant)
    }
    mine.then(over, over)
    return mine
  }
}

/** No name from outside becomes part of a path. */
const fileNameOf = (tenant: string): string =>
  `${createHash('sha256').update(tenant).digest('hex').slice(0, 32)}.json`

/**
 * When a tenant's connectors were last read and kept, told without changing anything: also while a bot uses the data
 * folder. undefined if they never were, or if what was kept is damaged.
 */
export async function lastConnectorReading(folder: string, tenant: string): Promise<Instant | undefined> {
  const text = await readIfThere(join(folder, 'connectors', fileNameOf(tenant)))
  const read = text === undefined ? undefined : parse(text)
  return read?.ok ? read.history.lastRead : undefined
}

type Parsed = { ok: true; history: ConnectorHistory } | { ok: false; why: string }

function parse(text: string): Parsed {
  try {
    const parsed = connectorHistorySchema.safeParse(JSON.parse(text))
    return parsed.success ? { ok: true, history: parsed.data } : { ok: false, why: readable(parsed.error) }
  } catch (thrown) {
    return { ok: false, why: messageOf(thrown) }
  }
}

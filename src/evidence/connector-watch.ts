import { type Clock, hourMs, type Instant, isRecent, later, secondMs } from '../clock.js'
import { messageOf } from '../errors.js'
import type { Exchange, ReadFailure } from '../exchange/exchange.js'
import type { InboundConnector } from '../incident/evidence.js'
import type { Log } from '../log.js'
import type { Store } from '../store/store.js'
import { type ConnectorHistory, withReading } from './connector-history.js'

/** All connectors of a tenant as they were read at one time. */
export interface Reading {
  at: Instant
  connectors: InboundConnector[]
  complete: boolean
}

/** `history`: how they have looked so far, this reading included; undefined if that could not be kept. */
export type GoodReading = { ok: true; history: ConnectorHistory | undefined } & Reading
export type ConnectorRead = GoodReading | ReadFailure

interface WatchParts {
  tenant: string
  exchange: Pick<Exchange, 'inboundConnectors'>
  store: Store
  clock: Clock
  log: Log
  /** Called with each good reading, before whoever asked for it gets it: open incidents may be about one of them. */
  onReading: (tenant: string, reading: GoodReading) => Promise<void>
}

const everyMs = 1 * hourMs
/** Incidents of one tenant that are looked into at the same time share a reading. */
const sharedForMs = 30 * secondMs

/**
 * Keeps how one tenant's connectors look: reads them every hour and whenever somebody has to decide, and adds each
 * reading to the history. What an attacker changes and takes back between two readings is not seen.
 */
export class ConnectorWatch {
  /** The last keeping that has not ended yet: two at once would lose a version. */
  #keeping: Promise<unknown> = Promise.resolve()
  #last: { at: Instant; read: Promise<ConnectorRead> } | undefined
  #cancelTimer: () => void = () => undefined
  #stopped = false

  constructor(private readonly parts: WatchParts) {}

  /** Reads `delayMs` from now, and every hour after that, until `stop`. */
  start(delayMs: number): void {
    const { clock, log, tenant } = this.parts
    this.#cancelTimer = clock.wakeAt(later(clock.now(), delayMs), () => {
      if (this.#stopped) return
      this.start(everyMs)
      // Whoever needs the connectors for a decision gets an answer of their own; here only the log is left to tell.
      this.read().then(
        (read) => {
          if (read.ok) return
          const { code, message, requestId, clientRequestId } = read
          log.warn({ tenant, code, message, requestId, clientRequestId }, 'the connectors could not be read')
        },
        (fault) => log.error({ tenant, fault: messageOf(fault) }, 'the connectors could not be kept'),
      )
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancelTimer()
  }

  /**
   * The connectors, read now or within the last half minute.
   * @param fresh reads now in any case: what was read before the question does not count
   */
  read({ fresh = false }: { fresh?: boolean } = {}): Promise<ConnectorRead> {
    const now = this.parts.clock.now()
    const last = this.#last
    if (!fresh && last && isRecent(last.at, now, sharedForMs)) return last.read
    const read = this.#read(now)
    this.#last = { at: now, read }
    return read
  }

  async #read(at: Instant): Promise<ConnectorRead> {
    const answer = await this.parts.exchange.inboundConnectors()
    if (!answer.ok) return answer
    const { connectors, complete } = answer
    const reading = { at, connectors, complete }
    const keeping = this.#keeping.then(() => this.#keep(reading))
    this.#keeping = keeping
    const good: GoodReading = { ok: true, ...reading, history: await keeping }
    await this.parts.onReading(this.parts.tenant, good)
    return good
  }

  /** A disk that is full must not keep anybody from seeing the connector as it is now. */
  async #keep(reading: Reading): Promise<ConnectorHistory | undefined> {
    const { store, tenant, clock, log } = this.parts
    try {
      const known = await store.connectorHistory(tenant)
      // Two readings may overlap: what is older than what is kept tells nothing new, unless the clock was set back.
      if (known && known.lastRead >= reading.at && known.lastRead <= clock.now()) return known
      const history = withReading(known, { tenant, ...reading })
      await store.saveConnectorHistory(history)
      return history
    } catch (fault) {
      log.error({ tenant, fault: messageOf(fault) }, 'a reading of the connectors could not be kept')
      return undefined
    }
  }
}

/** The connector of that id among those that were read. */
export const connectorIn = (read: GoodReading, id: string): InboundConnector | undefined =>
  read.connectors.find((connector) => connector.id === id)

import { type Clock, elapsedMs, hourMs, type Instant, later, secondMs } from '../clock.js'
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

export type ConnectorRead = ({ ok: true; history: ConnectorHistory | undefined } & Reading) | ReadFailure

interface WatchParts {
  tenant: string
  exchange: Pick<Exchange, 'inboundConnectors'>
  store: Store
  clock: Clock
  log: Log
}

const everyMs = 1 * hourMs
/** Incidents of one tenant that are looked into at the same time share a reading. */
const sharedForMs = 30 * secondMs

/**
 * Keeps how one tenant's connectors look: reads them every hour and whenever somebody has to decide, and adds each
 * reading to the history. What an attacker changes and takes back between two readings is not seen.
 */
export class ConnectorWatch {
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
          const { code, message, requestId } = read
          log.warn({ tenant, code, message, requestId }, 'the connectors could not be read')
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
    if (!fresh && last && elapsedMs(last.at, now) < sharedForMs) return last.read
    const read = this.#read(now)
    this.#last = { at: now, read }
    return read
  }

  async #read(at: Instant): Promise<ConnectorRead> {
    const answer = await this.parts.exchange.inboundConnectors()
    if (!answer.ok) return answer
    const { connectors, complete } = answer
    return { ok: true, at, connectors, complete, history: await this.#keep({ at, connectors, complete }) }
  }

  /** A disk that is full must not keep anybody from seeing the connector as it is now. */
  async #keep(reading: Reading): Promise<ConnectorHistory | undefined> {
    const { store, tenant, log } = this.parts
    try {
      const known = await store.connectorHistory(tenant)
      // Two readings may overlap: what is older than what is kept tells nothing new.
      if (known && known.lastRead >= reading.at) return known
      const history = withReading(known, { tenant, ...reading })
      await store.saveConnectorHistory(history)
      return history
    } catch (fault) {
      log.error({ tenant, fault: messageOf(fault) }, 'a reading of the connectors could not be kept')
      return undefined
    }
  }
}

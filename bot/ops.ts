import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, elapsedMs, type Instant, secondMs } from '../src/clock.js'
import { Fault, messageOf } from '../src/errors.js'
import type { TenantHealth } from '../src/health/findings.js'
import { isOpen, type Problem } from '../src/health/problem.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Log } from '../src/log.js'
import { isLoopback } from '../src/loopback.js'
import { type Measured, Metrics } from './metrics.js'
import type { Readiness } from './server.js'

/** How everything is, for whoever operates the bot. */
export interface OpsState {
  readiness: Readiness
  /** Since when the tenants have been watched. */
  startedAt: Instant
  tenants: TenantHealth[]
  problems: Problem[]
  conversations: Conversation[]
  /** Names of the tenants that are shown in no conversation. */
  servedNowhere: string[]
}

const mostServedNowhere = 100

export interface OpsParts {
  state: () => Promise<OpsState>
  clock: Clock
  log: Log
}

/**
 * The second listener, for operators: `/metrics` and `/readyz` with details. It names tenants, so it belongs on
 * loopback or a network that only operators reach.
 */
export class Ops {
  readonly #metrics = new Metrics()
  readonly #server: Server

  constructor(private readonly parts: OpsParts) {
    // Without an interval Node looks for slow clients only every thirty seconds.
    this.#server = createServer({ connectionsCheckingInterval: 2 * secondMs }, (request, response) => {
      this.#answer(request, response).catch((error) => {
        parts.log.error({ err: error }, `operators were not answered: ${messageOf(error)}`)
        send(response, 500, 'application/json', JSON.stringify({ error: 'the bot failed' }))
      })
    })
    this.#server.headersTimeout = 5 * secondMs
    this.#server.requestTimeout = 10 * secondMs
    // Whoever asks for much and reads nothing of it is no request that is late.
    this.#server.timeout = 15 * secondMs
    this.#server.maxConnections = 50
  }

  /**
   * Listens there.
   * @returns the port, which is another than the one asked for if that was 0
   * @throws Fault `opsPortNotFree`
   */
  async listen({ host, port }: { host: string; port: number }): Promise<number> {
    if (!isLoopbackHost(host))
      this.parts.log.warn({ host, port }, 'metrics and details are served beyond this machine (OPS_HOST)')
    this.#server.listen(port, host)
    try {
      await once(this.#server, 'listening')
    } catch (error) {
      throw new Fault(
        'opsPortNotFree',
        `Metrics cannot be served on ${host}, port ${port}: ${messageOf(error)}.`,
        'Stop whatever uses that port, or set OPS_PORT (and OPS_HOST) to something else.',
      )
    }
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0]
    const { clock, state } = this.parts
    if (method !== 'GET' || (path !== '/metrics' && path !== '/readyz'))
      return send(response, 404, 'application/json', JSON.stringify({ error: 'not served' }))
    const found = await state()
    const { down } = found.readiness
    if (path === '/metrics')
      return send(
        response,
        200,
        this.#metrics.contentType,
        await this.#metrics.text(measured(found, clock.now())),
      )
    send(response, down ? 503 : 200, 'application/json', JSON.stringify(details(found), null, 2))
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return
  // Not chained: restify replaces writeHead for the whole process by one that returns nothing.
  response.writeHead(status, { 'content-type': type, connection: 'close' })
  response.end(body)
}

const isLoopbackHost = (host: string): boolean => {
  const url = `http://${host.includes(':') ? `[${host}]` : host}`
  return URL.canParse(url) && isLoopback(new URL(url))
}

function measured({ readiness, tenants, problems, startedAt }: OpsState, now: Instant): Measured {
  const counts = new Map<string, number>()
  for (const { cause } of problems.filter(isOpen)) counts.set(cause, (counts.get(cause) ?? 0) + 1)
  const ages = tenants.map(({ list }) => elapsedMs(list.lastGoodReadAt ?? startedAt, now) / secondMs)
  return {
    degraded: [...new Set(readiness.degraded)],
    problems: counts,
    tenants: tenants.length,
    lastGoodReadAgeSeconds: Math.max(0, ...ages),
  }
}

function details({ readiness, tenants, problems, conversations, servedNowhere, startedAt }: OpsState) {
  return {
    status: readiness.down ? 'down' : 'ready',
    degraded: readiness.degraded,
    servedNowhere: servedNowhere.slice(0, mostServedNowhere),
    watchingSince: startedAt,
    tenants,
    problems: problems.filter(isOpen),
    conversations: {
      known: conversations.length,
      watching: conversations.filter(({ watching, gone }) => watching && !gone).length,
      lost: conversations.filter(({ watching, gone }) => watching && gone).length,
    },
  }
}

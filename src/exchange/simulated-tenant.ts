import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import { Fault } from '../errors.js'
import {
  cmdletOf,
  refuseAtTheDoor,
  runCmdlet,
  type SimulatedReply,
  type SimulatedRequest,
} from './simulated-admin-api.js'
import type { SimulatedAlertPolicy } from './simulated-alert-policies.js'
import type { SimulatedAct } from './simulated-audit.js'
import type { SimulatedConnector } from './simulated-connectors.js'
import { FaultScript } from './simulated-faults.js'
import { type ConnectorChange, SimulatedOrganisation } from './simulated-organisation.js'
import type { SimulatedRestriction } from './simulated-rows.js'

const usuallyLogged = 5_000

const commandSchema = z.object({
  CmdletInput: z.object({
    CmdletName: z.string(),
    Parameters: z.record(z.string(), z.unknown()).default({}),
  }),
})

/** What the simulated tenant is made of. */
export interface SimulatedTenantOptions {
  tenantId: string
  clock: Clock
  /** How long a row stays listed after its removal was accepted, in milliseconds. */
  lagMs: number
  /** How long after an act the audit log shows it, in milliseconds (0); Microsoft's takes 60 to 90 minutes. */
  auditLagMs?: number
  /** Those of a made-up Contoso, if none are given. */
  connectors?: SimulatedConnector[]
  /** On 127.0.0.1; 0, the default, takes any free one. */
  port?: number
  /** How many of the last requests are kept (5,000): fewer, where there are many tenants. */
  logged?: number
  /** Which tokens are accepted for which cmdlet; any, if not given. */
  admits?: (token: string, cmdlet: string) => boolean
}

/** An organisation of Exchange Online on this machine, with as much of the admin API as we use. */
export interface SimulatedTenant {
  /** What `EXCHANGE_URL` is set to, and the URL of Security & Compliance; known once it has started. */
  readonly url: string
  start(): Promise<void>
  /** Cuts all connections, also those that a fault keeps hanging. */
  stop(): Promise<void>
  /**
   * Restricts a connector, by id or by name; without one, the next that is not restricted yet. Restricting one
   * that is listed already starts a new episode.
   */
  restrict(connector?: string): SimulatedRestriction
  /** Takes a row off the list at once, as if somebody had unblocked it in the portal a while ago. */
  release(connectorId: string): void
  /** What is listed now. */
  restricted(): SimulatedRestriction[]
  /** Somebody changes a connector, by default Contoso's suspect account; the audit log gets to know. */
  change(connectorId: string, change: ConnectorChange, by?: string): void
  /** Somebody deletes a connector, and its row in the list with it. */
  removeConnector(connectorId: string, by?: string): void
  /** Somebody else than the bot removes a block; the row leaves the list after `lagMs`. */
  unblock(connectorId: string, by: string): void
  connectors: SimulatedConnector[]
  lagMs: number
  auditLagMs: number
  /** Whether audit logging is on; while it is off nothing is recorded. */
  auditing: boolean
  /** What is or will be in the audit log, the oldest first. */
  readonly acts: SimulatedAct[]
  /** "Suspicious connector activity"; undefined where there is no such policy. */
  alertPolicy: SimulatedAlertPolicy | undefined
  /** Serves one request, for whoever runs one server for many tenants; then `start` is not needed. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** The last requests, oldest first. */
  readonly log: SimulatedRequest[]
  readonly faults: FaultScript
}

/** Speaks Exchange's admin API over plain HTTP on 127.0.0.1, for the demo and for tests. */
export const createSimulatedTenant = (options: SimulatedTenantOptions): SimulatedTenant =>
  new LoopbackTenant(options)

class LoopbackTenant extends SimulatedOrganisation implements SimulatedTenant {
  readonly log: SimulatedRequest[] = []
  readonly faults = new FaultScript()
  private requests = 0
  private readonly server = createServer((request, response) => this.handle(request, response))

  constructor(private readonly options: SimulatedTenantOptions) {
    super(options.clock, options.lagMs, options.auditLagMs ?? 0, options.connectors)
  }

  get url(): string {
    const address = this.server.address()
    if (address !== null && typeof address === 'object') return `http://127.0.0.1:${address.port}`
    throw new Fault(
      'simulatedTenantStopped',
      'The simulated tenant is not running, so it has no URL.',
      'Start it first.',
    )
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(this.options.port ?? 0, '127.0.0.1', resolve)
    })
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    // Reading fails only if the caller went away, and then there is nobody to answer.
    this.serve(request, response).catch(() => response.destroy())
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization = '', ...headers } = incoming.headers
    const command = readCommand(await text(incoming))
    const url = new URL(incoming.url ?? '/', `http://${headers.host}`)
    const request: SimulatedRequest = {
      at: this.options.clock.now(),
      method: incoming.method ?? '',
      url,
      cmdlet: cmdletOf(url, command?.CmdletName),
      parameters: command?.Parameters ?? {},
      headers,
      authorized: /^Bearer \S+$/.test(authorization),
    }
    this.requests++
    this.log.push(request)
    if (this.log.length > (this.options.logged ?? usuallyLogged)) this.log.shift()
    this.transmit(this.replyTo(request, authorization), request, response)
  }

  private replyTo(request: SimulatedRequest, authorization: string): SimulatedReply {
    const { tenantId, admits = () => true } = this.options
    const isAdmitted = admits(authorization.replace('Bearer ', ''), request.cmdlet)
    return (
      refuseAtTheDoor(request, tenantId, isAdmitted) ??
      runCmdlet(this, request, this.faults.take(request.cmdlet))
    )
  }

  private transmit(reply: SimulatedReply, request: SimulatedRequest, response: ServerResponse): void {
    request.answer = reply.kind === 'answer' ? reply.status : reply.kind
    if (reply.kind === 'hang') return
    if (reply.kind === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    const status = reply.kind === 'answer' ? reply.status : 200
    const length = Buffer.byteLength(reply.body)
    const requestId = `00000000-0000-4000-8000-${String(this.requests).padStart(12, '0')}`
    response.writeHead(status, { 'request-id': requestId, 'content-length': length, ...reply.headers })
    if (reply.kind === 'answer') response.end(reply.body)
    else response.write(reply.body.slice(0, length / 2), () => response.socket?.destroy())
  }
}

function readCommand(body: string): z.infer<typeof commandSchema>['CmdletInput'] | undefined {
  try {
    return commandSchema.parse(JSON.parse(body)).CmdletInput
  } catch {
    return undefined
  }
}

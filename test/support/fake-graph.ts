import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FakePerson } from './fake-teams.js'

/** What Microsoft Graph does instead of answering properly. */
export type GraphFault =
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** Keeps the connection open and never answers. */
  | { kind: 'hang' }
  /** Answers properly, and names a group that nobody asked about as well. */
  | { kind: 'wrongIds' }

/** One request as the fake saw it. */
export interface GraphRequest {
  method: string
  path: string
  token: string
  ids?: string[]
}

const mostIds = 20
const stranger = 'ffffffff-ffff-4fff-8fff-ffffffffffff'

/**
 * Microsoft Graph as far as the bot asks it, over real HTTP on 127.0.0.1: who is in which group or directory role,
 * and whose a user principal name is. Members are kept as they are in the end, through however many groups.
 */
export class FakeGraph {
  url = ''
  readonly requests: GraphRequest[] = []
  /** Answers that are being made; what hangs does not count. */
  inFlight = 0
  readonly #people = new Map<string, FakePerson>()
  readonly #members = new Map<string, Set<string>>()
  readonly #single: GraphFault[] = []
  #lasting: GraphFault | undefined
  readonly #arrivals = new EventEmitter()
  readonly #server: Server
  /** Tokens that are not accepted any more. */
  readonly revoked = new Set<string>()

  private constructor() {
    this.#server = createServer((request, response) => {
      this.inFlight += 1
      this.#serve(request, response)
        .catch((error) => reply(response, 500, { error: { code: 'fake', message: String(error) } }))
        .finally(() => {
          this.inFlight -= 1
        })
    })
  }

  static async start(...people: FakePerson[]): Promise<FakeGraph> {
    const graph = new FakeGraph()
    for (const person of people) graph.#people.set(person.aadObjectId, person)
    await new Promise<void>((resolve) => graph.#server.listen(0, '127.0.0.1', resolve))
    graph.url = `http://127.0.0.1:${(graph.#server.address() as AddressInfo).port}`
    return graph
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Makes somebody a member of groups, or a holder of directory roles. */
  put(person: FakePerson, ...ids: string[]): void {
    for (const id of ids) this.#members.set(id, (this.#members.get(id) ?? new Set()).add(person.aadObjectId))
  }

  remove(person: FakePerson, id: string): void {
    this.#members.get(id)?.delete(person.aadObjectId)
  }

  failNext(fault: GraphFault): void {
    this.#single.push(fault)
  }

  fail(fault: GraphFault): void {
    this.#lasting = fault
  }

  recover(): void {
    this.#lasting = undefined
  }

  /** Resolves when so many requests have arrived, answered or not. */
  async seen(requests: number): Promise<void> {
    while (this.requests.length < requests) await once(this.#arrivals, 'request')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request
    const path = decodeURIComponent(new URL(url, this.url).pathname)
    const body = method === 'POST' ? (JSON.parse(await text(request)) as { ids: string[] }) : undefined
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    this.requests.push({ method, path, token, ...body })
    this.#arrivals.emit('request')
    const fault = this.#single.shift() ?? this.#lasting
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      return void response.end(fault.body ?? JSON.stringify({ error: { code: 'Faked', message: 'no' } }))
    }
    // The fake Entra's tokens say what they were asked for.
    if (!token.endsWith(`_for_${this.url}/.default`) || this.revoked.has(token))
      return reply(response, 401, { error: { code: 'InvalidAuthenticationToken', message: 'no' } })
    const user = /^\/v1\.0\/users\/([^/]+)(\/checkMemberObjects)?$/.exec(path)
    const person = [...this.#people.values()].find(({ aadObjectId, userPrincipalName }) =>
      [aadObjectId, userPrincipalName].includes(user?.[1] ?? ''),
    )
    if (!person) return reply(response, 404, { error: { code: 'Request_ResourceNotFound', message: 'no' } })
    if (!body) return reply(response, 200, { id: person.aadObjectId, userType: 'Member' })
    if (body.ids.length > mostIds)
      return reply(response, 400, { error: { code: 'Request_BadRequest', message: 'too many ids' } })
    const value = body.ids.filter((id) => this.#members.get(id)?.has(person.aadObjectId))
    reply(response, 200, { value: fault ? [...value, stranger] : value })
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  // Not chained: restify replaces writeHead for the whole process by one that returns nothing.
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

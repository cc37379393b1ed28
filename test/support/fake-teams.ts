import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

/** Made once, as they take long. */
let keys: Promise<[KeyPair, KeyPair]> | undefined
type Json = Record<string, unknown>

/** Somebody in the fake's world. */
export interface FakePerson {
  /** `29:...`, how the chat names the person. */
  id: string
  aadObjectId: string
  name: string
  userPrincipalName: string
  tenantId: string
  userRole: 'user' | 'guest' | 'anonymous'
}

/** A message as it stands in a conversation now, with every state it had before. */
export interface FakeMessage {
  id: string
  /** The channel or chat. */
  conversation: string
  /** The message whose thread it is in, if any. */
  thread?: string | undefined
  activity: Json
  edits: Json[]
}

/** How a request to the connector goes wrong. */
export interface TeamsFault {
  status: number
  body?: Json
  headers?: Record<string, string>
  /** The connector does what was asked and then answers like this: nobody can know. */
  after?: boolean
}

export type Which = 'post' | 'edit' | 'member'

/**
 * Teams as the bot sees it, over real HTTP on 127.0.0.1: the Bot Connector with its conversations and rosters,
 * and the signing keys that the Bot Connector publishes.
 */
export class FakeTeams {
  url = ''
  readonly messages: FakeMessage[] = []
  readonly requests: { method: string; path: string; authorization: string | undefined; body?: Json }[] = []
  readonly rosters = new Map<string, FakePerson[]>()
  readonly #faults: { which: Which; fault: TeamsFault }[] = []
  readonly #endorsed: KeyPair
  readonly #unendorsed: KeyPair
  readonly #server: Server
  inFlight = 0
  keyFetches = 0
  /** What the key endpoint does instead of answering. */
  keysDown = false

  private constructor(keys: { endorsed: KeyPair; unendorsed: KeyPair }) {
    this.#endorsed = keys.endorsed
    this.#unendorsed = keys.unendorsed
    this.#server = createServer((request, response) => {
      this.inFlight += 1
      response.on('close', () => {
        this.inFlight -= 1
      })
      this.#serve(request, response).catch((error) => this.#reply(response, 500, { error: String(error) }))
    })
  }

  static async start(): Promise<FakeTeams> {
    keys ??= Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
    const [endorsed, unendorsed] = await keys
    const teams = new FakeTeams({ endorsed, unendorsed })
    await new Promise<void>((resolve) => teams.#server.listen(0, '127.0.0.1', resolve))
    teams.url = `http://127.0.0.1:${(teams.#server.address() as AddressInfo).port}`
    return teams
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get host(): string {
    return new URL(this.url).host
  }

  get metadataUrl(): string {
    return `${this.url}/openid`
  }

  /** The next request of that kind goes wrong; said twice, the next two do. */
  failNext(which: Which, fault: TeamsFault): void {
    this.#faults.push({ which, fault })
  }

  /** A token as the Bot Connector signs it. */
  token(
    claims: JWTPayload,
    options: { key?: 'endorsed' | 'unendorsed'; kid?: string } = {},
  ): Promise<string> {
    const { key = 'endorsed' } = options
    const pair = key === 'endorsed' ? this.#endorsed : this.#unendorsed
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: options.kid ?? key, typ: 'JWT' })
      .sign(pair.privateKey)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request
    const path = decodeURIComponent(new URL(url, this.url).pathname)
    if (path === '/openid' || path === '/keys') return this.#serveKeys(path, response)
    const body = method === 'GET' ? undefined : ((await json(request)) as Json)
    this.requests.push({
      method,
      path,
      authorization: request.headers.authorization,
      ...(body ? { body } : {}),
    })
    const parts = path.split('/').slice(1)
    if (parts[0] !== 'v3' || parts[1] !== 'conversations') return this.#reply(response, 404, {})
    if (method === 'POST' && parts.length === 2) return this.#create(body ?? {}, response)
    const [root = '', thread] = (parts[2] ?? '').split(';messageid=')
    if (method === 'GET' && parts[3] === 'members') return this.#member(root, parts[4] ?? '', response)
    if (method === 'POST' && parts[3] === 'activities') {
      return this.#guard('post', response, () => ({ id: this.#add(root, body ?? {}, thread).id }))
    }
    if (method === 'PUT') return this.#edit(parts[4] ?? '', body ?? {}, response)
    return this.#reply(response, 404, {})
  }

  async #serveKeys(path: string, response: ServerResponse): Promise<void> {
    if (this.keysDown) return this.#reply(response, 503, {})
    if (path === '/openid') return this.#reply(response, 200, { jwks_uri: `${this.url}/keys` })
    this.keyFetches += 1
    const keys = await Promise.all([
      exportJWK(this.#endorsed.publicKey).then((key) => ({
        ...key,
        kid: 'endorsed',
        endorsements: ['msteams'],
      })),
      exportJWK(this.#unendorsed.publicKey).then((key) => ({ ...key, kid: 'unendorsed' })),
    ])
    this.#reply(response, 200, { keys })
  }

  #create(body: Json, response: ServerResponse): void {
    const channel = (body.channelData as { channel?: { id: string } } | undefined)?.channel?.id ?? ''
    this.#guard('post', response, () => {
      const { id } = this.#add(channel, body.activity as Json)
      return { id: `${channel};messageid=${id}`, activityId: id }
    })
  }

  #edit(id: string, body: Json, response: ServerResponse): void {
    const message = this.messages.find((one) => one.id === id)
    if (!message) return this.#reply(response, 404, { error: { code: 'ActivityNotFoundInConversation' } })
    this.#guard('edit', response, () => {
      message.edits.push(message.activity)
      message.activity = body
      return { id }
    })
  }

  #member(conversation: string, id: string, response: ServerResponse): void {
    const person = this.rosters
      .get(conversation)
      ?.find((one) => [one.id, one.aadObjectId, one.userPrincipalName].includes(id))
    if (!person) return this.#reply(response, 404, { error: { code: 'MemberNotFoundInConversation' } })
    this.#guard('member', response, () => ({ ...person }))
  }

  #add(conversation: string, activity: Json, thread?: string): FakeMessage {
    const message = {
      id: String(1_700_000_000_000 + this.messages.length),
      conversation,
      thread,
      activity,
      edits: [],
    }
    this.messages.push(message)
    return message
  }

  /** Does what was asked, unless a fault comes first; a fault `after` comes when it is done. */
  #guard(which: Which, response: ServerResponse, work: () => Json): void {
    const index = this.#faults.findIndex((one) => one.which === which)
    const fault = index < 0 ? undefined : this.#faults.splice(index, 1)[0]?.fault
    if (fault && !fault.after) return this.#reply(response, fault.status, fault.body ?? {}, fault.headers)
    const done = work()
    if (fault) this.#reply(response, fault.status, fault.body ?? {}, fault.headers)
    else this.#reply(response, 200, done)
  }

  #reply(response: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void {
    if (status === 0) return void response.destroy()
    // Not chained: restify replaces writeHead for the whole process by one that returns nothing.
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
}

/** The card that a message holds, if any. */
export function cardOf(message: FakeMessage | { activity: Json } | undefined): Json | undefined {
  const attachments = message?.activity.attachments as { content: Json }[] | undefined
  return attachments?.[0]?.content
}

/** All words that a card or message shows, in their order. */
export function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordsOf).filter(Boolean).join('\n')
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, inner]) => {
      if (key === 'fallback' || key === 'data') return ''
      return typeof inner === 'string'
        ? ['text', 'title', 'label'].includes(key)
          ? inner
          : ''
        : wordsOf(inner)
    })
    .filter(Boolean)
    .join('\n')
}

/** Every button of a card that sends something, wherever on it. */
export function buttonsOf(value: unknown): { title: string; verb: string; data: Json }[] {
  if (Array.isArray(value)) return value.flatMap(buttonsOf)
  if (typeof value !== 'object' || value === null) return []
  if ('type' in value && value.type === 'Action.Execute')
    return [value as unknown as ReturnType<typeof buttonsOf>[number]]
  return Object.entries(value).flatMap(([key, inner]) => (key === 'fallback' ? [] : buttonsOf(inner)))
}

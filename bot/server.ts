import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Activity, InvokeResponse } from 'botbuilder'
import { AuthenticationError } from 'botframework-connector'
import restify, { type Next, type Request, type Response, type Server } from 'restify'
import { secondMs } from '../src/clock.js'
import { Fault, messageOf } from '../src/errors.js'
import type { Log } from '../src/log.js'
import type { Admission, Alerts } from './alerts.js'
import { incomingSchema } from './incoming.js'

const mostBodyBytes = 256 * 1024
const deepestBody = 64
const mostConnections = 1_000

/** Constant words for what is wrong; an empty list is good. `down` means that clicks cannot be served. */
export interface Readiness {
  down: boolean
  degraded: string[]
}

export interface ServerParts {
  /** Runs one turn; throws AuthenticationError for whoever is not Teams. */
  take: (authorization: string, activity: Activity) => Promise<InvokeResponse | undefined>
  isServiceHost: (serviceUrl: string) => boolean
  readiness: () => Promise<Readiness>
  /** Without it there is no `/api/alerts`. */
  alerts?: Alerts | undefined
  log: Log
}

/**
 * The way in. restify's own body readers are not safe to put on a network: one request with a broken gzip body
 * ends the process, a small one can grow without limit, multipart lands on the disk before anybody was
 * authenticated. None of them is used: a body is plain JSON of limited size, and read here.
 */
export function createServer({ take, isServiceHost, readiness, alerts, log }: ServerParts): Server {
  const server = restify.createServer({ name: 'Connector Warden', handleUncaughtExceptions: false })
  limitSlowClients(server)
  // restify listens for upgrades and does nothing with them: such a connection would have no time limit, hold up
  // every stop, and anybody could open a thousand. Without a listener it is a request like any other.
  server.server.removeAllListeners('upgrade')
  server.post('/api/messages', (request: Request, response: Response, next: Next) => {
    answerMessage(request, { take, isServiceHost, log })
      .then(({ status, body }) => send(response, status, body))
      .catch((error) => {
        log.error({ err: error }, `a turn failed: ${messageOf(error)}`)
        send(response, 500, { error: 'the bot failed' })
      })
      .finally(() => next())
  })
  if (alerts)
    server.post('/api/alerts', (request: Request, response: Response, next: Next) => {
      answerAlert(request, alerts)
        .then(({ status, body, headers }) => send(response, status, body, headers))
        .catch((error) => {
          log.error({ err: error }, `an alert was not taken: ${messageOf(error)}`)
          send(response, 500, { error: 'the bot failed' })
        })
        .finally(() => next())
    })
  server.get('/healthz', (_request: Request, response: Response, next: Next) => {
    send(response, 200, { status: 'running' })
    next()
  })
  server.get('/readyz', (_request: Request, response: Response, next: Next) => {
    readiness()
      .then(({ down, degraded }) =>
        send(response, down ? 503 : 200, { status: down ? 'down' : 'ready', degraded }),
      )
      .catch(() => send(response, 503, { status: 'down', degraded: ['unknown'] }))
      .finally(() => next())
  })
  // What restify itself answers (no such route, a body that is no JSON) must not echo anything.
  server.on(
    'restifyError',
    (_request: Request, response: Response, error: { statusCode?: number }, done: () => void) => {
      send(response, error.statusCode && error.statusCode < 500 ? error.statusCode : 500, {
        error: 'not served',
      })
      done()
    },
  )
  return server
}

/** restify has no option for these; they have to be set before it listens. */
function limitSlowClients({ server }: Server): void {
  server.headersTimeout = 10 * secondMs
  server.requestTimeout = 20 * secondMs
  server.keepAliveTimeout = 5 * secondMs
  server.maxConnections = mostConnections
  // Without it Node looks for slow clients only every thirty seconds.
  Object.assign(server, { connectionsCheckingInterval: 2 * secondMs })
}

interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

const notAuthenticated = { error: 'not authenticated' }

async function answerMessage(
  request: Request,
  { take, isServiceHost, log }: Pick<ServerParts, 'take' | 'isServiceHost' | 'log'>,
): Promise<Answer> {
  const read = await readJson(request)
  if (!read.ok) return { status: read.status, body: { error: read.why } }
  const incoming = isShallow(read.json) ? incomingSchema.safeParse(read.json) : undefined
  if (!incoming?.success) return { status: 400, body: { error: 'not an activity of Microsoft Teams' } }
  // Before anything else learns of it: this is where the bot's own token would go.
  if (!isServiceHost(incoming.data.serviceUrl)) return { status: 401, body: notAuthenticated }
  try {
    const answer = await take(request.headers.authorization ?? '', incoming.data as unknown as Activity)
    return { status: answer?.status ?? 200, body: answer?.body }
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error
    log.debug({ why: error.message }, 'not authenticated')
    return { status: error.statusCode, body: notAuthenticated }
  }
}

/** Whoever is let in is answered at once; what was sent is read to its end and thrown away. */
async function answerAlert(request: Request, alerts: Alerts): Promise<Answer> {
  const admission = alerts.admit(request.headers.authorization)
  if (!admission.ok) return refusedAlert(admission)
  if (request.headers['content-encoding'] !== undefined)
    return { status: 415, body: { error: 'encoded bodies are not served' } }
  const length = await lengthOf(request).catch(() => undefined)
  // The caller hung up in the middle: nobody hears the answer.
  if (length === undefined) return { status: 400, body: { error: 'broke off' } }
  if (length > mostBodyBytes) return { status: 413, body: { error: 'too large' } }
  alerts.read(new URL(request.url ?? '/', 'http://bot').searchParams.get('tenant') ?? undefined)
  return { status: 202, body: { status: 'reading' } }
}

function refusedAlert({ status, why, retryAfterSeconds }: Extract<Admission, { ok: false }>): Answer {
  const headers = {
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  }
  return { status, body: { error: why }, headers }
}

/** How long a body is; what is more than it may be is not read. */
async function lengthOf(request: Request): Promise<number> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > mostBodyBytes) return announced
  let received = 0
  for await (const chunk of request) {
    received += chunk.length
    if (received > mostBodyBytes) break
  }
  return received
}

type Body = { ok: true; json: unknown } | { ok: false; status: number; why: string }

async function readJson(request: Request): Promise<Body> {
  const { headers } = request
  const refuse = (status: number, why: string): Body => ({ ok: false, status, why })
  if (headers['content-encoding'] !== undefined) return refuse(415, 'encoded bodies are not served')
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
    return refuse(415, 'only JSON is served')
  if (Number(headers['content-length'] ?? 0) > mostBodyBytes) return refuse(413, 'too large')
  try {
    const text = await readText(request)
    if (text === undefined) return refuse(413, 'too large')
    return { ok: true, json: JSON.parse(text) }
  } catch {
    // Not JSON, or the caller hung up in the middle: neither is a fault of ours.
    return refuse(400, 'not JSON')
  }
}

async function readText(request: Request): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of request) {
    received += chunk.length
    // Leaving the loop destroys the request, so an endless body ends here and not at its end.
    if (received > mostBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(
  response: Response,
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  // What was refused unread must not be read as the next request on this connection.
  if (status >= 400) response.setHeader('connection', 'close')
  response.status(status)
  if (body === undefined) response.end()
  else response.json(body)
}

/** Walks the levels one after the other: recursion would be what such a body is made to exhaust. */
function isShallow(body: unknown): boolean {
  let level = [body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestBody) return false
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
  }
  return true
}

/**
 * Listens where the settings say.
 * @returns the port, which is another than the one asked for if that was 0
 * @throws Fault `portNotFree`
 */
export async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<number> {
  server.listen(port, host)
  try {
    // restify passes its errors on: one that nobody takes there ends the process.
    await once(server, 'listening')
  } catch (error) {
    throw new Fault(
      'portNotFree',
      `The bot cannot listen on ${host}, port ${port}: ${messageOf(error)}.`,
      'Stop whatever uses that port, or set PORT (and HOST) to something else.',
    )
  }
  return (server.server.address() as AddressInfo).port
}

/** Resolves when the requests that are being served have been answered; new ones are not taken. */
export const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.server.closeIdleConnections()
  })

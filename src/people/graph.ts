import { z } from 'zod'
import { type Clock, elapsedMs, type Instant, later, secondMs, within } from '../clock.js'
import type { TokenAnswer, TokenSource } from '../credentials.js'
import type { Log } from '../log.js'
import { type Asked, ask, type GraphReply } from './graph-request.js'
import type { Directory, DirectoryFailure } from './roles.js'

export interface GraphParts {
  /** `GRAPH_URL`, without a slash at its end. */
  url: string
  /** The bot's own app in the home tenant. */
  tokens: TokenSource
  clock: Clock
  log: Log
  newId: () => string
}

type Result = { ok: true; status: number; json: unknown } | DirectoryFailure

/** From Microsoft's page on `checkMemberObjects`. */
const mostIdsPerCall = 20
const mostCallsAtOnce = 4
const userIdPatienceMs = 10 * secondMs
const longestRestMs = 60 * secondMs

const membersSchema = z.object({ value: z.array(z.string()) })
const userSchema = z.object({ id: z.guid() })
const errorSchema = z.object({ error: z.object({ code: z.string() }) })

/**
 * The home tenant's directory, asked through Microsoft Graph with the bot's own app. A token that is not accepted
 * is renewed once; where Graph says how long to leave it alone, it is left alone, for a minute at most.
 */
export function createGraph(parts: GraphParts): Directory {
  const { url, tokens, clock, log, newId } = parts
  let restUntil: Instant | undefined

  async function call(asked: Asked, deadline: Instant): Promise<Result> {
    const requestId = newId()
    const result = await attempt({ ...asked, requestId }, deadline)
    if (!result.ok) log.warn({ graph: asked.what, code: result.code, requestId }, result.message)
    return result
  }

  async function attempt(asked: Asked & { requestId: string }, deadline: Instant): Promise<Result> {
    if (restUntil !== undefined && clock.now() < restUntil)
      return failed('throttled', 'Microsoft Graph is busy and asked to be left alone for a moment')
    const first = await tokenBefore(deadline, () => tokens.token(scope))
    if (!first.ok) return first
    const reply = await ask(url, { ...asked, token: first.token }, { clock, deadline })
    if (reply.kind !== 'answered' || reply.status !== 401) return judged(reply)
    const second = await tokenBefore(deadline, () => renewed(first.token))
    if (!second.ok) return second
    return judged(await ask(url, { ...asked, token: second.token }, { clock, deadline }))
  }

  const scope = `${url}/.default`

  /** Of several calls whose token was refused, the first renews it for all. */
  async function renewed(refused: string): Promise<TokenAnswer> {
    const held = await tokens.token(scope)
    return held.ok && held.token !== refused ? held : tokens.token(scope, { fresh: true })
  }

  async function tokenBefore(
    deadline: Instant,
    get: () => Promise<TokenAnswer>,
  ): Promise<{ ok: true; token: string } | DirectoryFailure> {
    const left = elapsedMs(clock.now(), deadline)
    return left <= 0 ? noTimeLeft : within(clock, left, get(), late)
  }

  function judged(reply: GraphReply): Result {
    const result = judge(reply)
    if (!result.ok && reply.kind === 'answered' && reply.retryAfterMs !== undefined)
      restUntil = later(clock.now(), Math.min(reply.retryAfterMs, longestRestMs))
    return result
  }

  async function checkMembership(
    objectId: string,
    ids: string[],
    deadline: Instant,
  ): ReturnType<Directory['memberOf']> {
    const path = `/v1.0/users/${encodeURIComponent(objectId)}/checkMemberObjects`
    const result = await call({ what: 'checkMemberObjects', path, body: { ids } }, deadline)
    if (!result.ok) return result
    if (result.status === 404) return { ok: true, ids: [] }
    const members = membersSchema.safeParse(result.json)
    return members.success ? { ok: true, ids: members.data.value } : unreadable
  }

  return {
    async memberOf(objectId, ids, deadline) {
      const wanted = [...new Set(ids.map((id) => id.toLowerCase()))]
      const found = new Set<string>()
      for (const batch of slices(slices(wanted, mostIdsPerCall), mostCallsAtOnce)) {
        const answers = await Promise.all(batch.map((some) => checkMembership(objectId, some, deadline)))
        for (const answer of answers) {
          if (!answer.ok) return answer
          for (const id of answer.ids) found.add(id.toLowerCase())
        }
      }
      // Whatever else Graph may have named was not asked about and gives nobody anything.
      return { ok: true, ids: wanted.filter((id) => found.has(id)) }
    },

    async userId(upn) {
      const path = `/v1.0/users/${encodeURIComponent(upn)}?$select=id`
      const result = await call({ what: 'user', path }, later(clock.now(), userIdPatienceMs))
      if (!result.ok) return result
      if (result.status === 404) return { ok: true, id: undefined }
      const user = userSchema.safeParse(result.json)
      return user.success ? { ok: true, id: user.data.id.toLowerCase() } : unreadable
    },
  }
}

const failed = (code: DirectoryFailure['code'], message: string): DirectoryFailure => ({
  ok: false,
  code,
  message,
})

const late = failed('timeout', 'Microsoft Graph did not answer in time')
const noTimeLeft = failed('timeout', 'there was no time left to ask Microsoft Graph')
const unreadable = failed('unreadable', 'Microsoft Graph answered with something that cannot be read')

/**
 * Microsoft's pages contradict each other about the least permission for `checkMemberObjects`: User.Read.All by an
 * older one, Directory.Read.All by a newer one. Nobody could try it here, so both are named.
 */
const permissionsNeeded =
  "the bot's app needs User.Read.All and GroupMember.Read.All or, if that is not enough, Directory.Read.All"

/** What a reply means. A 404 is an answer, that there is no such user, if it is Graph's own. */
function judge(reply: GraphReply): Result {
  if (reply.kind === 'timedOut') return late
  if (reply.kind === 'lost')
    return failed('unreachable', `Microsoft Graph could not be reached: ${reply.why}`)
  const { status, json } = reply
  const said = errorSchema.safeParse(json).data?.error.code.replace(/[^\w.-]/g, '')
  if ((status === 200 && json !== undefined) || (status === 404 && said)) return { ok: true, status, json }
  const result = `(HTTP ${[status, said?.slice(0, 40)].filter(Boolean).join(' ')})`
  if (status === 401) return failed('credentials', `Microsoft Graph did not accept the bot's token ${result}`)
  if (status === 403) return failed('permission', `Microsoft Graph refused ${result}: ${permissionsNeeded}`)
  if (status === 429) return failed('throttled', `Microsoft Graph is busy ${result}`)
  if (status >= 500) return failed('serverError', `Microsoft Graph failed ${result}`)
  return failed('unreadable', `Microsoft Graph answered with something unexpected ${result}`)
}

function slices<Item>(items: readonly Item[], most: number): Item[][] {
  const count = Math.ceil(items.length / most)
  return Array.from({ length: count }, (_, index) => items.slice(index * most, (index + 1) * most))
}

import { z } from 'zod'
import { type Clock, pause, secondMs } from '../src/clock.js'
import type { TokenFailure } from '../src/credentials.js'
import { parseJson } from '../src/http-reply.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Log } from '../src/log.js'
import { networkFailure } from '../src/network-failure.js'
import type { Pacing } from './pacing.js'

/** Gets the bot's own token for Teams; undefined where Teams asks for none (the demo). */
export type BotToken = () => Promise<{ ok: true; token?: string } | TokenFailure>

/** Constant words for why nothing can be said in Teams: the bot's sign-in is refused, or there is no token to be had. */
export type TeamsProblem = 'teamsCredentials' | 'teamsUnreachable'

/** What became of a call to Teams. */
export type Sent<Value> =
  | { kind: 'ok'; value: Value }
  /** Nothing has happened; trying again later may help. */
  | { kind: 'notSent'; why: string }
  /** It may have happened: a post must not be blindly repeated. */
  | { kind: 'ambiguous'; why: string }
  /** The message, member or conversation is not there. */
  | { kind: 'missing'; why: string }
  /** The bot may not speak there any more. */
  | { kind: 'gone'; why: string }
  /** Teams will never take this. */
  | { kind: 'refused'; why: string }

export interface Posted {
  message: string
}

/** A member as the chat's roster knows it; `tenantId` and `userRole` tell guests and strangers. */
const memberSchema = z.looseObject({
  id: z.string(),
  name: z.string().optional(),
  aadObjectId: z.string().optional(),
  objectId: z.string().optional(),
  tenantId: z.string().optional(),
  userPrincipalName: z.string().optional(),
  userRole: z.string().optional(),
})
export type Member = z.infer<typeof memberSchema>

export type OutgoingActivity = Record<string, unknown>

const answerTimeoutMs = 10 * secondMs
const longestRetryAfterMs = 60 * secondMs
const triesInAll = 4

interface Call {
  method: 'GET' | 'POST' | 'PUT'
  serviceUrl: string
  path: string
  body?: unknown
  timeoutMs: number
  tries: number
}

type Attempt = { result: Sent<unknown> } | { retryAfterMs: number | undefined; result: Sent<unknown> }

/**
 * The one way out to Teams. A host is checked before the token goes anywhere near it, redirects are not
 * followed, every call ends, and a post of which nobody knows whether it arrived is never repeated here: there
 * is no idempotency key, so the caller has to decide.
 */
export class ConnectorClient {
  #problem: TeamsProblem | undefined

  constructor(
    private readonly parts: {
      isServiceHost: (serviceUrl: string) => boolean
      token: BotToken
      pacing: Pacing
      clock: Clock
      log: Log
      random: () => number
    },
  ) {}

  /** What was amiss with the bot's sign-in when it was last needed. It cannot be told in Teams. */
  get problem(): TeamsProblem | undefined {
    return this.#problem
  }

  /**
   * Posts a new message: at a channel's top level, or into a chat.
   * @param aboutToSend called when it is this message's turn under Teams' limits, right before the call
   */
  async post(
    to: Conversation,
    activity: OutgoingActivity,
    aboutToSend: () => Promise<void>,
  ): Promise<Sent<Posted>> {
    await this.parts.pacing.turn(to.id)
    await aboutToSend()
    const sent = await this.#postNew(to, activity)
    // Only here is it the conversation that was not found: an edit now and then gets the same answer in error.
    return sent.kind === 'missing' ? { kind: 'gone', why: sent.why } : sent
  }

  async #postNew(to: Conversation, activity: OutgoingActivity): Promise<Sent<Posted>> {
    if (to.kind !== 'channel') return this.#postActivity(to, to.id, activity)
    const channelData = { channel: { id: to.id }, tenant: { id: to.tenantId } }
    const body = { isGroup: true, tenantId: to.tenantId, bot: { id: to.botId }, channelData, activity }
    const sent = await this.#call(to, { method: 'POST', path: 'v3/conversations', body })
    // The answer's `id` is the new thread; `activityId` is the message, in older answers only part of `id`.
    return named(sent, ({ id, activityId }) => activityId ?? id?.split(';messageid=')[1])
  }

  /** Replies in the thread of a message; in a chat, which has no threads, posts at its end. */
  async reply(to: Conversation, message: string, activity: OutgoingActivity): Promise<Sent<Posted>> {
    await this.parts.pacing.turn(to.id)
    return this.#postActivity(to, threadOf(to, message), activity)
  }

  /** Replaces a message that the bot posted before. */
  async edit(to: Conversation, message: string, activity: OutgoingActivity): Promise<Sent<unknown>> {
    await this.parts.pacing.turn(to.id)
    const path = `v3/conversations/${encodeURIComponent(threadOf(to, message))}/activities/${encodeURIComponent(message)}`
    return this.#call(to, { method: 'PUT', path, body: { ...activity, id: message } })
  }

  /** Posts where somebody just spoke: `conversationId` as the activity names it, thread included. */
  async answer(to: Conversation, conversationId: string, activity: OutgoingActivity): Promise<Sent<Posted>> {
    await this.parts.pacing.turn(to.id)
    return this.#postActivity(to, conversationId, activity)
  }

  /**
   * Looks a member up in the roster, once, within `timeoutMs`.
   * @param memberId the id by which the chat knows the person (`29:...`)
   */
  async member(
    to: { serviceUrl: string; id: string },
    memberId: string,
    timeoutMs: number,
  ): Promise<Sent<Member>> {
    const path = `v3/conversations/${encodeURIComponent(to.id)}/members/${encodeURIComponent(memberId)}`
    const sent = await this.#call(to, { method: 'GET', path, timeoutMs, tries: 1 })
    if (sent.kind !== 'ok') return sent
    const member = memberSchema.safeParse(sent.value)
    return member.success
      ? { kind: 'ok', value: member.data }
      : { kind: 'notSent', why: 'the roster answered with something else than a member' }
  }

  async #postActivity(
    to: Conversation,
    conversationId: string,
    activity: OutgoingActivity,
  ): Promise<Sent<Posted>> {
    const path = `v3/conversations/${encodeURIComponent(conversationId)}/activities`
    return named(await this.#call(to, { method: 'POST', path, body: activity }), ({ id }) => id)
  }

  async #call(
    { serviceUrl }: { serviceUrl: string },
    call: Pick<Call, 'method' | 'path'> & Partial<Call>,
  ): Promise<Sent<unknown>> {
    const { clock, log } = this.parts
    const whole: Call = { timeoutMs: answerTimeoutMs, tries: triesInAll, ...call, serviceUrl }
    for (let tries = 1; ; tries++) {
      const attempt = await this.#attempt(whole)
      const { result } = attempt
      if (!('retryAfterMs' in attempt) || tries >= whole.tries) {
        if (result.kind !== 'ok')
          log.warn({ method: whole.method, kind: result.kind, why: result.why }, 'Teams did not take it')
        return result
      }
      await pause(clock, attempt.retryAfterMs ?? this.#backOffMs(tries))
    }
  }

  #backOffMs(tries: number): number {
    return Math.round(secondMs * 2 ** (tries - 1) * (0.75 + this.parts.random() / 2))
  }

  async #attempt({ method, serviceUrl, path, body, timeoutMs }: Call): Promise<Attempt> {
    if (!this.parts.isServiceHost(serviceUrl))
      return { result: { kind: 'refused', why: 'the service URL names a host that is not on the list' } }
    const token = await this.parts.token()
    if (!token.ok) {
      this.#note(token.code === 'credentials' ? 'teamsCredentials' : 'teamsUnreachable', token.message)
      return { retryAfterMs: undefined, result: { kind: 'notSent', why: token.message } }
    }
    try {
      const response = await fetch(`${serviceUrl.replace(/\/+$/, '')}/${path}`, {
        method,
        headers: {
          ...(token.token ? { authorization: `Bearer ${token.token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          accept: 'application/json',
        },
        body: body === undefined ? null : JSON.stringify(body),
        // Not followed: the token goes to the host that was checked, and to no other.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      this.#note(response.status === 401 ? 'teamsCredentials' : undefined, 'Teams answered 401')
      return judge(method, response, await response.text())
    } catch (error) {
      return judgeFailure(method, error)
    }
  }

  /** Said once, however often the bot tries. */
  #note(problem: TeamsProblem | undefined, why: string): void {
    if (problem && problem !== this.#problem)
      this.parts.log.error({ problem, why }, 'the bot cannot sign in to Teams: nothing is shown there')
    this.#problem = problem
  }
}

const threadOf = (to: Conversation, message: string): string =>
  to.kind === 'channel' ? `${to.id};messageid=${message}` : to.id

const idsSchema = z.looseObject({ id: z.string().optional(), activityId: z.string().optional() })

/** A post counts as made only if Teams says which message it became. */
function named(
  sent: Sent<unknown>,
  pick: (ids: z.infer<typeof idsSchema>) => string | undefined,
): Sent<Posted> {
  if (sent.kind !== 'ok') return sent
  const ids = idsSchema.safeParse(sent.value)
  const message = ids.success ? pick(ids.data) : undefined
  return message
    ? { kind: 'ok', value: { message } }
    : { kind: 'ambiguous', why: 'Teams answered without a message id' }
}

/** What an answer means, by Microsoft's table of status codes for conversation messages. */
function judge(method: Call['method'], response: Response, text: string): Attempt {
  const { status } = response
  const why = `Teams answered ${status}${errorCode(text)}`
  // An edit may be answered with nothing at all; a post without an id is noticed by whoever needs the id.
  if (status >= 200 && status < 300) return { result: { kind: 'ok', value: parseJson(text) } }
  if (status === 429 || status === 412)
    return { retryAfterMs: retryAfterMs(response), result: { kind: 'notSent', why } }
  if (status === 502 || status === 503 || status === 504) return doubtful(method, why)
  if (status === 404) return { result: { kind: 'missing', why } }
  if (status === 403) return { result: { kind: 'gone', why } }
  if (status === 401) return { result: { kind: 'notSent', why } }
  return { result: { kind: status >= 500 ? 'ambiguous' : 'refused', why } }
}

function judgeFailure(method: Call['method'], error: unknown): Attempt {
  const { why, neverSent } = networkFailure(error)
  const words = `Teams could not be reached: ${why}`
  if (neverSent) return { retryAfterMs: undefined, result: { kind: 'notSent', why: words } }
  return doubtful(method, words)
}

/** Editing and reading may be repeated; a post may have arrived. */
const doubtful = (method: Call['method'], why: string): Attempt =>
  method === 'POST'
    ? { result: { kind: 'ambiguous', why } }
    : { retryAfterMs: undefined, result: { kind: 'notSent', why } }

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return seconds >= 0 ? Math.min(seconds * secondMs, longestRetryAfterMs) : undefined
}

const errorSchema = z.object({ error: z.object({ code: z.string() }) })

function errorCode(text: string): string {
  const parsed = errorSchema.safeParse(parseJson(text))
  return parsed.success ? ` ${parsed.data.error.code.slice(0, 60)}` : ''
}

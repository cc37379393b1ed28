import { type Instant, secondMs } from '../clock.js'
import type { TokenFailure } from '../credentials.js'
import { readRetryAfter } from '../http-reply.js'
import { errorText, field, parseObject } from './error-text.js'
import { beingStopped, type ReadFailure } from './exchange.js'
import type { HttpAnswer } from './http-request.js'
import type { Command } from './invoke-command.js'
import { remedyFor401, remedyFor403, serviceOf } from './remedies.js'
import { warningsIn } from './warnings.js'

/** What a reply means. */
export type Verdict = Success | Failure | (Failure & { redirectedTo: string })

export interface Success {
  ok: true
  /** undefined where Exchange sent none, which after a write is usual. */
  body: object | undefined
  warnings: string[]
  requestId?: string | undefined
  clientRequestId?: string | undefined
  /** How long we are to leave the tenant alone, although this was answered. */
  retryAfterMs?: number | undefined
}

export interface Failure {
  ok: false
  failure: ReadFailure
  /** Exchange refused, or was never reached: whatever was asked for has certainly not been done. */
  nothingDone: boolean
}

type Answered = Extract<HttpAnswer, { kind: 'answered' }>

const longestWaitMs = 120 * secondMs

const worthAnotherRead = { retryable: true }
const certainlyRefused = { nothingDone: true }

/**
 * Judges what came of a call.
 * @param sent.now for a `Retry-After` that names a date
 * @param sent.clientRequestId our own id of the call, for Microsoft's support
 */
export function judge(
  answer: HttpAnswer,
  command: Command,
  { now, clientRequestId }: { now: Instant; clientRequestId: string },
): Verdict {
  const verdict = judgeAnswer(answer, command)
  const headers = answer.kind === 'answered' ? answer.headers : new Headers()
  const requestId = headers.get('request-id')?.match(/^[\w.-]{1,64}$/)?.[0]
  const seen = { requestId, clientRequestId, retryAfterMs: retryAfter(headers.get('retry-after'), now) }
  return verdict.ok ? { ...verdict, ...seen } : { ...verdict, failure: { ...verdict.failure, ...seen } }
}

function judgeAnswer(answer: HttpAnswer, command: Command): Verdict {
  const service = serviceOf(command.name)
  switch (answer.kind) {
    case 'notSent':
      return failed('unreachable', `${service} could not be reached; nothing was sent: ${answer.why}`, {
        ...worthAnotherRead,
        ...certainlyRefused,
      })
    case 'lost':
      return failed('unreachable', `${service} did not answer: ${answer.why}`, worthAnotherRead)
    case 'timedOut':
      return failed(
        'timeout',
        `${service} did not answer within ${answer.afterSeconds} seconds`,
        worthAnotherRead,
      )
    case 'stopped':
      return stopped
    case 'answered':
      return judgeAnswered(answer, command)
  }
}

/** A call that was not made because there is no token for it. */
export const withoutToken = ({ code, message }: TokenFailure): Failure =>
  failed(code, message, { retryable: code === 'unreachable', nothingDone: true })

/** A call that was not made, or not waited for, because the bot is being stopped. */
export const stopped: Failure = { ok: false, failure: beingStopped, nothingDone: false }

function judgeAnswered({ status, headers, body }: Answered, { name }: Command): Verdict {
  const json = parseObject(body)
  if (json === undefined && isThrottle(body)) return throttled(name)
  if (status >= 200 && status < 300) return judgeSuccess(body, json, name, headers)
  if (status >= 300 && status < 400) return redirected(status, headers.get('location'), name)
  return judgeError(status, errorText(json, name), name)
}

/** Exchange has been seen to throttle in plain text under various statuses. */
const isThrottle = (body: string | undefined): boolean =>
  body !== undefined && /maximum number of concurrent requests/i.test(body)

function judgeSuccess(
  body: string | undefined,
  json: object | undefined,
  name: Command['name'],
  headers: Headers,
): Verdict {
  if (field(json, 'error') !== undefined)
    return failed(
      'serverError',
      `${serviceOf(name)} reported an error for ${name}${colon(errorText(json, name))}`,
      worthAnotherRead,
    )
  if (json || body?.trim() === '') return { ok: true, body: json, warnings: warningsIn(json, headers) }
  return failed(
    'unreadable',
    `${serviceOf(name)}'s answer to ${name} could not be read (${describe(body)})`,
    worthAnotherRead,
  )
}

function redirected(status: number, location: string | null, name: Command['name']): Verdict {
  const words = `${serviceOf(name)} sent ${name} elsewhere (HTTP ${status}), where we do not go`
  return { ...failed('unreadable', words), redirectedTo: location ?? '' }
}

function judgeError(status: number, said: string | undefined, name: Command['name']): Failure {
  const service = serviceOf(name)
  const result = `(HTTP ${status})${colon(said)}`
  if (status === 401)
    return failed(
      'credentials',
      `${service} did not accept the app's token ${result}. ${remedyFor401(name)}`,
      certainlyRefused,
    )
  if (status === 403)
    return failed(
      'permission',
      `${service} refuses ${name} to this app ${result}. ${remedyFor403(name)}`,
      certainlyRefused,
    )
  if (status === 429) return throttled(name)
  if (status === 408)
    return failed('timeout', `${service} took too long over ${name} ${result}`, worthAnotherRead)
  if (status >= 500) return failed('serverError', `${service} failed at ${name} ${result}`, worthAnotherRead)
  // A missing object may mean that somebody else removed the block: only the list tells.
  if (status === 404) return failed('unreadable', `${service} did not find what ${name} asks for ${result}`)
  return failed('unreadable', `${service} refused ${name} ${result}`, { nothingDone: said !== undefined })
}

const failed = (
  code: ReadFailure['code'],
  message: string,
  { retryable = false, nothingDone = false } = {},
): Failure => ({ ok: false, failure: { ok: false, code, message, retryable }, nothingDone })

const throttled = (name: Command['name']): Failure =>
  failed('throttled', `${serviceOf(name)} is busy and did not take ${name}`, {
    retryable: true,
    nothingDone: true,
  })

/** Two minutes at most: nobody who waits for a decision can wait for longer. */
function retryAfter(header: string | null, now: Instant): number | undefined {
  const ms = readRetryAfter(header, now)
  return ms === undefined ? undefined : Math.min(ms, longestWaitMs)
}

const colon = (said: string | undefined): string => (said === undefined ? '' : `: ${said}`)

const describe = (body: string | undefined): string =>
  body === undefined
    ? 'it broke off, was too long or wrongly compressed'
    : `it is not JSON, ${body.length} characters`

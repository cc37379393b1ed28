import { elapsedMs, type Instant, secondMs } from '../clock.js'
import type { TokenFailure } from '../credentials.js'
import type { ReadFailure } from './exchange.js'
import type { Command } from './invoke-command.js'
import { type HttpAnswer, patienceSeconds } from './post.js'

/** What a reply means. */
export type Verdict = Success | Failure | (Failure & { redirectedTo: string })

export interface Success {
  ok: true
  /** undefined where Exchange sent none, which after a write is usual. */
  body: object | undefined
  requestId?: string | undefined
}

export interface Failure {
  ok: false
  failure: ReadFailure
  /** Exchange refused, or was never reached: whatever was asked for has certainly not been done. */
  nothingDone: boolean
}

type Answered = Extract<HttpAnswer, { kind: 'answered' }>

const longestWaitMs = 120 * secondMs
const mostErrorCharacters = 300

const worthAnotherRead = { retryable: true }
const certainlyRefused = { nothingDone: true }

/** Judges what came of a call. `now` is needed for a `Retry-After` that names a date. */
export function judge(answer: HttpAnswer, command: Command, now: Instant): Verdict {
  switch (answer.kind) {
    case 'notSent':
      return failed('unreachable', `Exchange could not be reached; nothing was sent: ${answer.why}`, {
        ...worthAnotherRead,
        ...certainlyRefused,
      })
    case 'lost':
      return failed('unreachable', `Exchange did not answer: ${answer.why}`, worthAnotherRead)
    case 'timedOut':
      return failed('timeout', `Exchange did not answer within ${patienceSeconds} seconds`, worthAnotherRead)
    case 'answered':
      return withHeaders(judgeAnswered(answer, command), answer.headers, now)
  }
}

/** A call that was not made because there is no token for it. */
export const withoutToken = ({ code, message }: TokenFailure): Failure =>
  failed(code, message, { retryable: code === 'unreachable', nothingDone: true })

function judgeAnswered({ status, headers, body }: Answered, { name }: Command): Verdict {
  const json = parseObject(body)
  if (json === undefined && isThrottle(body)) return throttled(name)
  if (status >= 200 && status < 300) return judgeSuccess(body, json, name)
  if (status >= 300 && status < 400) return redirected(status, headers.get('location'), name)
  return judgeError(status, errorText(json), name)
}

/** Exchange has been seen to throttle in plain text under various statuses. */
const isThrottle = (body: string | undefined): boolean =>
  body !== undefined && /maximum number of concurrent requests/i.test(body)

function judgeSuccess(body: string | undefined, json: object | undefined, name: string): Verdict {
  if (field(json, 'error') !== undefined)
    return failed(
      'serverError',
      `Exchange reported an error for ${name}${colon(errorText(json))}`,
      worthAnotherRead,
    )
  if (json || body?.trim() === '') return { ok: true, body: json }
  return failed(
    'unreadable',
    `Exchange's answer to ${name} could not be read (${describe(body)})`,
    worthAnotherRead,
  )
}

function redirected(status: number, location: string | null, name: string): Verdict {
  const failure = failed('unreadable', `Exchange sent ${name} elsewhere (HTTP ${status}), where we do not go`)
  return { ...failure, redirectedTo: location ?? '' }
}

function judgeError(status: number, said: string | undefined, name: string): Failure {
  const result = `(HTTP ${status})${colon(said)}`
  if (status === 401)
    return failed(
      'credentials',
      `Exchange did not accept the app's token ${result}. ${checkToken}`,
      certainlyRefused,
    )
  if (status === 403)
    return failed(
      'permission',
      `Exchange refuses ${name} to this app ${result}. ${roleToAdd(name)}`,
      certainlyRefused,
    )
  if (status === 429) return throttled(name)
  if (status === 408)
    return failed('timeout', `Exchange took too long over ${name} ${result}`, worthAnotherRead)
  if (status >= 500) return failed('serverError', `Exchange failed at ${name} ${result}`, worthAnotherRead)
  // A missing object may mean that somebody else removed the block: only the list tells.
  if (status === 404) return failed('unreadable', `Exchange did not find what ${name} asks for ${result}`)
  return failed('unreadable', `Exchange refused ${name} ${result}`, { nothingDone: said !== undefined })
}

const failed = (
  code: ReadFailure['code'],
  message: string,
  { retryable = false, nothingDone = false } = {},
): Failure => ({ ok: false, failure: { ok: false, code, message, retryable }, nothingDone })

const throttled = (name: string): Failure =>
  failed('throttled', `Exchange is busy and did not take ${name}`, { retryable: true, nothingDone: true })

function withHeaders(verdict: Verdict, headers: Headers, now: Instant): Verdict {
  const requestId = headers.get('request-id')?.match(/^[\w.-]{1,64}$/)?.[0]
  if (verdict.ok) return { ...verdict, requestId }
  const retryAfterMs = retryAfter(headers.get('retry-after'), now)
  return { ...verdict, failure: { ...verdict.failure, requestId, retryAfterMs } }
}

/** `Retry-After` in milliseconds: seconds or an HTTP date, 2 minutes at most; undefined if it is neither. */
function retryAfter(header: string | null, now: Instant): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * secondMs : elapsedMs(now, header)
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), longestWaitMs)
}

const checkToken =
  'Check that the app belongs to this tenant, has the application permission Exchange.ManageAsApp with admin consent, and that EXCHANGE_SCOPE fits EXCHANGE_URL.'

const roleToAdd = (name: string): string =>
  `Give the app the application permission Exchange.ManageAsApp with admin consent and, in Entra, the role ${
    name === 'Remove-BlockedConnector' ? 'Security Administrator' : 'Security Reader'
  }; a new role can take 30 minutes to work.`

const colon = (said: string | undefined): string => (said === undefined ? '' : `: ${said}`)

const describe = (body: string | undefined): string =>
  body === undefined
    ? 'it broke off, was too long or wrongly compressed'
    : `it is not JSON, ${body.length} characters`

function parseObject(body: string | undefined): object | undefined {
  try {
    const parsed: unknown = JSON.parse(body ?? '')
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A field of what Exchange sent, whatever the case of its name: that has been seen to vary. */
function field(from: unknown, name: string): unknown {
  if (!isObject(from)) return undefined
  return Object.entries(from).find(([key]) => key.toLowerCase() === name)?.[1]
}

/**
 * What Exchange says went wrong, from the most telling place that has something. `details` read
 * "<error id>|<exception type>|<text for people>"; the stack traces beside them are never shown.
 */
function errorText(body: object | undefined): string | undefined {
  const error = field(body, 'error')
  const details = field(error, 'details')
  const candidates = [
    ...(Array.isArray(details) ? details.map((detail) => field(detail, 'message')) : []),
    field(field(field(error, 'innererror'), 'internalexception'), 'message'),
    field(error, 'message'),
  ]
  return candidates.map(lastPart).find((text) => text !== '')
}

function lastPart(message: unknown): string {
  if (typeof message !== 'string') return ''
  const text = message.slice(message.lastIndexOf('|') + 1)
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, mostErrorCharacters)
}

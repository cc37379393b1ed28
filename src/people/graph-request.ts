import type { Clock, Instant } from '../clock.js'
import { parseJson, readBody, readRetryAfter } from '../http-reply.js'
import { networkFailure } from '../network-failure.js'

/** One question to Microsoft Graph; with a body it is a POST. `what` is for the log. */
export interface Asked {
  what: string
  path: string
  body?: object | undefined
}

/** What came of asking. `json` is undefined if the body was no JSON, too long, or broke off. */
export type GraphReply =
  | { kind: 'answered'; status: number; json: unknown; retryAfterMs: number | undefined }
  | { kind: 'lost'; why: string }
  | { kind: 'timedOut' }

const mostBodyBytes = 256 * 1024

/** Asks once, until the deadline: nothing is repeated, and no redirect gets to see the token. Never rejects. */
export async function ask(
  url: string,
  { path, body, token, requestId }: Asked & { token: string; requestId: string },
  { clock, deadline }: { clock: Clock; deadline: Instant },
): Promise<GraphReply> {
  if (clock.now() >= deadline) return { kind: 'timedOut' }
  const patience = new AbortController()
  const stopWaiting = clock.wakeAt(deadline, () => patience.abort())
  try {
    const response = await fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        'client-request-id': requestId,
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body ? JSON.stringify(body) : null,
      redirect: 'manual',
      signal: patience.signal,
    })
    const json = parseJson(await readBody(response, mostBodyBytes))
    if (patience.signal.aborted) return { kind: 'timedOut' }
    const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), clock.now())
    return { kind: 'answered', status: response.status, json, retryAfterMs }
  } catch (thrown) {
    if (patience.signal.aborted) return { kind: 'timedOut' }
    return { kind: 'lost', why: networkFailure(thrown).why }
  } finally {
    stopWaiting()
  }
}

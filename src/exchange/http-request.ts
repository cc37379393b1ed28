import { type Clock, later, secondMs } from '../clock.js'
import { readBody } from '../http-reply.js'
import { networkFailure } from '../network-failure.js'

/** What came of one HTTP request. */
export type HttpAnswer =
  /** `body` is undefined if it could not be decoded or broke off. */
  | { kind: 'answered'; status: number; headers: Headers; body: string | undefined }
  /** The other side cannot have seen anything of it. */
  | { kind: 'notSent'; why: string }
  /** It was, or may have been, sent, and no answer came. */
  | { kind: 'lost'; why: string }
  | { kind: 'timedOut'; afterSeconds: number }
  /** We broke it off ourselves. */
  | { kind: 'stopped' }

export interface HttpRequest {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string | undefined
  patienceSeconds: number
  /** Breaks the request off when it fires. */
  stop?: AbortSignal | undefined
}

const mostBodyBytes = 32 * 1024 * 1024

/**
 * Sends once: no retry, no redirect followed, limited patience. Never rejects, and tells apart whether the other
 * side can have seen the request.
 */
export async function request(to: URL, clock: Clock, what: HttpRequest): Promise<HttpAnswer> {
  const { patienceSeconds, stop, ...sent } = what
  if (stop?.aborted) return { kind: 'stopped' }
  const patience = new AbortController()
  const giveUp = () => patience.abort()
  const stopWaiting = clock.wakeAt(later(clock.now(), patienceSeconds * secondMs), giveUp)
  stop?.addEventListener('abort', giveUp)
  const gaveUp = (): HttpAnswer =>
    stop?.aborted ? { kind: 'stopped' } : { kind: 'timedOut', afterSeconds: patienceSeconds }
  try {
    const response = await fetch(to, { ...sent, redirect: 'manual', signal: patience.signal })
    const body = await readBody(response, mostBodyBytes)
    if (patience.signal.aborted) return gaveUp()
    return { kind: 'answered', status: response.status, headers: response.headers, body }
  } catch (thrown) {
    if (patience.signal.aborted) return gaveUp()
    const { why, neverSent } = networkFailure(thrown)
    return { kind: neverSent ? 'notSent' : 'lost', why }
  } finally {
    stopWaiting()
    stop?.removeEventListener('abort', giveUp)
  }
}

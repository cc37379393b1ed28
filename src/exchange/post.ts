import { type Clock, later, secondMs } from '../clock.js'
import { networkFailure } from '../network-failure.js'

/** What came of one HTTP request. */
export type HttpAnswer =
  /** `body` is undefined if it could not be decoded or broke off. */
  | { kind: 'answered'; status: number; headers: Headers; body: string | undefined }
  /** Exchange cannot have seen anything of it. */
  | { kind: 'notSent'; why: string }
  /** It was, or may have been, sent, and no answer came. */
  | { kind: 'lost'; why: string }
  | { kind: 'timedOut' }

export const patienceSeconds = 60
const mostBodyBytes = 32 * 1024 * 1024

/**
 * Posts once: no retry, no redirect followed, a minute's patience. Never rejects, and tells apart whether the
 * other side can have seen the request.
 */
export async function post(
  to: URL,
  clock: Clock,
  request: { headers: Record<string, string>; body: string },
): Promise<HttpAnswer> {
  const patience = new AbortController()
  const stopWaiting = clock.wakeAt(later(clock.now(), patienceSeconds * secondMs), () => patience.abort())
  try {
    const response = await fetch(to, {
      ...request,
      method: 'POST',
      redirect: 'manual',
      signal: patience.signal,
    })
    const body = await readBody(response)
    if (patience.signal.aborted) return { kind: 'timedOut' }
    return { kind: 'answered', status: response.status, headers: response.headers, body }
  } catch (thrown) {
    if (patience.signal.aborted) return { kind: 'timedOut' }
    const { why, neverSent } = networkFailure(thrown)
    return { kind: neverSent ? 'notSent' : 'lost', why }
  } finally {
    stopWaiting()
  }
}

/** The body as text; undefined if it breaks off, is not encoded as it says, or does not end in reasonable size. */
async function readBody(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.byteLength
      if (bytes > mostBodyBytes) return undefined
      parts.push(part)
    }
  } catch {
    return undefined
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

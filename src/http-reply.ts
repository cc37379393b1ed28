import { elapsedMs, type Instant, secondMs } from './clock.js'

// What there is to read in any HTTP reply, whoever sent it.

/** The body as text; undefined if it breaks off, is not encoded as it says, or is longer than `mostBytes`. */
export async function readBody(response: Response, mostBytes: number): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.byteLength
      if (bytes > mostBytes) return undefined
      parts.push(part)
    }
  } catch {
    return undefined
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

/** A body as JSON; undefined if it is none. */
export function parseJson(body: string | null | undefined): unknown {
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}

/** `Retry-After` in milliseconds, which is written as seconds or as an HTTP date; undefined if it is neither. */
export function readRetryAfter(header: string | null, now: Instant): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * secondMs : elapsedMs(now, header)
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

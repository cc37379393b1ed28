import { messageOf } from './errors.js'

/** Why a request got no answer. */
export interface NetworkFailure {
  /** In words for an admin, with the code to search for. */
  why: string
  /** It failed while connecting: the other side cannot have seen any of it. */
  neverSent: boolean
}

/** What errors of Node's network carry; read by shape, because fetch throws errors of several classes. */
interface NetworkError {
  code?: unknown
  syscall?: unknown
  cause?: unknown
  /** One per address that was tried. */
  errors?: unknown
}

const asNetworkError = (thrown: unknown): NetworkError =>
  typeof thrown === 'object' && thrown !== null ? thrown : {}

/** Reads what an HTTP client threw. fetch hides it as the `cause` of an error that says "fetch failed". */
export function networkFailure(thrown: unknown): NetworkFailure {
  const error = asNetworkError(asNetworkError(thrown).cause ?? thrown)
  return { why: inWords(error), neverSent: wasNeverSent(error) }
}

const untrusted = /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/
const unresolved = /^(ENOTFOUND|EAI_AGAIN)$/
const refused = /^ECONNREFUSED$/
const slowToConnect = /^UND_ERR_CONNECT_TIMEOUT$/

const words: [RegExp, string][] = [
  [untrusted, 'its certificate is not trusted; behind a proxy that opens TLS, set NODE_EXTRA_CA_CERTS'],
  [unresolved, 'its host name could not be resolved'],
  [refused, 'the connection was refused'],
  [slowToConnect, 'connecting took too long'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'the connection was cut'],
]

function inWords(error: NetworkError): string {
  const { code } = error
  if (typeof code !== 'string') return messageOf(error)
  const known = words.find(([pattern]) => pattern.test(code))?.[1]
  return known ? `${known} (${code})` : code
}

/** Only what can be nothing but a failure to connect: codes that also end a running request do not count. */
function wasNeverSent({ code, syscall, errors }: NetworkError): boolean {
  if (Array.isArray(errors) && errors.length > 0)
    return errors.every((error) => wasNeverSent(asNetworkError(error)))
  if (syscall === 'connect') return true
  return (
    typeof code === 'string' &&
    [untrusted, unresolved, refused, slowToConnect].some((pattern) => pattern.test(code))
  )
}

import {
  ClientCertificateCredential,
  type ClientCertificateCredentialOptions,
  ClientSecretCredential,
  type TokenCredential,
} from '@azure/identity'
import { z } from 'zod'
import { type Clock, type Instant, later, minuteMs, secondMs } from './clock.js'
import { messageOf } from './errors.js'
import { networkFailure } from './network-failure.js'

/**
 * An access token, or why there is none. `credentials`: Entra refused, and somebody has to repair the app or the
 * settings; `unreachable`: Entra did not answer as it should, and may do so later. No text holds a secret.
 */
export type TokenAnswer = { ok: true; token: string } | TokenFailure

export interface TokenFailure {
  ok: false
  code: 'credentials' | 'unreachable'
  message: string
}

/** Where the tokens of one app come from. Never rejects. */
export interface TokenSource {
  /**
   * @param scope such as `https://outlook.office365.com/.default`
   * @param options.fresh ask Entra even if a token is at hand, because that one was not accepted
   */
  token(scope: string, options?: { fresh?: boolean }): Promise<TokenAnswer>
}

/** One app registration and what it proves itself with. */
export type AppCredentials = {
  /** `ENTRA_URL`: the authority that issues the tokens. https only; any host is trusted as given. */
  authority: string
  tenantId: string
  clientId: string
  /** PEM certificates to trust for the authority instead of the usual ones: a fake Entra's, in tests. */
  ca?: string | undefined
  clock: Clock
} & ({ secret: string } | { certificatePath: string })

interface KeptToken {
  token: string
  renewFrom: Instant
  expiresAt: Instant
}

const renewBeforeMs = 5 * minuteMs
const patienceMs = 10 * secondMs

/**
 * Tokens for our own calls to Microsoft (Exchange, Teams, Graph), by the client credentials grant. One request
 * per scope at a time, of 10 seconds at most. A token is kept until 5 minutes before it expires, or until it
 * really expires while Entra cannot be reached.
 */
export function createCredentials(app: AppCredentials): TokenSource {
  const kept = new Map<string, KeptToken>()
  const underway = new Map<string, Promise<TokenAnswer>>()

  async function renew(scope: string): Promise<TokenAnswer> {
    const answer = await askEntra(app, scope)
    if (!answer.ok) return answer
    kept.set(scope, answer.kept)
    return { ok: true, token: answer.kept.token }
  }

  function renewOnce(scope: string): Promise<TokenAnswer> {
    const running = underway.get(scope)
    if (running) return running
    const started = renew(scope).finally(() => underway.delete(scope))
    underway.set(scope, started)
    return started
  }

  return {
    async token(scope, { fresh = false } = {}) {
      if (fresh) kept.delete(scope)
      const held = kept.get(scope)
      if (held && app.clock.now() < held.renewFrom) return { ok: true, token: held.token }
      const renewed = await renewOnce(scope)
      if (renewed.ok || renewed.code === 'credentials' || !held) return renewed
      return app.clock.now() < held.expiresAt ? { ok: true, token: held.token } : renewed
    },
  }
}

/** What really came back from Entra: the library's own errors often say no more than "network_error". */
interface Witness {
  reply?: { status: number; body: string | null | undefined }
  lost?: unknown
}

type EntraAnswer = { ok: true; kept: KeptToken } | TokenFailure

async function askEntra(app: AppCredentials, scope: string): Promise<EntraAnswer> {
  const witness: Witness = {}
  const patience = new AbortController()
  const stopWaiting = app.clock.wakeAt(later(app.clock.now(), patienceMs), () => patience.abort())
  try {
    // A new credential each time, because the library's own cache cannot be told to drop a token.
    const granted = await credentialOf(app, witness, patience.signal).getToken(scope)
    return granted ? { ok: true, kept: keep(granted, app.clock) } : unreachable(app, 'it sent no token')
  } catch (thrown) {
    return failureOf(app, witness, thrown)
  } finally {
    stopWaiting()
  }
}

/** The library reckons expiry by the machine's clock, so what is left of the token's life is taken from there. */
function keep(granted: { token: string; expiresOnTimestamp: number }, clock: Clock): KeptToken {
  const expiresAt = later(clock.now(), granted.expiresOnTimestamp - Date.now())
  return { token: granted.token, expiresAt, renewFrom: later(expiresAt, -renewBeforeMs) }
}

function credentialOf(app: AppCredentials, witness: Witness, patience: AbortSignal): TokenCredential {
  const options: ClientCertificateCredentialOptions = {
    authorityHost: app.authority,
    disableInstanceDiscovery: true,
    // Whoever needs the token retries; a redirect would carry the secret to a host that nobody chose.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    tlsOptions: app.ca === undefined ? undefined : { ca: app.ca },
    additionalPolicies: [watchedBy(witness, patience)],
  }
  return 'secret' in app
    ? new ClientSecretCredential(app.tenantId, app.clientId, app.secret, options)
    : new ClientCertificateCredential(app.tenantId, app.clientId, app.certificatePath, options)
}

type AdditionalPolicy = NonNullable<ClientCertificateCredentialOptions['additionalPolicies']>[number]

/** MSAL passes no abort signal on to its requests, so it is given to each of them here. */
function watchedBy(witness: Witness, patience: AbortSignal): AdditionalPolicy {
  return {
    position: 'perCall',
    policy: {
      name: 'connectorWardenWitness',
      async sendRequest(request, next) {
        request.abortSignal = patience
        try {
          const reply = await next(request)
          witness.reply = { status: reply.status, body: reply.bodyAsText }
          return reply
        } catch (thrown) {
          witness.lost = thrown
          throw thrown
        }
      },
    },
  }
}

function failureOf(app: AppCredentials, { reply, lost }: Witness, thrown: unknown): TokenFailure {
  if (lost) return unreachable(app, lossInWords(lost))
  // Nothing was sent: the credential itself is unusable, such as a certificate file that cannot be read.
  if (!reply) return refused(app, `What it signs in with is unusable: ${messageOf(thrown)}`)
  const refusal = refusalSchema.safeParse(parseJson(reply.body))
  if (!refusal.success) return unreachable(app, `it answered HTTP ${reply.status} without a token`)
  const code = refusal.data.error_description.match(/AADSTS(\d+)/)?.[1]
  const isTransient = reply.status >= 500 || reply.status === 429 || reply.status === 408
  if (isTransient)
    return unreachable(app, `it answered HTTP ${reply.status}${code ? ` (AADSTS${code})` : ''}`)
  return refused(app, code ? `AADSTS${code}: ${meaningOf(code)}` : refusal.data.error)
}

const refusalSchema = z.object({ error: z.string().max(100), error_description: z.string().default('') })

function parseJson(body: string | null | undefined): unknown {
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}

const lossInWords = (lost: unknown): string =>
  lost instanceof Error && lost.name === 'AbortError'
    ? `it did not answer within ${patienceMs / secondMs} seconds`
    : networkFailure(lost).why

const unreachable = ({ authority }: AppCredentials, why: string): TokenFailure => ({
  ok: false,
  code: 'unreachable',
  message: `Entra at ${authority} gave no token: ${why}`,
})

const refused = ({ clientId, tenantId }: AppCredentials, why: string): TokenFailure => ({
  ok: false,
  code: 'credentials',
  message: `App ${clientId} could not sign in to tenant ${tenantId}. ${why}`,
})

/** From Microsoft's "Microsoft Entra authentication and authorization error codes". */
const meanings: Record<string, string> = {
  '53003': 'Conditional Access blocks the app; exclude it or meet the policy.',
  '90002': 'there is no such tenant; check the tenant id.',
  '500011': 'the tenant does not know the service that the token is for; check the scope.',
  '700016': 'the tenant does not know the app; check the client id and the tenant id.',
  '700027': 'the certificate is not one of the app; upload it to the app registration.',
  '7000112': 'the app is disabled; enable it under Enterprise applications.',
  '7000215': "the client secret is wrong; set the secret's value, not its id.",
  '7000222': 'the client secret has expired; make a new one in the app registration.',
  '7000229': 'the app is not present in the tenant; give it admin consent there.',
}

const meaningOf = (code: string): string =>
  meanings[code] ?? `look the code up at https://login.microsoftonline.com/error?code=${code}`

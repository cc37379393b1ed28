import { readFile } from 'node:fs/promises'
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  type ClientCertificateCredentialOptions,
  ClientSecretCredential,
  type TokenCredential,
} from '@azure/identity'
import { z } from 'zod'
import { type Clock, type Instant, later, minuteMs, secondMs, within } from './clock.js'
import { meaningOf } from './entra-codes.js'
import { errorCode, messageOf } from './errors.js'
import { parseJson } from './http-reply.js'
import { askPlatform } from './managed-identity.js'
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

/**
 * An app of ours, and what it proves who it is with: a secret; a certificate and its key in one PEM file; a token
 * that the platform puts into a file (workload identity federation); or that it runs where the platform gives it an
 * identity, its own or the one with this client id.
 */
export type AppCredential =
  | (AppId & ({ secret: string } | { certificatePath: string } | { federatedTokenFile: string }))
  | { tenantId: string; clientId?: string | undefined; managedIdentity: true }

interface AppId {
  tenantId: string
  clientId: string
}

/** Where tokens are asked for. */
export interface Issuer {
  /** `ENTRA_URL`: the authority that issues the tokens. https only; any host is trusted as given. */
  authority: string
  /** PEM certificates to trust for the authority instead of the usual ones: a fake Entra's, in tests. */
  ca?: string | undefined
  /** What the platform says about its managed identities, in variables of its own. */
  environment: Record<string, string | undefined>
  clock: Clock
}

/** One app registration and what it proves itself with. */
export type AppCredentials = Issuer & AppCredential
type ManagedIdentity = Extract<AppCredentials, { managedIdentity: true }>
type AppRegistration = Exclude<AppCredentials, ManagedIdentity>

interface KeptToken {
  token: string
  renewFrom: Instant
  expiresAt: Instant
}

const renewBeforeMs = 5 * minuteMs
const patienceMs = 10 * secondMs

/** Gives each app its source of tokens: the same one for the same app, tenant and proof. */
export function createTokenSources(issuer: Issuer): (credential: AppCredential) => TokenSource {
  const sources = new Map<string, TokenSource>()
  return (credential) => {
    const key = JSON.stringify(Object.entries(credential).sort())
    const known = sources.get(key) ?? createCredentials({ ...issuer, ...credential })
    sources.set(key, known)
    return known
  }
}

/**
 * Tokens for our own calls to Microsoft (Exchange, Teams, Graph), by the client credentials grant. One request
 * per scope at a time, of 10 seconds at most. A token is kept until 5 minutes before it expires, or until it
 * really expires while Entra cannot be reached.
 */
export function createCredentials(app: AppCredentials): TokenSource {
  const kept = new Map<string, KeptToken>()
  const underway = new Map<string, Promise<TokenAnswer>>()

  async function renew(scope: string): Promise<TokenAnswer> {
    const answer = await ask(app, scope)
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

type GrantAnswer = { ok: true; kept: KeptToken } | TokenFailure

async function ask(app: AppCredentials, scope: string): Promise<GrantAnswer> {
  const patience = new AbortController()
  const stopWaiting = app.clock.wakeAt(later(app.clock.now(), patienceMs), () => patience.abort())
  try {
    if ('managedIdentity' in app) return await askForIdentity(app, scope, patience.signal)
    const late = unreachable(app, `nothing came of it within ${patienceMs / secondMs} seconds`)
    return await within(app.clock, patienceMs, signIn(app, scope, patience.signal), late)
  } finally {
    stopWaiting()
  }
}

/** Files may hang as well, on a network drive for one, and no signal ends that. */
async function signIn(app: AppRegistration, scope: string, patience: AbortSignal): Promise<GrantAnswer> {
  const proven = await readProof(app)
  return proven.ok ? askEntra(app, proven.assertion, scope, patience) : proven
}

/** The platform renews what is in the file, so it is read for each token. */
async function readProof(app: AppRegistration): Promise<{ ok: true; assertion: string } | TokenFailure> {
  if (!('federatedTokenFile' in app)) return { ok: true, assertion: '' }
  const why = (cause: string) =>
    refused(
      app,
      `The federated token file ${app.federatedTokenFile} ${cause}. The platform writes it: check that workload identity is turned on for what this runs in.`,
    )
  try {
    const assertion = (await readFile(app.federatedTokenFile, 'utf8')).trim()
    return assertion ? { ok: true, assertion } : why('is empty')
  } catch (error) {
    return why(`cannot be read (${errorCode(error)})`)
  }
}

/** What really came back from Entra: the library's own errors often say no more than "network_error". */
interface Witness {
  reply?: { status: number; body: string | null | undefined }
  lost?: unknown
}

async function askEntra(
  app: AppRegistration,
  assertion: string,
  scope: string,
  patience: AbortSignal,
): Promise<GrantAnswer> {
  const witness: Witness = {}
  try {
    // A new credential each time, because the library's own cache cannot be told to drop a token.
    const granted = await credentialOf(app, assertion, witness, patience).getToken(scope)
    return granted ? { ok: true, kept: keep(granted, app.clock) } : unreachable(app, 'it sent no token')
  } catch (thrown) {
    return failureOf(app, witness, thrown)
  }
}

async function askForIdentity(
  app: ManagedIdentity,
  scope: string,
  patience: AbortSignal,
): Promise<GrantAnswer> {
  const answer = await askPlatform(scope, app.clientId, app.environment, patience)
  if (answer.kind === 'token') return { ok: true, kept: keep(answer, app.clock) }
  const elsewhere = 'Managed identities exist on Azure only; elsewhere use a client secret or a certificate.'
  if (answer.kind === 'lost')
    return {
      ok: false,
      code: 'unreachable',
      message: `No managed identity answers on this machine (${answer.host}: ${answer.why}). ${elsewhere}`,
    }
  const identity = app.clientId ? `The managed identity ${app.clientId}` : "This machine's managed identity"
  const message = `${identity} gave no token: the platform answered HTTP ${answer.status}.`
  // The rest, such as 404 and 410 while it is being updated, passes by itself.
  if (![400, 401, 403].includes(answer.status)) return { ok: false, code: 'unreachable', message }
  const remedy = app.clientId
    ? 'Assign it to what this runs in, and compare its client id.'
    : 'Turn its system-assigned identity on, or name the client id of one that is assigned to it.'
  return { ok: false, code: 'credentials', message: `${message} ${remedy}` }
}

/** The library reckons expiry by the machine's clock, so what is left of the token's life is taken from there. */
function keep(granted: { token: string; expiresOnTimestamp: number }, clock: Clock): KeptToken {
  const expiresAt = later(clock.now(), granted.expiresOnTimestamp - Date.now())
  return { token: granted.token, expiresAt, renewFrom: later(expiresAt, -renewBeforeMs) }
}

function credentialOf(
  app: AppRegistration,
  assertion: string,
  witness: Witness,
  patience: AbortSignal,
): TokenCredential {
  const options: ClientCertificateCredentialOptions = {
    authorityHost: app.authority,
    disableInstanceDiscovery: true,
    // Whoever needs the token retries; a redirect would carry the secret to a host that nobody chose.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    tlsOptions: app.ca === undefined ? undefined : { ca: app.ca },
    additionalPolicies: [watchedBy(witness, patience)],
  }
  const { tenantId, clientId } = app
  if ('secret' in app) return new ClientSecretCredential(tenantId, clientId, app.secret, options)
  return 'certificatePath' in app
    ? new ClientCertificateCredential(tenantId, clientId, app.certificatePath, options)
    : new ClientAssertionCredential(tenantId, clientId, async () => assertion, options)
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

function failureOf(app: AppRegistration, { reply, lost }: Witness, thrown: unknown): TokenFailure {
  if (lost) return unreachable(app, networkFailure(lost).why)
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

const unreachable = ({ authority }: AppRegistration, why: string): TokenFailure => ({
  ok: false,
  code: 'unreachable',
  message: `Entra at ${authority} gave no token: ${why}`,
})

const refused = ({ clientId, tenantId }: AppRegistration, why: string): TokenFailure => ({
  ok: false,
  code: 'credentials',
  message: `App ${clientId} could not sign in to tenant ${tenantId}. ${why}`,
})

import { X509Certificate } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { jwtVerify } from 'jose'
import { type GenerateResult, generate } from 'selfsigned'

/** An app registration that the fake knows: it signs in with one of these. */
export interface FakeApp {
  secret?: string
  /** PEM; only the certificate is read from it. It signs in with the certificate's key. */
  certificate?: string
  /** The very token of another issuer that the app trusts. */
  federatedToken?: string
}

/** What the token endpoint does instead of answering properly. */
export type EntraFault =
  | { kind: 'refuse'; aadsts: string; text: string; status?: number }
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  | { kind: 'hang' }

type Proof = 'secret' | 'certificate' | 'federated'

/** One request as the fake saw it; secrets are not kept. */
export interface EntraRequest {
  path: string
  clientId?: string | undefined
  scope?: string | undefined
  proof?: Proof | undefined
}

export interface FakeEntra {
  /** What `ENTRA_URL` is set to. */
  url: string
  /** The fake's own certificate authority, PEM. */
  ca: string
  /** Writes the authority's certificate for `NODE_EXTRA_CA_CERTS` of a process that a test starts. */
  writeCa(file: string): Promise<void>
  apps: Map<string, FakeApp>
  /** What an app's tokens say of it, by its client id; the tokens of the others cannot be read. */
  claims: Map<string, object>
  tokenLifeSeconds: number
  requests: EntraRequest[]
  /** Only the requests that asked for a token. */
  tokenRequests(): EntraRequest[]
  /** Resolves when so many requests for a token have arrived, answered or not. */
  seen(tokenRequests: number): Promise<void>
  /** The next request for a token goes wrong in this way. */
  failNext(fault: EntraFault): void
  /** Every request for a token goes wrong in this way, until `recover`. */
  fail(fault: EntraFault): void
  recover(): void
  stop(): Promise<void>
}

/**
 * Plays Entra ID's v2.0 endpoint over real https on 127.0.0.1: the tenant's OpenID configuration and the token
 * endpoint for client credentials. Whatever else is asked for, such as instance discovery, gets 404 and shows up
 * in `requests`.
 */
export async function startFakeEntra(apps: Record<string, FakeApp>): Promise<FakeEntra> {
  certificates ??= makeCertificates()
  const { ca, key, cert } = await certificates
  const entra = new Entra(new Map(Object.entries(apps)), ca)
  const server = createServer({ key, cert }, (request, response) => {
    entra.answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  entra.listenWith(server)
  return entra
}

/** Made once, as they take long. */
let certificates: ReturnType<typeof makeCertificates> | undefined

class Entra implements FakeEntra {
  url = ''
  tokenLifeSeconds = 3599
  readonly claims = new Map<string, object>()
  readonly requests: EntraRequest[] = []
  private server: Server | undefined
  private readonly arrivals = new EventEmitter()
  private readonly single: EntraFault[] = []
  private lasting: EntraFault | undefined
  private issued = 0

  constructor(
    readonly apps: Map<string, FakeApp>,
    readonly ca: string,
  ) {}

  listenWith(server: Server): void {
    this.server = server
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  writeCa = (file: string): Promise<void> => writeFile(file, this.ca)
  tokenRequests = (): EntraRequest[] => this.requests.filter(({ path }) => path.endsWith('/token'))

  async seen(tokenRequests: number): Promise<void> {
    while (this.tokenRequests().length < tokenRequests) await once(this.arrivals, 'token')
  }

  failNext(fault: EntraFault): void {
    this.single.push(fault)
  }

  fail(fault: EntraFault): void {
    this.lasting = fault
  }

  recover(): void {
    this.lasting = undefined
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections()
    await new Promise((resolve) => this.server?.close(resolve))
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname
    const [, tenant, ...rest] = path.split('/')
    if (request.method === 'GET' && rest.join('/') === 'v2.0/.well-known/openid-configuration') {
      this.requests.push({ path })
      return reply(response, 200, this.configuration(tenant))
    }
    if (request.method === 'POST' && rest.join('/') === 'oauth2/v2.0/token')
      return this.issue(path, new URLSearchParams(await text(request)), response)
    this.requests.push({ path })
    reply(response, 404, { error: 'not_found' })
  }

  private configuration(tenant: string | undefined): Record<string, string> {
    return {
      issuer: `${this.url}/${tenant}/v2.0`,
      authorization_endpoint: `${this.url}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${this.url}/${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${this.url}/${tenant}/discovery/v2.0/keys`,
    }
  }

  private async issue(path: string, form: URLSearchParams, response: ServerResponse): Promise<void> {
    const clientId = form.get('client_id') ?? ''
    const scope = form.get('scope')?.split(' ')[0]
    this.requests.push({ path, clientId, scope, proof: proofIn(form, clientId) })
    this.arrivals.emit('token')
    const fault = this.single.shift() ?? this.lasting
    if (fault) return misbehave(fault, response)
    const problem = await signInProblem(this.apps.get(clientId), form)
    if (problem) return misbehave(problem, response)
    const token = `token-${++this.issued} of ${clientId} for ${scope}`.replaceAll(' ', '_')
    const claims = this.claims.get(clientId)
    reply(response, 200, {
      token_type: 'Bearer',
      expires_in: this.tokenLifeSeconds,
      ext_expires_in: this.tokenLifeSeconds,
      access_token: claims ? `${base64({ alg: 'none' })}.${base64(claims)}.${token}` : token,
    })
  }
}

const base64 = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** An assertion that the app signed itself names the app as its issuer. */
function proofIn(form: URLSearchParams, clientId: string): Proof | undefined {
  const assertion = form.get('client_assertion')
  if (!assertion) return form.has('client_secret') ? 'secret' : undefined
  const [, claims = ''] = assertion.split('.')
  const isOwn = Buffer.from(claims, 'base64url').toString().includes(`"iss":"${clientId}"`)
  return isOwn ? 'certificate' : 'federated'
}

async function signInProblem(
  app: FakeApp | undefined,
  form: URLSearchParams,
): Promise<EntraFault | undefined> {
  if (!app)
    return {
      kind: 'refuse',
      aadsts: '700016',
      text: 'Application was not found in the directory.',
      status: 400,
    }
  const assertion = form.get('client_assertion')
  if (assertion && app.certificate) return assertionProblem(app.certificate, assertion)
  if (assertion)
    return assertion === app.federatedToken
      ? undefined
      : { kind: 'refuse', aadsts: '700213', text: 'No matching federated identity record found.' }
  return app.secret !== undefined && form.get('client_secret') === app.secret
    ? undefined
    : { kind: 'refuse', aadsts: '7000215', text: 'Invalid client secret provided.' }
}

async function assertionProblem(certificate: string, assertion: string): Promise<EntraFault | undefined> {
  return jwtVerify(assertion, new X509Certificate(certificate).publicKey, {
    // MSAL rounds the current second up or down.
    clockTolerance: 5,
  }).then(
    () => undefined,
    () => ({ kind: 'refuse', aadsts: '700027', text: 'The certificate is not registered.' }),
  )
}

function misbehave(fault: EntraFault, response: ServerResponse): void {
  if (fault.kind === 'hang') return
  if (fault.kind === 'status') {
    const headers = { 'content-type': 'text/html', ...fault.headers }
    response.writeHead(fault.status, headers)
    response.end(fault.body ?? '<html>no</html>')
    return
  }
  reply(response, fault.status ?? 401, {
    error: 'invalid_client',
    error_description: `AADSTS${fault.aadsts}: ${fault.text} Trace ID: 00000000-0000-0000-0000-00000000abcd`,
    error_codes: [Number(fault.aadsts)],
  })
}

function reply(response: ServerResponse, status: number, body: object): void {
  // Not chained: restify replaces writeHead for the whole process by one that returns nothing.
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function makeCertificates(): Promise<{ ca: string; key: string; cert: string }> {
  const authority = await generate([{ name: 'commonName', value: 'Connector Warden test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  })
  return { ca: authority.cert, key: server.private, cert: server.cert }
}

/** A key and certificate for an app that signs in with a certificate. */
export const makeAppCertificate = (): Promise<GenerateResult> =>
  generate([{ name: 'commonName', value: 'Connector Warden' }], { keySize: 2048, algorithm: 'sha256' })

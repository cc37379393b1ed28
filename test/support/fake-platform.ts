import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What is answered instead of a token. */
export type PlatformFault = { status: number; body?: string; location?: string } | 'hang'

/** One request for a token of a managed identity, as the fake saw it. */
export interface PlatformRequest {
  path: string
  query: Record<string, string>
  /** The headers that say that the caller is no mere link: `Metadata` and `X-IDENTITY-HEADER`. */
  metadata?: string | undefined
  identityHeader?: string | undefined
}

/**
 * Plays what hands out tokens of managed identities on Azure, over HTTP on 127.0.0.1: to App Service and Container
 * Apps in one form, to virtual machines in another. Both answer alike.
 */
export class FakePlatform {
  readonly requests: PlatformRequest[] = []
  fault: PlatformFault | undefined
  tokenLifeSeconds = 3_599
  private readonly arrivals = new EventEmitter()
  private issued = 0

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakePlatform> {
    const server = createServer()
    const platform = new FakePlatform(server)
    server.on('request', (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', platform.url)
      platform.requests.push({
        path: pathname,
        query: Object.fromEntries(searchParams),
        metadata: request.headers.metadata?.toString(),
        identityHeader: request.headers['x-identity-header']?.toString(),
      })
      platform.arrivals.emit('request')
      const { fault } = platform
      if (fault === 'hang') return
      if (fault) {
        const headers = fault.location ? { location: fault.location } : {}
        response.writeHead(fault.status, headers)
        response.end(fault.body ?? '{"error":"invalid_request","error_description":"Identity not found"}')
        return
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          access_token: `identity-token-${++platform.issued}`,
          // As text, as Azure sends it.
          expires_on: String(Math.floor(Date.now() / 1_000) + platform.tokenLifeSeconds),
          resource: searchParams.get('resource'),
          token_type: 'Bearer',
        }),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return platform
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** What App Service, Functions and Container Apps put into a program's environment. */
  get appService(): Record<string, string> {
    return { IDENTITY_ENDPOINT: `${this.url}/msi/token`, IDENTITY_HEADER: 'header-canary' }
  }

  /** What lets a virtual machine's metadata service be looked for here. */
  get machine(): Record<string, string> {
    return { AZURE_POD_IDENTITY_AUTHORITY_HOST: this.url }
  }

  /** Resolves when so many requests have arrived, answered or not. */
  async seen(requests: number): Promise<void> {
    while (this.requests.length < requests) await once(this.arrivals, 'request')
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

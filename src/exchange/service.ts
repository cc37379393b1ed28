import type { Connection } from './connection.js'
import type { ReadFailure } from './exchange.js'
import { anchorMailbox } from './invoke-command.js'
import { trustedUrl } from './trusted-url.js'

/** A service of Microsoft's that runs cmdlets of a tenant. */
export interface Service {
  /** What its tokens are for. */
  scope: string
  /** The mailbox that Microsoft routes the calls by. */
  anchor: string
  /** Where commands go until the service names another place. */
  entrance(): Promise<{ ok: true; at: URL } | ReadFailure>
  /** A URL that the service named, if our token may go there. */
  trusts(candidate: string): URL | undefined
}

export const invokePath = (tenantId: string): string => `/adminapi/beta/${tenantId}/InvokeCommand`

export const exchangeEndpoint = ({ url, tenantId }: Connection): URL => new URL(invokePath(tenantId), url)

/** Exchange Online itself, which may send a tenant's calls to the region that serves it. */
export function exchangeService(connection: Connection): Service {
  const configured = exchangeEndpoint(connection)
  return {
    scope: connection.scope,
    anchor: `APP:${anchorMailbox}@${connection.tenantId}`,
    entrance: async () => ({ ok: true, at: configured }),
    trusts: (candidate) => trustedUrl(candidate, configured),
  }
}

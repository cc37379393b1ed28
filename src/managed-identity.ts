import { z } from 'zod'
import { parseJson } from './http-reply.js'
import { networkFailure } from './network-failure.js'

/** What the platform that the program runs on said when it was asked for a token. */
export type PlatformAnswer =
  | { kind: 'token'; token: string; expiresOnTimestamp: number }
  /** It answered without one. */
  | { kind: 'noToken'; status: number }
  /** Nobody answered. */
  | { kind: 'lost'; host: string; why: string }

/** Environment variables of the platform. */
type Environment = Record<string, string | undefined>

const metadataService = 'http://169.254.169.254'

/** Both forms send numbers as text. */
const grantSchema = z.object({
  access_token: z.string().min(1),
  /** Seconds since 1970. */
  expires_on: z.coerce.number().int().positive(),
})

/**
 * Asks for a token of the managed identity, once: of App Service, Functions or Container Apps where their variables
 * are set, else of the metadata service that virtual machines have. Azure Arc and Service Fabric are not supported.
 *
 * By hand, because the library's way keeps the first connection that it made for the whole process, takes no time
 * limit, and leaves out the policies that it was given. Microsoft: "How to use managed identities for App Service"
 * and "How to use managed identities on an Azure VM to acquire an access token".
 *
 * @param clientId of a user-assigned identity; undefined for the machine's own
 * @param patience ends the request
 */
export async function askPlatform(
  scope: string,
  clientId: string | undefined,
  environment: Environment,
  patience: AbortSignal,
): Promise<PlatformAnswer> {
  const { url, headers } = requestOf(scope, clientId, environment)
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: patience })
    const granted = grantSchema.safeParse(parseJson(await response.text()))
    if (!response.ok || !granted.success) return { kind: 'noToken', status: response.status }
    const { access_token: token, expires_on: expiresOn } = granted.data
    return { kind: 'token', token, expiresOnTimestamp: expiresOn * 1_000 }
  } catch (thrown) {
    const why = patience.aborted ? 'no answer in time' : networkFailure(thrown).why
    return { kind: 'lost', host: url.host, why }
  }
}

function requestOf(
  scope: string,
  clientId: string | undefined,
  environment: Environment,
): { url: URL; headers: Record<string, string> } {
  const { IDENTITY_ENDPOINT = '', IDENTITY_HEADER, AZURE_POD_IDENTITY_AUTHORITY_HOST = '' } = environment
  const isAppService = IDENTITY_HEADER !== undefined && URL.canParse(IDENTITY_ENDPOINT)
  const machine = URL.canParse(AZURE_POD_IDENTITY_AUTHORITY_HOST)
    ? AZURE_POD_IDENTITY_AUTHORITY_HOST
    : metadataService
  const url = isAppService ? new URL(IDENTITY_ENDPOINT) : new URL('/metadata/identity/oauth2/token', machine)
  url.searchParams.set('api-version', isAppService ? '2019-08-01' : '2018-02-01')
  url.searchParams.set('resource', scope.replace(/\/\.default$/, ''))
  if (clientId) url.searchParams.set('client_id', clientId)
  return { url, headers: isAppService ? { 'X-IDENTITY-HEADER': IDENTITY_HEADER } : { Metadata: 'true' } }
}

import type { Clock } from '../clock.js'
import type { TokenSource } from '../credentials.js'
import type { Log } from '../log.js'

/** How one watched tenant's Exchange Online is reached, and its Security & Compliance. */
export interface Connection {
  /** `EXCHANGE_URL` */
  url: string
  /** The watched tenant's GUID. */
  tenantId: string
  /** Its first domain, such as `contoso.onmicrosoft.com`. */
  organization: string
  /** `EXCHANGE_SCOPE` */
  scope: string
  /** Where Security & Compliance takes commands, such as `https://ps.compliance.protection.outlook.com`. */
  complianceUrl: string
  /** `/.default` of `complianceUrl`, if not given. */
  complianceScope?: string | undefined
  tokens: TokenSource
  /** Those of a second app that removes blocks; the same one reads and removes if it is left out. */
  unblockTokens?: TokenSource | undefined
  clock: Clock
  /** Gives GUIDs. */
  newId: () => string
  log: Log
}

import type { Clock } from '../clock.js'
import type { TokenSource } from '../credentials.js'
import type { Log } from '../log.js'

/** How one watched tenant's Exchange Online is reached. */
export interface Connection {
  /** `EXCHANGE_URL` */
  url: string
  /** The watched tenant's GUID. */
  tenantId: string
  /** `EXCHANGE_SCOPE` */
  scope: string
  tokens: TokenSource
  /** Those of a second app that removes blocks; the same one reads and removes if it is left out. */
  unblockTokens?: TokenSource | undefined
  clock: Clock
  /** Gives GUIDs. */
  newId: () => string
  log: Log
}

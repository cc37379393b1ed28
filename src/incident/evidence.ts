import type { Instant } from '../clock.js'

/**
 * What was found out about one thing and when; or why it was not, which is never the same as "nothing was found".
 * `at` is when it was asked for.
 */
export type Piece<Found> =
  | { collected: true; at: Instant; found: Found }
  | { collected: false; at: Instant; cause: string }

/**
 * An inbound connector as far as it matters here. What Exchange did not send, or not in a form that could be read,
 * is undefined or empty. Lists are sorted, so that the same settings read twice are the same.
 */
export interface InboundConnector {
  /** GUID in lower case. */
  id: string
  name: string
  enabled?: boolean | undefined
  /** `OnPremises` or `Partner`. */
  type?: string | undefined
  /** Who made it: `Default` (a person), `HybridWizard` or `Migrated`. */
  source?: string | undefined
  senderDomains: string[]
  /** Addresses, ranges and networks. */
  senderIps: string[]
  tlsCertificate?: string | undefined
  requireTls?: boolean | undefined
  restrictToIps?: boolean | undefined
  restrictToCertificate?: boolean | undefined
  acceptedDomains: string[]
  cloudServicesMail?: boolean | undefined
  treatAsInternal?: boolean | undefined
  skipIps: string[]
  skipLastIp?: boolean | undefined
  trustedOrganizations: string[]
  comment?: string | undefined
  /** As Exchange writes times. */
  createdAt?: string | undefined
  changedAt?: string | undefined
}

export const connectorActs = [
  'New-InboundConnector',
  'Set-InboundConnector',
  'Remove-InboundConnector',
  'Remove-BlockedConnector',
] as const
export type ConnectorAct = (typeof connectorActs)[number]

/** Something that was done to a connector, as the unified audit log has it. */
export interface AuditedAct {
  at: Instant
  act: ConnectorAct
  /** Who did it: a user principal name, or what Exchange calls an app. */
  account: string
  clientIp?: string | undefined
  /** What it was done to, as Exchange writes it: the connector's name or GUID, in whatever form. */
  object: string
  parameters: { name: string; value: string }[]
}

/** How many messages came from a connector's sender addresses: numbers only, never addresses or subjects. */
export interface TrafficCounts {
  messages: number
  /** Filtered as spam, of those. */
  spam: number
  /** Exchange had more than it sent: the numbers are the least there were. */
  atLeast: boolean
}

/** The alert policy "Suspicious connector activity". */
export interface AlertPolicy {
  enabled: boolean
  /** Whether it sends mail at all. */
  notifies: boolean
  /** How many recipients it names. */
  recipients: number
  /** How many mails a day it sends at most; undefined for no limit. */
  dailyLimit?: number | undefined
}

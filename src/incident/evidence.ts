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
  /** Filtered as spam or quarantined, of those. */
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

/** One setting of a connector that differs between two readings; values in words, lists joined by commas. */
export interface PropertyChange {
  property: string
  was: string
  is: string
}

/** A change that was seen between two readings: after `notBefore`, at the latest at `at`. */
export interface ConnectorChange {
  kind: 'changed' | 'appeared' | 'removed'
  notBefore: Instant
  at: Instant
  properties: PropertyChange[]
}

/** What the readings kept while watching tell; who changed something and took it back in between is not seen. */
export interface ConnectorChanges {
  /** When watching began. */
  since: Instant
  /** The latest first. */
  changes: ConnectorChange[]
}

/** What the audit log has on a connector: it is late, and may have more later. */
export interface AuditTrail {
  from: Instant
  /** The latest first. */
  acts: AuditedAct[]
  /** How many connectors besides were made, changed or removed. */
  others: number
  complete: boolean
}

export interface Traffic {
  hours: number
  /** How many sender addresses were asked about; and how many entries were not, because they are ranges or too many. */
  addresses: number
  leftOut: number
  counts: TrafficCounts
}

/** All that was found out about an incident's connector. */
export interface Evidence {
  /** Found: undefined where no connector has that id. */
  connector: Piece<InboundConnector | undefined>
  changes: Piece<ConnectorChanges>
  audit: Piece<AuditTrail>
  traffic: Piece<Traffic>
  auditing: Piece<{ on: boolean }>
  /** Found: undefined where there is no such policy. */
  alertPolicy: Piece<AlertPolicy | undefined>
}

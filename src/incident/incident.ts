import type { Instant } from '../clock.js'
import type { IncidentEvent } from './events.js'
import type { StepId } from './steps.js'

/** What Exchange lets us see of one restriction, and since when we know of it. */
export interface Restriction {
  connectorId: string
  connectorName?: string | undefined
  /** When Exchange says it restricted the connector, as it reports it; not every tenant may report one. */
  createdAt?: string | undefined
  reason?: string | undefined
  /** The row as Exchange sent it, as far as it is plain text and numbers, within bounds. */
  raw?: Record<string, string> | undefined
}

/** Somebody of the home tenant, by Entra object id; the name is for people to read and decides nothing. */
export interface Person {
  id: string
  name: string
}

export type Status = 'open' | 'approved' | 'removing' | 'stuck' | 'kept' | 'unblocked' | 'cleared'

/** The read that found an incident and how many it found: more than ten are announced together. */
export interface Batch {
  id: string
  size: number
}

/** The earlier incident of the same connector that makes this one a re-restriction. */
export interface PreviousIncident {
  number: number
  status: 'unblocked' | 'cleared'
  endedAt: Instant
  approvers: Person[]
}

export interface SettledStep {
  how: 'done' | 'notApplicable'
  note?: string | undefined
  by: Person
  at: Instant
}

/** One person's approval. It belongs to this incident only, counts until `expiresAt` and is used once. */
export interface Vote {
  by: Person
  at: Instant
  reason: string
  expiresAt: Instant
  /** Given in the knowledge that required steps are not settled. */
  override: boolean
  /** Opaque: how the chat can be asked about the voter again, just before the removal. */
  seenIn: string
  /** What the connector was like when the vote was given; undefined if nobody could read it. */
  fingerprint?: string | undefined
  upn?: string | undefined
}

/** Enough distinct approvals came together; `required` and `removeBy` stay as decided even if rules change. */
export interface Quorum {
  at: Instant
  required: number
  removeBy: Instant
}

export type RemovalOutcome =
  | { kind: 'accepted' }
  /** Exchange did not do it and said so, or was never reached. */
  | { kind: 'notDone'; cause: string }
  /** It may or may not have been done: only reading the list tells. */
  | { kind: 'unknown'; cause: string }

/** One call of `Remove-BlockedConnector`. Without an outcome nobody knows yet what became of it. */
export interface Removal {
  id: string
  startedAt: Instant
  approvers: Person[]
  /** The `-Reason` that Exchange was given. */
  reason: string
  outcome?: (RemovalOutcome & { at: Instant }) | undefined
}

export type StuckCause = 'notDone' | 'unknownOutcome' | 'stillListed'
export type ClearedCause = 'connectorGone' | 'removedByOther' | 'unknown'

/** Whoever changed the connector last before it was restricted, as the audit log has it. */
export interface Editor {
  /** As Exchange writes it: a user principal name, or what it calls an app. */
  account: string
  /** Entra object id in the home tenant; undefined if the account is nobody's there. */
  id?: string | undefined
  /** Nobody could be asked whose account it is. */
  notLookedUp?: true | undefined
  at: Instant
}

/** An event as it stands in the record: what happened, when, by whom (nobody: the bot itself). */
export interface RecordedEvent {
  /** Its place in the whole record, over all incidents. */
  sequence: number
  /** The incident's version after the commit that carried it. */
  version: number
  at: Instant
  by?: Person | undefined
  event: IncidentEvent
}

/** `replaced`: it was never seen gone; a newer restriction of the connector took its place. */
export interface Ended {
  at: Instant
  cause?: ClearedCause | undefined
  replaced?: true | undefined
  /** Who else ran the removal, and when, once the audit log has told. */
  removedBy?: { account: string; at?: Instant | undefined } | undefined
}

/** Our record of one restriction episode of one connector. Built by `evolve` from its events alone. */
export interface Incident {
  number: number
  version: number
  /** Where its last event stands in the record; cards remember it to know whether they are current. */
  sequence: number
  /** Name of the watched tenant. */
  tenant: string
  /** Which organisation had that name when the incident was opened; records of old do not say. */
  tenantId?: string | undefined
  status: Status
  /** Since when it has this status. */
  since: Instant
  openedAt: Instant
  restriction: Restriction
  batch?: Batch | undefined
  previous?: PreviousIncident | undefined
  acknowledged?: { by: Person; at: Instant } | undefined
  /** What the connector was like when it was last read, and since when it is so. */
  connector?: { fingerprint: string; since: Instant } | undefined
  editor?: Editor | undefined
  steps: Partial<Record<StepId, SettledStep>>
  /** Only votes that count: what was voided or has been used is in the history. */
  votes: Vote[]
  quorum?: Quorum | undefined
  kept?: { by: Person; at: Instant; reason: string } | undefined
  /** The latest removal, also after it got stuck and was voted on again. */
  removal?: Removal | undefined
  stuck?: StuckCause | undefined
  /** Why what was decided cannot go on, as long as it has this status. */
  heldUp?: { since: Instant; saidAt: Instant; cause: string } | undefined
  ended?: Ended | undefined
  history: RecordedEvent[]
}

/** How people write and read an incident's number. */
export const codeOf = (incident: { number: number }): string => `CR-${incident.number}`

/** Over for good: the restriction that it is about is no longer listed. */
export const isFinal = (incident: { status: Status }): boolean =>
  incident.status === 'unblocked' || incident.status === 'cleared'

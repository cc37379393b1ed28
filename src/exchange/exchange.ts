import type { Instant } from '../clock.js'
import type { AlertPolicy, AuditedAct, TrafficCounts } from '../incident/evidence.js'
import type { RemovalOutcome, Restriction } from '../incident/incident.js'

/** Why a read did not succeed, and whether reading again can help without anybody doing something. */
export interface ReadFailure {
  ok: false
  /** Constant word for logs, health and metrics; holds no names. */
  code:
    | 'credentials'
    | 'permission'
    | 'throttled'
    | 'unreachable'
    | 'timeout'
    | 'serverError'
    | 'unreadable'
    | 'stopping'
  /** What happened, in words for an admin; bodies shortened, no secrets. */
  message: string
  retryable: boolean
  /** How long Exchange asked us to wait, in milliseconds. */
  retryAfterMs?: number | undefined
  requestId?: string | undefined
}

/** A read of everything that Exchange restricts in one tenant. */
export interface RestrictedList {
  ok: true
  rows: Restriction[]
  /**
   * False if a row could not be read: it may be any connector, so such a read is good for announcing what it
   * shows, and counts for nothing else.
   */
  complete: boolean
}

/** An inbound connector as far as we show it. */
export interface InboundConnector {
  id: string
  name: string
  enabled?: boolean | undefined
}

/** What `-Reason` takes, in characters. */
export const longestReason = 500

/** Text as one line of at most `most` characters, without anything invisible: what Exchange is given. */
export const oneLine = (text: string, most: number): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, most)
    // A character outside the basic plane that the limit cut in two.
    .replace(/[\uD800-\uDBFF]$/, '')

/** A removal with everything in hand: `send` does one thing, the call to Exchange. */
export interface ReadyRemoval {
  send(): Promise<RemovalOutcome>
}

/**
 * What we ask of one watched tenant's Exchange Online. Nothing here rejects for what Exchange or the network
 * does: those are answers.
 */
export interface Exchange {
  /** `Get-BlockedConnector`, all pages. Never filtered by id: with a wrong one Exchange may answer with all. */
  restricted(): Promise<RestrictedList | ReadFailure>
  /** `Get-InboundConnector`, all of them, for names. */
  inboundConnectors(): Promise<{ ok: true; connectors: InboundConnector[] } | ReadFailure>
  /**
   * Gets the token for `Remove-BlockedConnector` in hand, so that nothing but the call itself comes between
   * the recorded intent and Exchange.
   * @param connectorId GUID
   * @param reason goes into `-Reason`, up to 500 characters, one line
   */
  readyRemoval(
    connectorId: string,
    reason: string,
  ): Promise<{ ok: true; removal: ReadyRemoval } | ReadFailure>
}

/**
 * What else is asked of a tenant so that people can decide: each read on its own, and none of them trusted to be
 * there. `complete` is false where Exchange had more than it sent.
 */
export interface EvidenceReads {
  /** `Search-UnifiedAuditLog` for connectors that were made, changed or removed, and for removals of blocks. */
  connectorAudit(
    from: Instant,
    until: Instant,
  ): Promise<{ ok: true; acts: AuditedAct[]; complete: boolean } | ReadFailure>
  /** `Get-MessageTraceV2` for one sender address; at most ten days. */
  traffic(
    ip: string,
    from: Instant,
    until: Instant,
  ): Promise<{ ok: true; counts: TrafficCounts } | ReadFailure>
  /** `Get-AdminAuditLogConfig`: without audit logging there is no alert. */
  auditing(): Promise<{ ok: true; on: boolean } | ReadFailure>
  /** `Get-ProtectionAlert` in Security & Compliance; undefined where there is no such policy. */
  alertPolicy(): Promise<{ ok: true; policy: AlertPolicy | undefined } | ReadFailure>
}

/** When a read started: what was committed after it, it cannot have seen. */
export interface Read {
  startedAt: Instant
  result: RestrictedList | ReadFailure
}

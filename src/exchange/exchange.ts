import type { Instant } from '../clock.js'
import type { AlertPolicy, AuditedAct, InboundConnector, TrafficCounts } from '../incident/evidence.js'
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
  /** By which Microsoft's support finds the call. */
  requestId?: string | undefined
  /** The id that we gave the call, also where no answer came. */
  clientRequestId?: string | undefined
}

/** Why nothing is read any more once the bot is being stopped. */
export const beingStopped: ReadFailure = {
  ok: false,
  code: 'stopping',
  message: 'The bot is being stopped',
  retryable: true,
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
  /** The names of the properties of the first row that could not be read, in lower case, if there was one. */
  unreadable?: string[] | undefined
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

/**
 * A removal with everything in hand: `send` does one thing, the call to Exchange. Until that has ended, or until
 * `release`, nothing but the restricted list is asked of the tenant.
 */
export interface ReadyRemoval {
  send(): Promise<RemovalOutcome>
  /** For a removal that is not sent after all; does nothing after `send`, or twice. */
  release(): void
}

/**
 * What we ask of one watched tenant's Exchange Online: at most two things at once, the restricted list and one
 * other. Nothing here rejects for what Exchange or the network does: those are answers.
 */
export interface Exchange extends EvidenceReads {
  /** `Get-BlockedConnector`, all pages. Never filtered by id: with a wrong one Exchange may answer with all. */
  restricted(): Promise<RestrictedList | ReadFailure>
  /**
   * `Get-InboundConnector`, all of them: with a wrong id Exchange answers with all anyway. Without `complete` one
   * that is missing may exist all the same.
   */
  inboundConnectors(): Promise<{ ok: true; connectors: InboundConnector[]; complete: boolean } | ReadFailure>
  /**
   * Waits until nothing but the list is being asked of the tenant, before all reads that wait for it and for at
   * most 30 seconds, and gets the token for `Remove-BlockedConnector` in hand, so that nothing but the call itself
   * comes between the recorded intent and Exchange. Whoever gets it must `send` or `release` it, and ask nothing
   * else in between: only the list would answer.
   * @param connectorId GUID
   * @param reason goes into `-Reason`, up to 500 characters, one line
   */
  readyRemoval(
    connectorId: string,
    reason: string,
  ): Promise<{ ok: true; removal: ReadyRemoval } | ReadFailure>
  /** Ends for good: what is being read is answered with `stopping`; a removal that was sent goes on. */
  stop(): void
}

/**
 * What else is asked of a tenant so that people can decide: each read on its own, and none of them trusted to be
 * there. `complete` is false where Exchange had more than it sent, or sent what could not be read. What failed is
 * not asked again for a while: then the failure says so, and since when.
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
  /** Somebody waits: what failed a while ago is asked for again at once. What Exchange itself asked for holds. */
  hurry(): void
  /** `Get-ProtectionAlert` in Security & Compliance; undefined where there is no such policy. */
  alertPolicy(): Promise<{ ok: true; policy: AlertPolicy | undefined } | ReadFailure>
}

/** When a read started: what was committed after it, it cannot have seen. */
export interface Read {
  startedAt: Instant
  result: RestrictedList | ReadFailure
}

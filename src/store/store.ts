import { z } from 'zod'
import type { Instant } from '../clock.js'
import type { ConnectorHistory } from '../evidence/connector-history.js'
import { healthClearedSchema, healthRaisedSchema, type Problem } from '../health/problem.js'
import type { Conversation, Delivery } from '../incident/delivery.js'
import type { IncidentEvent } from '../incident/events.js'
import type { Incident, Person } from '../incident/incident.js'

/** Events that become durable together or not at all, when, and by whom (nobody: the bot itself). */
export interface Commit {
  at: Instant
  by?: Person | undefined
  events: IncidentEvent[]
}

/** Something for the record that changes no incident. */
export const auditEntrySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('refused'),
    verb: z.string(),
    incident: z.string().optional(),
    refusal: z.looseObject({ code: z.string() }),
  }),
  z.object({ type: z.literal('watched'), conversation: z.string() }),
  z.object({ type: z.literal('unwatched'), conversation: z.string() }),
  z.object({ type: z.literal('conversationGone'), conversation: z.string(), cause: z.string() }),
  z.object({ type: z.literal('roleMapLoaded'), hash: z.string(), was: z.string().optional() }),
  z.object({ type: z.literal('rulesLoaded'), hash: z.string(), was: z.string().optional() }),
  healthRaisedSchema,
  healthClearedSchema,
])
export type AuditEntry = z.infer<typeof auditEntrySchema>

/** The right to work on `key` alone until it is released or its time is up; a later claim has a higher token. */
export interface Claim {
  key: string
  token: number
}

/** An incident whose wake-up time has come; `mark` grows with whatever touches it. */
export interface DueIncident {
  incident: Incident
  mark: number
}

/** Where the record stands: how many lines it has and the hash of the last one. */
export interface Head {
  sequence: number
  hash: string
}

/**
 * The store: the record of everything that was decided, and the state that follows from it.
 *
 * Every method that writes resolves when the write is durable, and rejects with a `Fault` when it is not; then
 * nothing has changed, in memory either, and the caller must act as if it had never asked.
 */
export interface Store {
  /**
   * Opens an incident, unless one that is not final exists for that connector: then that one is returned and
   * nothing is written. The number is given inside the commit; numbers are never used twice.
   */
  create(
    tenant: string,
    connectorId: string,
    commit: Commit,
  ): Promise<{ created: boolean; incident: Incident }>

  /**
   * Adds events to an incident if it still has `expectedVersion`. A commit raises the version by one, however
   * many events it holds. On a conflict nothing is written and the present incident is returned, for the caller
   * to decide again. Rejects with code `incidentUnknown` if there is no such incident.
   */
  commit(
    number: number,
    expectedVersion: number,
    commit: Commit,
  ): Promise<{ committed: boolean; incident: Incident }>

  /** Adds an entry to the record that changes no incident. */
  record(entry: AuditEntry, at: Instant, by?: Person): Promise<void>

  /**
   * What the record says to be amiss with the bot itself (`healthRaised`), and what was (`healthCleared`): of each
   * cause, tenant and conversation the latest.
   */
  problems(): Promise<Problem[]>

  find(number: number): Promise<Incident | undefined>
  /** All incidents that are not final, by number; of one tenant, if given. */
  open(tenant?: string): Promise<Incident[]>
  /** The newest incident of a connector, final or not. */
  latest(tenant: string, connectorId: string): Promise<Incident | undefined>
  /** Incidents that ended at or after `from` and before `to`, by number. */
  endedBetween(from: Instant, to: Instant): Promise<Incident[]>
  /** The incidents that one read found together, by number. */
  inBatch(batch: string): Promise<Incident[]>

  /**
   * Incidents to look at now: those whose wake-up time has come. Every commit to an incident, and every saved
   * delivery about it or about its batch, sets its wake-up to at once; so does a start, for all; and so does
   * changing a conversation, for all that are not final.
   */
  due(now: Instant): Promise<DueIncident[]>
  /**
   * Sets when to look at an incident next (undefined: not before something happens to it). Without effect if
   * something has touched it since `mark` was handed out: then it stays due.
   */
  sleep(number: number, mark: number, until: Instant | undefined): Promise<void>

  /** Has an incident looked at now, because of something that is not stored: what was found out about it. */
  touch(number: number): Promise<void>

  conversations(): Promise<Conversation[]>
  /**
   * Changes what is known of a conversation, on what is stored at that very moment: nothing that somebody else
   * saves meanwhile is lost. `change` returns undefined to leave it as it is. Resolves with what is stored then.
   */
  changeConversation(
    id: string,
    change: (known: Conversation | undefined) => Conversation | undefined,
  ): Promise<Conversation | undefined>

  delivery(subject: string, conversation: string): Promise<Delivery | undefined>
  /** What was delivered about an incident: on its own, and in the digest of its batch. */
  deliveriesOf(incident: Incident): Promise<Delivery[]>
  /** What was delivered under one subject, in whichever conversation. */
  deliveriesAbout(subject: string): Promise<Delivery[]>
  /** Rejects with code `claimLost` if `claim` is given and a later claim of the same key was handed out. */
  saveDelivery(delivery: Delivery, claim?: Claim): Promise<void>
  /** The same, on what is stored at that very moment; rejects with `claimLost` likewise. */
  changeDelivery(
    subject: string,
    conversation: string,
    change: (known: Delivery | undefined) => Delivery,
    claim?: Claim,
  ): Promise<Delivery>

  /** How the connectors of a tenant have looked since watching began; undefined before the first reading. */
  connectorHistory(tenant: string): Promise<ConnectorHistory | undefined>
  saveConnectorHistory(history: ConnectorHistory): Promise<void>

  /** Takes the sole right to work on `key` until `until`; undefined if somebody else holds it at `now`. */
  claim(key: string, now: Instant, until: Instant): Promise<Claim | undefined>
  release(claim: Claim): Promise<void>

  /** Calls `listener` after each durable write that may have made work due. Returns a function that stops it. */
  onChange(listener: () => void): () => void
  head(): Head
  /** Undefined while writes work; else why the last one did not. */
  failing(): string | undefined
  /** Finishes what is being written and gives the store free for another process. */
  close(): Promise<void>
}

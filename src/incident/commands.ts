import type { Instant } from '../clock.js'
import type {
  Batch,
  ClearedCause,
  Editor,
  Person,
  PreviousIncident,
  RemovalOutcome,
  Restriction,
} from './incident.js'
import type { StepId } from './steps.js'

/** Roles from the least to the most; a role includes the ones before it. */
export const roles = ['viewer', 'responder', 'approver'] as const
export type Role = (typeof roles)[number]

/** Whether `held` allows what `needed` is asked for. */
export const roleCovers = (held: Role | undefined, needed: Role): boolean =>
  held !== undefined && roles.indexOf(held) >= roles.indexOf(needed)

/** Who acts, as established at the edge from the authenticated activity; never from card data. */
export interface Actor {
  person: Person
  /** The roster's user principal name, if it told one. */
  upn?: string | undefined
  /** The role that the person is known to hold for the incident's tenant, as far as what is asked for takes one. */
  role?: Role | undefined
  /**
   * Set where the person may hold a higher role and Entra could not be asked: why, and when Entra last said that
   * they are an approver.
   */
  directory?: { failed: string; approverSeenAt?: Instant | undefined } | undefined
  /** Whether the chat's roster confirmed a member (no guest) of the home tenant just now. */
  verified: boolean
  /** Opaque: how the chat can be asked about the person again. */
  seenIn: string
  roleMapHash: string
}

/**
 * What a person can ask for. `evidenceAt` is when Exchange was last asked what the connector is like, whatever came
 * of it: a vote must not rest on what was seen long ago. The role each one takes stands in `roleNeeded`. */
export type PersonCommand =
  | { verb: 'acknowledge'; actor: Actor }
  | { verb: 'done'; actor: Actor; step: StepId; note?: string | undefined }
  | { verb: 'skip'; actor: Actor; step: StepId; reason: string }
  | { verb: 'undo'; actor: Actor; step: StepId }
  | { verb: 'note'; actor: Actor; text: string }
  | { verb: 'approve'; actor: Actor; reason: string; evidenceAt?: Instant | undefined }
  | { verb: 'override'; actor: Actor; reason: string; evidenceAt?: Instant | undefined }
  | { verb: 'keep'; actor: Actor; reason: string }
  | { verb: 'reopen'; actor: Actor; reason: string }
  | { verb: 'retry'; actor: Actor; reason: string; evidenceAt?: Instant | undefined }

export type PersonVerb = PersonCommand['verb']

export const roleNeeded: Record<PersonVerb, Role> = {
  acknowledge: 'responder',
  done: 'responder',
  skip: 'responder',
  undo: 'responder',
  note: 'responder',
  approve: 'approver',
  override: 'approver',
  keep: 'approver',
  reopen: 'approver',
  retry: 'approver',
}

/** What the bot itself reports or does; each states the facts it rests on, so that the decider can check. */
export type SystemCommand =
  | {
      verb: 'detect'
      tenant: string
      tenantId?: string | undefined
      restriction: Restriction
      batch?: Batch | undefined
      previous?: PreviousIncident | undefined
    }
  /** Time has passed: void what has expired. */
  | { verb: 'expire' }
  /** A voter was asked about again and is no approver any more. */
  | { verb: 'roleLost'; voter: Person }
  /**
   * Everything is ready for the call to Exchange. `listedInReadOf`: start of the good read that still lists
   * this episode; `confirmed`: ids of the voters who were just found to be approvers still; `fingerprint`: what
   * the connector was just found to be like, undefined if it could not be read.
   */
  | {
      verb: 'startRemoval'
      removal: string
      reason: string
      listedInReadOf: Instant
      confirmed: string[]
      fingerprint?: string | undefined
      /** Of the role map by which the voters were just asked about again. */
      roleMapHash?: string | undefined
    }
  | { verb: 'removalAnswered'; removal: string; outcome: RemovalOutcome }
  /** A good read that started at `readOf` still lists this episode. */
  | { verb: 'stillListed'; readOf: Instant }
  /** This episode is gone: absent from two complete reads, or replaced by a newer one. */
  | { verb: 'gone'; absentSince: Instant; cause: ClearedCause; replaced?: true | undefined }
  /** The connector was read, and is like this; `changed` names what differs from when it was last read. */
  | { verb: 'seeConnector'; fingerprint: string; changed: string[] }
  /** The audit log says who changed the connector last before it was restricted. */
  | { verb: 'nameEditor'; editor: Editor }
  /** What took the connector off the list was found out after the end. */
  | {
      verb: 'explainEnd'
      cause: Exclude<ClearedCause, 'unknown'>
      removedBy?: { account: string; at: Instant } | undefined
    }
  /** What was decided could not go on: the list, the roster or a token is not to be had. */
  | { verb: 'heldUp'; cause: string }

export type Command = PersonCommand | SystemCommand

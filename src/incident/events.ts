import { z } from 'zod'
import { stepIdSchema } from './steps.js'

const instant = z.iso.datetime({ precision: 3 })
const person = z.object({ id: z.string().min(1), name: z.string() })
const endedStatus = z.enum(['unblocked', 'cleared'])

/** With which rules and role map a decision was made; their texts may change, these hashes stay. */
const basis = z.object({ rules: z.string(), roleMap: z.string() })

/**
 * Everything that can happen to an incident. The journal holds these for good: a form that was once written
 * stays readable, so fields may be added as optional and nothing else may change.
 */
export const incidentEventSchema = z.discriminatedUnion(
  'type',
  [
    z.object({
      type: z.literal('opened'),
      tenant: z.string(),
      /** The organisation's GUID: its name may come to mean another one. */
      tenantId: z.string().optional(),
      restriction: z.object({
        connectorId: z.string(),
        connectorName: z.string().optional(),
        createdAt: z.string().optional(),
        reason: z.string().optional(),
        /** The row as Exchange sent it, shortened: nobody outside of Microsoft knows what it may hold. */
        raw: z.record(z.string(), z.string()).optional(),
      }),
      batch: z.object({ id: z.string(), size: z.number() }).optional(),
      previous: z
        .object({ number: z.number(), status: endedStatus, endedAt: instant, approvers: z.array(person) })
        .optional(),
    }),
    z.object({ type: z.literal('acknowledged') }),
    z.object({
      type: z.literal('stepSettled'),
      step: stepIdSchema,
      how: z.enum(['done', 'notApplicable']),
      note: z.string().optional(),
    }),
    z.object({ type: z.literal('stepUndone'), step: stepIdSchema }),
    z.object({ type: z.literal('noted'), text: z.string() }),
    z.object({
      type: z.literal('voted'),
      reason: z.string(),
      expiresAt: instant,
      required: z.number(),
      override: z.boolean(),
      seenIn: z.string(),
      /** The roster's user principal name of the voter. */
      upn: z.string().optional(),
      /** What the connector was like when this was given; not there if nobody could read it. */
      fingerprint: z.string().optional(),
      /** Nobody knew who had changed the connector last, so that it may have been the voter. */
      editorUnknown: z.literal(true).optional(),
      basis,
    }),
    z.object({
      type: z.literal('quorumReached'),
      required: z.number(),
      removeBy: instant,
      approvers: z.array(person),
    }),
    z.object({
      type: z.literal('votesVoided'),
      cause: z.enum([
        'expired',
        'tooLate',
        'roleLost',
        'stepUndone',
        'replaced',
        'connectorChanged',
        'editorFound',
      ]),
      voters: z.array(person),
    }),
    z.object({
      type: z.literal('keptBlocked'),
      reason: z.string(),
      /** The roster could not be asked; keeping it blocked is allowed all the same. */
      unverified: z.literal(true).optional(),
      /** Entra could not be asked, and had last said then that this person is an approver. */
      roleSeenAt: instant.optional(),
      basis,
    }),
    z.object({ type: z.literal('reopened'), reason: z.string(), basis }),
    z.object({ type: z.literal('retried'), reason: z.string(), basis }),
    z.object({
      type: z.literal('removalStarted'),
      removal: z.string(),
      approvers: z.array(person),
      reason: z.string(),
      listedInReadOf: instant,
      /** With which rules and role map it was checked once more. */
      basis: basis.optional(),
    }),
    z.object({
      type: z.literal('removalAnswered'),
      outcome: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('accepted') }),
        z.object({ kind: z.literal('notDone'), cause: z.string() }),
        z.object({ kind: z.literal('unknown'), cause: z.string() }),
      ]),
    }),
    /** The connector's settings as they were read, for the first time or because they differ from before. */
    z.object({
      type: z.literal('connectorSeen'),
      fingerprint: z.string(),
      /** The settings that differ from when it was last seen; not there the first time. */
      changed: z.array(z.string()).optional(),
    }),
    /** Who changed the connector last before it was restricted, as the audit log has it. */
    z.object({
      type: z.literal('editorFound'),
      account: z.string(),
      /** The account's Entra object id in the home tenant, if it has one there. */
      id: z.string().optional(),
      /** Nobody could be asked whose account it is: that no id is here does not mean that it is nobody's. */
      notLookedUp: z.literal(true).optional(),
      at: instant,
    }),
    /** Found out after the end: what took the connector off the list. */
    z.object({
      type: z.literal('causeFound'),
      cause: z.enum(['connectorGone', 'removedByOther']),
      account: z.string().optional(),
      at: instant.optional(),
    }),
    /** What was decided cannot go on just now, and the bot keeps trying. */
    z.object({ type: z.literal('heldUp'), cause: z.string() }),
    z.object({ type: z.literal('stuck'), cause: z.enum(['notDone', 'unknownOutcome', 'stillListed']) }),
    /** `replaced`: not seen gone, but listed as a newer restriction. */
    z.object({ type: z.literal('unblocked'), absentSince: instant, replaced: z.literal(true).optional() }),
    z.object({
      type: z.literal('cleared'),
      cause: z.enum(['connectorGone', 'removedByOther', 'unknown']),
      absentSince: instant,
      replaced: z.literal(true).optional(),
    }),
  ],
  'an event that this version does not know',
)

export type IncidentEvent = z.infer<typeof incidentEventSchema>

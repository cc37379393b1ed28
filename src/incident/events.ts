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
export const incidentEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('opened'),
    tenant: z.string(),
    restriction: z.object({
      connectorId: z.string(),
      connectorName: z.string().optional(),
      createdAt: z.string().optional(),
      reason: z.string().optional(),
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
    cause: z.enum(['expired', 'tooLate', 'roleLost', 'stepUndone', 'replaced']),
    voters: z.array(person),
  }),
  z.object({
    type: z.literal('keptBlocked'),
    reason: z.string(),
    /** The roster could not be asked; keeping it blocked is allowed all the same. */
    unverified: z.literal(true).optional(),
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
  }),
  z.object({
    type: z.literal('removalAnswered'),
    outcome: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('accepted') }),
      z.object({ kind: z.literal('notDone'), cause: z.string() }),
      z.object({ kind: z.literal('unknown'), cause: z.string() }),
    ]),
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
])

export type IncidentEvent = z.infer<typeof incidentEventSchema>

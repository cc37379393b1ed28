import { z } from 'zod'
import { stepIdSchema } from './steps.js'

const wholeNumber = (least: number, most: number) => z.number().int().min(least).max(most)

/**
 * The rules file (`RULES_FILE`). Every key may be left out; what is left out has the value given here.
 * An unknown key is an error: a misspelt rule must never silently be the default.
 */
export const rulesSchema = z.strictObject({
  approvals: z
    .strictObject({
      /** Distinct approvers needed to unblock. */
      required: wholeNumber(1, 10).default(1),
      /** The same for an incident that is linked to an earlier one of the same connector. */
      requiredAfterReRestriction: wholeNumber(1, 10).default(2),
      /** For how long after an incident ended a new one of the same connector is linked to it. */
      reRestrictionHours: wholeNumber(0, 720).default(72),
      /** How long a vote counts. */
      expireMinutes: wholeNumber(5, 1440).default(60),
      acknowledgerMayApprove: z.boolean().default(true),
      /** Whether whoever changed the connector last before it was restricted may approve its unblock. */
      editorMayApprove: z.boolean().default(false),
    })
    .prefault({}),
  checklist: z
    .strictObject({
      /** Steps that have to be settled before anyone may approve. */
      required: z.array(stepIdSchema).default(['traffic', 'audit', 'revert', 'account']),
      /** Whether two approvers may unblock with required steps unsettled. */
      override: z.boolean().default(false),
    })
    .prefault({}),
  announce: z
    .strictObject({
      /** Whom the first post mentions: on-call (the responders named in the role map), or nobody. */
      mention: z.enum(['onCall', 'nobody']).default('onCall'),
    })
    .prefault({}),
})

export type Rules = z.infer<typeof rulesSchema>

/** The rules in force and the hash of the file they came from, which every decision's record carries. */
export interface RulesInForce {
  rules: Rules
  hash: string
}

export const defaultRules: Rules = rulesSchema.parse({})

/** From quorum to removal: later than this, what the approvers saw is too old to act on. */
export const quorumLifeMinutes = 10
/** After this long without a known outcome and still listed, a person is asked. */
export const unknownOutcomeMinutes = 10
/** Whoever was an approver so long ago may keep a connector blocked while Entra cannot be asked. */
export const approverSeenHours = 24
/** What is held up says so at most this often, however its cause is worded each time. */
export const heldUpEveryMinutes = 30
/** A vote may rest on what was read of the connector at most this long ago. */
export const evidenceFreshMinutes = 15
/** Microsoft: an unblocked connector may take up to one hour to leave the list and to carry mail again. */
export const unblockTakesMinutes = 60
/** A vote's or a decision's reason, in characters. */
export const reasonLength = { least: 3, most: 500 } as const
/** More notes than this on one incident are refused: the card and the record stay readable. */
export const mostNotes = 200

import type { Instant } from '../clock.js'
import type { Incident, Vote } from './incident.js'
import type { Rules } from './rules.js'
import type { StepId } from './steps.js'

/** How many distinct approvers it takes now; what a vote was given under stays in the record. */
export const approvalsRequired = (incident: Incident, { approvals }: Rules): number =>
  incident.previous ? Math.max(approvals.required, approvals.requiredAfterReRestriction) : approvals.required

/** Required steps that nobody has settled yet, in the order of the checklist. */
export const unsettledSteps = (incident: Incident, { checklist }: Rules): StepId[] =>
  checklist.required.filter((step) => !incident.steps[step])

/** Whether a vote still counts. */
export const isValid = (vote: Vote, now: Instant): boolean => now < vote.expiresAt

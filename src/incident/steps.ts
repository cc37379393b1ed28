import { z } from 'zod'

/**
 * The steps of Microsoft's "Respond to a compromised connector", in the order in which they are worked
 * through: is the traffic ours, who changed the connector, put it right, secure the account that changed it,
 * make sure that the next alert reaches somebody.
 */
export const stepIds = ['traffic', 'audit', 'revert', 'account', 'alerting'] as const
export const stepIdSchema = z.enum(stepIds)
export type StepId = z.infer<typeof stepIdSchema>

import { z } from 'zod'
import {
  actions,
  headSchema,
  historySchema,
  line,
  nextSchema,
  noteSchema,
  settledStepSchema,
} from '../parts.js'

/** The card of an incident that is over: what came of it, who decided, and how long it took. */
export const outcomeViewSchema = z.strictObject({
  fallbackText: line,
  head: headSchema,
  what: z.array(line).min(1),
  next: nextSchema,
  actions,
  facts: z.array(line),
  steps: z.strictObject({ title: line, steps: z.array(settledStepSchema) }),
  note: noteSchema,
  history: historySchema,
})
export type OutcomeView = z.infer<typeof outcomeViewSchema>

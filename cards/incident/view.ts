import { z } from 'zod'
import {
  actions,
  headSchema,
  historySchema,
  line,
  nextSchema,
  noteSchema,
  optional,
  settledStepSchema,
} from '../parts.js'

const stepSchema = z.strictObject({
  ...settledStepSchema.shape,
  /** What the bot found out by itself. */
  evidence: z.array(line),
  /** How to go about it, folded away under `toggle`; not there once steps are closed. */
  details: optional(z.strictObject({ id: line, toggle: line, how: line, commands: z.array(line), actions })),
  buttons: optional(z.strictObject({ actions })),
})
export type StepView = z.infer<typeof stepSchema>

const decisionSchema = z.strictObject({
  title: line,
  lines: z.array(line),
  label: line,
  placeholder: line,
  actions,
})
export type DecisionView = z.infer<typeof decisionSchema>

const stuckSchema = z.strictObject({ title: line, lines: z.array(line), command: line })
export type StuckView = z.infer<typeof stuckSchema>

/** The card of an incident that is not over. */
export const incidentViewSchema = z.strictObject({
  fallbackText: line,
  head: headSchema,
  what: z.array(line).min(1),
  next: nextSchema,
  actions,
  stuck: optional(stuckSchema),
  checklist: z.strictObject({
    title: line,
    progress: line,
    collecting: optional(line),
    steps: z.array(stepSchema),
  }),
  note: noteSchema,
  decision: optional(decisionSchema),
  history: historySchema,
  /** The row as Exchange sent it, folded away under `toggle`. */
  raw: optional(z.strictObject({ id: line, toggle: line, lines: z.array(line) })),
  refresh: actions,
  hint: line,
})
export type IncidentView = z.infer<typeof incidentViewSchema>

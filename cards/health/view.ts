import { z } from 'zod'
import { actions, line, optional, styleSchema } from '../parts.js'

/** What is amiss with the bot itself, what that means and the one thing that helps; or that it is over. */
export const healthViewSchema = z.strictObject({
  fallbackText: line,
  style: styleSchema,
  status: line,
  title: line,
  what: line,
  next: optional(
    z.strictObject({
      title: line,
      text: line,
      commands: optional(line),
      buttons: optional(z.strictObject({ actions })),
    }),
  ),
  rows: z.array(z.strictObject({ name: line, state: line, details: optional(line) })).min(1),
  more: optional(line),
  hint: line,
})
export type HealthView = z.infer<typeof healthViewSchema>

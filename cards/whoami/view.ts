import { z } from 'zod'
import { line, optional } from '../parts.js'

/** Who the bot takes somebody for, and what that allows. */
export const whoamiViewSchema = z.strictObject({
  fallbackText: line,
  title: line,
  name: line,
  idLabel: line,
  id: line,
  conversation: line,
  problems: z.array(line),
  tenants: z.array(z.strictObject({ role: line, sources: optional(line), allows: line })),
})
export type WhoamiView = z.infer<typeof whoamiViewSchema>

import { z } from 'zod'
import { actions, colorSchema, line, optional } from '../parts.js'

/** One thing that was looked at: a sign and words in one text. */
const rowSchema = z.strictObject({ text: line, color: colorSchema })
export type CheckRow = z.infer<typeof rowSchema>

/** The answer to `checks`: how the bot stands towards each watched tenant, and in itself. */
export const checksViewSchema = z.strictObject({
  fallbackText: line,
  title: line,
  subtitle: line,
  tenants: z.array(z.strictObject({ name: line, rows: z.array(rowSchema) })),
  more: optional(line),
  own: z.strictObject({ title: line, rows: z.array(rowSchema), ids: z.array(line) }),
  buttons: optional(z.strictObject({ actions })),
})
export type ChecksView = z.infer<typeof checksViewSchema>

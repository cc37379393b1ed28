import { z } from 'zod'
import { line, nextSchema, styleSchema } from '../parts.js'
import { pagesSchema, rowSchema } from '../rows.js'

/** One card for many connectors that were found blocked together; each is decided on its own card. */
export const digestViewSchema = z.strictObject({
  fallbackText: line,
  style: styleSchema,
  title: line,
  counts: line,
  what: line,
  next: nextSchema,
  rows: z.array(rowSchema),
  pages: pagesSchema,
})
export type DigestView = z.infer<typeof digestViewSchema>

import { z } from 'zod'
import { line, optional } from '../parts.js'
import { pagesSchema, rowSchema } from '../rows.js'

/** The answer to `list`. */
export const listViewSchema = z.strictObject({
  fallbackText: line,
  title: line,
  subtitle: line,
  empty: optional(line),
  rows: z.array(rowSchema),
  pages: pagesSchema,
})
export type ListView = z.infer<typeof listViewSchema>

import { z } from 'zod'
import { line } from '../parts.js'

/** What the bot does and what can be typed; also how it introduces itself where it was just installed. */
export const helpViewSchema = z.strictObject({
  fallbackText: line,
  title: line,
  lines: z.array(line),
  commandsTitle: line,
  groups: z.array(
    z.strictObject({ role: line, commands: z.array(z.strictObject({ usage: line, does: line })) }),
  ),
})
export type HelpView = z.infer<typeof helpViewSchema>

import { z } from 'zod'
import { line } from '../parts.js'

/** What becomes of a card that a newer one replaces: a pointer, without any button. */
export const movedViewSchema = z.strictObject({ fallbackText: line, title: line, text: line })
export type MovedView = z.infer<typeof movedViewSchema>

import { z } from 'zod'
import { line } from '../parts.js'

/** What the doctor posts to see whether, and how, cards arrive. */
export const testCardViewSchema = z.strictObject({ fallbackText: line, title: line, text: line })
export type TestCardView = z.infer<typeof testCardViewSchema>

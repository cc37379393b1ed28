import { defineCard } from '../card.js'
import { testCardViewSchema } from './view.js'

export const testCardKind = defineCard(
  'test-card',
  testCardViewSchema,
  new URL('./template.json', import.meta.url),
)

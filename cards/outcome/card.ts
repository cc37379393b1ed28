import { defineCard } from '../card.js'
import { outcomeViewSchema } from './view.js'

export const outcomeKind = defineCard(
  'outcome',
  outcomeViewSchema,
  new URL('./template.json', import.meta.url),
)

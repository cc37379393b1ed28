import { defineCard } from '../card.js'
import { incidentViewSchema } from './view.js'

export const incidentKind = defineCard(
  'incident',
  incidentViewSchema,
  new URL('./template.json', import.meta.url),
)

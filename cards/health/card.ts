import { defineCard } from '../card.js'
import { healthViewSchema } from './view.js'

export const healthKind = defineCard('health', healthViewSchema, new URL('./template.json', import.meta.url))

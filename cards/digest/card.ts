import { defineCard } from '../card.js'
import { digestViewSchema } from './view.js'

export const digestKind = defineCard('digest', digestViewSchema, new URL('./template.json', import.meta.url))

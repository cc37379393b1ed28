import { defineCard } from '../card.js'
import { helpViewSchema } from './view.js'

export const helpKind = defineCard('help', helpViewSchema, new URL('./template.json', import.meta.url))

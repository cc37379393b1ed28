import { defineCard } from '../card.js'
import { listViewSchema } from './view.js'

export const listKind = defineCard('list', listViewSchema, new URL('./template.json', import.meta.url))

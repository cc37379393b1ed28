import { defineCard } from '../card.js'
import { checksViewSchema } from './view.js'

export const checksKind = defineCard('checks', checksViewSchema, new URL('./template.json', import.meta.url))

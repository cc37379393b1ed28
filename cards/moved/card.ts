import { defineCard } from '../card.js'
import { movedViewSchema } from './view.js'

export const movedKind = defineCard('moved', movedViewSchema, new URL('./template.json', import.meta.url))

import { defineCard } from '../card.js'
import { whoamiViewSchema } from './view.js'

export const whoamiKind = defineCard('whoami', whoamiViewSchema, new URL('./template.json', import.meta.url))

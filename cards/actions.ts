import { z } from 'zod'
import { codeOf, type Incident } from '../src/incident/incident.js'
import { type Click, clickSchema } from './clicks.js'

const title = z.string().min(1)

const executeSchema = z.strictObject({
  type: z.literal('Action.Execute'),
  title,
  style: z.literal('positive').optional(),
  verb: z.string(),
  data: clickSchema,
  /** For clients that know no Action.Execute: the same data, which then arrives as a message. */
  fallback: z.strictObject({ type: z.literal('Action.Submit'), title, data: clickSchema }),
})

const openUrlSchema = z.strictObject({
  type: z.literal('Action.OpenUrl'),
  title,
  url: z.url({ protocol: /^https$/ }),
})

/** A button as Teams takes it; views hold these ready-made, so that every button is of one make. */
export const actionSchema = z.discriminatedUnion('type', [executeSchema, openUrlSchema])
export type Action = z.infer<typeof actionSchema>

/** A button that asks the bot for something. */
export const execute = (title: string, click: Click): Action => ({
  type: 'Action.Execute',
  title,
  verb: click.verb,
  data: click,
  fallback: { type: 'Action.Submit', title, data: click },
})

/** The one button of a card that does what the card asks for next; not every client draws it differently. */
export const foremost = (action: Action): Action =>
  action.type === 'Action.Execute' ? { ...action, style: 'positive' } : action

export const openUrl = (title: string, url: string): Action => ({ type: 'Action.OpenUrl', title, url })

/** What a button about an incident sends. */
export const clickOn = (incident: Incident, verb: Click['verb'], more: Pick<Click, 'step'> = {}): Click => ({
  verb,
  incident: codeOf(incident),
  version: incident.version,
  ...more,
})

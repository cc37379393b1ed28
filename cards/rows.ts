import { z } from 'zod'
import { codeOf, type Incident, isFinal } from '../src/incident/incident.js'
import { type Action, clickOn, execute } from './actions.js'
import type { CardContext } from './card.js'
import type { Click } from './clicks.js'
import { mostShown, show } from './escape.js'
import { actions, colorSchema, line, optional } from './parts.js'
import { looks, phaseOf } from './phase.js'

// Several incidents on one card, each with a button that opens its own.

export const rowSchema = z.strictObject({
  connector: line,
  color: colorSchema,
  status: line,
  about: z.array(line).min(1),
  actions,
})
export type Row = z.infer<typeof rowSchema>

export const pagesSchema = optional(z.strictObject({ text: line, actions }))

const rowsPerPage = 10

export interface Page {
  incidents: Incident[]
  number: number
  of: number
}

/** The asked page, or the nearest one that there is. */
export function pageOf(incidents: Incident[], asked: number): Page {
  const of = Math.max(1, Math.ceil(incidents.length / rowsPerPage))
  const number = Math.min(Math.max(1, asked), of)
  const from = (number - 1) * rowsPerPage
  return { incidents: incidents.slice(from, from + rowsPerPage), number, of }
}

/**
 * One incident among several: what it is and how it stands.
 * @param time how long, and who is waited for
 */
export function rowOf(incident: Incident, context: CardContext, time: string): Row {
  const { texts, rules } = context
  const phase = phaseOf(incident, rules)
  return {
    connector: texts.connectorOf(incident),
    color: looks[phase].color,
    status: texts.phases[phase],
    about: [texts.listing.row(codeOf(incident), show(incident.tenant, mostShown.tenant)), time],
    actions: [execute(texts.buttons.show, clickOn(incident, 'show'))],
  }
}

/** How long it took until it was over; undefined while it is not. */
export const endedAfter = (incident: Incident, { texts }: CardContext): string | undefined =>
  isFinal(incident)
    ? texts.listing.ended(texts.between(incident.openedAt, incident.ended?.at ?? incident.since))
    : undefined

/** The way to the other pages; nothing where there is only one. `source` names the digest or the list. */
export function pagesOf(
  { number, of }: Page,
  source: Pick<Click, 'batch' | 'list'>,
  { texts }: CardContext,
): { text: string; actions: Action[] }[] {
  if (of === 1) return []
  const to = (title: string, page: number): Action => execute(title, { verb: 'page', page, ...source })
  return [
    {
      text: texts.listing.page(number, of),
      actions: [
        ...(number > 1 ? [to(texts.buttons.previousPage, number - 1)] : []),
        ...(number < of ? [to(texts.buttons.nextPage, number + 1)] : []),
      ],
    },
  ]
}

import type { Incident } from '../../src/incident/incident.js'
import type { CardContext } from '../card.js'
import { mostShown, show } from '../escape.js'
import { phaseOf } from '../phase.js'
import { endedAfter, pageOf, pagesOf, rowOf } from '../rows.js'
import { onDevice } from '../times.js'
import type { ListView } from './view.js'

export interface ListOf {
  title: string
  /** What the person asked for; empty for all that are open. */
  filter: string
  incidents: Incident[]
  page: number
}

export function toListView({ title, filter, incidents, page }: ListOf, context: CardContext): ListView {
  const { listing } = context.texts
  const shown = pageOf(incidents, page)
  const asked = show(filter, mostShown.word)
  const heading = show(title, mostShown.short)
  const counted = listing.asOf(listing.counted(incidents.length), onDevice(context.now))
  return {
    fallbackText: `${heading}: ${listing.counted(incidents.length)}`,
    title: heading,
    subtitle: asked ? `${counted} · ${listing.filtered(asked)}` : counted,
    empty: incidents.length > 0 ? [] : [asked ? listing.emptyFiltered : listing.empty],
    rows: shown.incidents.map((incident) => rowOf(incident, context, timeOf(incident, context))),
    pages: pagesOf(shown, { list: filter.slice(0, 200) }, context),
  }
}

function timeOf(incident: Incident, context: CardContext): string {
  const { texts, rules, now } = context
  const lasted = texts.between(incident.openedAt, now)
  return endedAfter(incident, context) ?? texts.listing.age(lasted, texts.waiting[phaseOf(incident, rules)])
}

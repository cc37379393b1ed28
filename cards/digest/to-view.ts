import { type Incident, isFinal } from '../../src/incident/incident.js'
import type { CardContext } from '../card.js'
import { type ContainerStyle, looks, phaseOf, phasesByUrgency } from '../phase.js'
import { endedAfter, pageOf, pagesOf, rowOf } from '../rows.js'
import { onDevice } from '../times.js'
import type { DigestView } from './view.js'

export interface DigestOf {
  /** Id of the batch: the read that found them together. */
  id: string
  incidents: Incident[]
  page: number
}

export function toDigestView({ id, incidents, page }: DigestOf, context: CardContext): DigestView {
  const words = context.texts.digest
  const shown = pageOf(incidents, page)
  return {
    fallbackText: words.title(incidents),
    style: styleOf(incidents, context),
    title: words.title(incidents),
    counts: countsOf(incidents, context),
    what: words.what,
    next: { title: words.nextTitle, text: incidents.every(isFinal) ? words.nextOver : words.next },
    rows: shown.incidents.map((incident) => rowOf(incident, context, timeOf(incident, context))),
    pages: pagesOf(shown, { batch: id }, context),
  }
}

/** As urgent as the most urgent of them. */
function styleOf(incidents: Incident[], { rules }: CardContext): ContainerStyle {
  const found = incidents.map((incident) => phaseOf(incident, rules))
  const first = phasesByUrgency.find((phase) => found.includes(phase))
  return first ? looks[first].style : 'default'
}

/** A point in time, never an age: a digest stays in the conversation and is drawn again only on a change. */
function timeOf(incident: Incident, context: CardContext): string {
  const { listing, waiting } = context.texts
  const waits = waiting[phaseOf(incident, context.rules)]
  return endedAfter(incident, context) ?? listing.since(onDevice(incident.openedAt), waits)
}

function countsOf(incidents: Incident[], { texts, rules }: CardContext): string {
  const found = incidents.map((incident) => phaseOf(incident, rules))
  const counts = phasesByUrgency
    .map((phase) => ({ phase, n: found.filter((one) => one === phase).length }))
    .filter(({ n }) => n > 0)
  return texts.digest.counts(counts.map(({ phase, n }) => texts.digest.phaseCount(n, phase)))
}

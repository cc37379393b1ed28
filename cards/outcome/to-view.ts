import { type Instant, later, minuteMs } from '../../src/clock.js'
import { readTime } from '../../src/incident/episode.js'
import type { Incident } from '../../src/incident/incident.js'
import { unblockTakesMinutes } from '../../src/incident/rules.js'
import { type StepId, stepIds } from '../../src/incident/steps.js'
import { openUrl } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showName, showUnlinked } from '../escape.js'
import { headOf, historyOf, noteOf, restrictedEntities, usedVotes } from '../parts.js'
import { mayBeOurs } from '../phase.js'
import { settledOf } from '../settled.js'
import { onDevice } from '../times.js'
import type { OutcomeView } from './view.js'

/** What the card of an incident that is over shows. */
export function toOutcomeView(incident: Incident, context: CardContext): OutcomeView {
  const { texts } = context
  const words = texts.outcome
  const blockedFrom = readTime(incident.restriction.createdAt) ?? incident.openedAt
  const lasted = texts.between(blockedFrom, absentSince(incident))
  return {
    fallbackText: texts.summary(incident),
    head: headOf(incident, context, words.where(show(incident.tenant, mostShown.tenant), lasted)),
    what: [whatCameOfIt(incident, context), ...removedBy(incident, context)],
    next: { title: words.nextTitle, text: next(incident, context) },
    actions: [openUrl(texts.buttons.defender, restrictedEntities)],
    facts: [...acknowledgement(incident, context), ...approvals(incident, context)],
    steps: { title: words.stepsTitle, steps: stepIds.map((step) => stepOf(incident, step, context)) },
    note: noteOf(incident, context, words),
    history: historyOf(incident, context),
  }
}

/** When Exchange was first seen without it: what ended an incident stands in its last deciding event. */
function absentSince({ history, since }: Incident): Instant {
  const ending = history.findLast(
    ({ event }) => event.type === 'unblocked' || event.type === 'cleared',
  )?.event
  return ending && 'absentSince' in ending ? ending.absentSince : since
}

function whatCameOfIt(incident: Incident, { texts }: CardContext): string {
  const at = absentSince(incident)
  const { ended, removal } = incident
  if (ended?.replaced) return texts.outcome.replaced(onDevice(at))
  if (incident.status === 'cleared')
    return removal && mayBeOurs(incident)
      ? texts.outcome.clearedAfterRemoval(onDevice(removal.startedAt), onDevice(at))
      : texts.outcome.cleared(ended?.cause ?? 'unknown', onDevice(at))
  const until = later(at, unblockTakesMinutes * minuteMs)
  return texts.outcome.removed(onDevice(at), onDevice(until, at))
}

function removedBy({ ended, openedAt }: Incident, { texts }: CardContext): string[] {
  if (!ended?.removedBy) return []
  const { account, at } = ended.removedBy
  return [texts.outcome.removedBy(showUnlinked(account, mostShown.short), at && onDevice(at, openedAt))]
}

function next(incident: Incident, { texts }: CardContext): string {
  const { status, ended } = incident
  if (ended?.replaced) return texts.outcome.replacedNext
  if (status === 'unblocked') return texts.outcome.unblockedNext
  if (mayBeOurs(incident)) return texts.outcome.clearedAfterRemovalNext
  return ended?.cause === 'connectorGone' ? texts.outcome.connectorGoneNext : texts.outcome.clearedNext
}

function approvals(incident: Incident, { texts }: CardContext): string[] {
  if (incident.status !== 'unblocked') return []
  return usedVotes(incident).map(({ by, at, reason }) => {
    const after = texts.between(incident.openedAt, at)
    return texts.outcome.approvedAfter(showName(by), after, show(reason, mostShown.reason))
  })
}

function acknowledgement({ acknowledged, openedAt }: Incident, { texts }: CardContext): string[] {
  if (!acknowledged) return []
  const after = texts.between(openedAt, acknowledged.at)
  return [texts.outcome.acknowledgedAfter(showName(acknowledged.by), after)]
}

function stepOf(
  incident: Incident,
  step: StepId,
  context: CardContext,
): OutcomeView['steps']['steps'][number] {
  const { steps, outcome } = context.texts
  const settled = settledOf(incident, step, context)
  return { ...settled, title: steps[step].title, state: settled.state ?? outcome.stepOpen }
}

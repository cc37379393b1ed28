import { readTime } from '../../src/incident/episode.js'
import type { Evidence } from '../../src/incident/evidence.js'
import { codeOf, type Incident } from '../../src/incident/incident.js'
import { approvalsRequired, unsettledSteps } from '../../src/incident/requirements.js'
import { stepIds } from '../../src/incident/steps.js'
import { type Action, clickOn, execute, foremost, openUrl } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showName, showUnlinked } from '../escape.js'
import { headOf, historyOf, noteOf, restrictedEntities } from '../parts.js'
import { phaseOf, votesAt } from '../phase.js'
import { onDevice } from '../times.js'
import { decisionOf } from './decision.js'
import { stepOf } from './step.js'
import { stuckOf } from './stuck.js'
import type { IncidentView } from './view.js'
import { whatHappened } from './what-happened.js'

/** What the card of an incident that is not over shows. */
export function toIncidentView(
  incident: Incident,
  evidence: Evidence | undefined,
  context: CardContext,
): IncidentView {
  const { texts, rules } = context
  const words = texts.incident
  const { restriction, tenant, openedAt } = incident
  const required = rules.checklist.required.length
  const since = onDevice(readTime(restriction.createdAt) ?? openedAt)
  return {
    fallbackText: texts.summary(incident),
    head: headOf(incident, context, words.where(show(tenant, mostShown.tenant), since)),
    what: whatHappened(incident, context),
    next: { title: words.nextTitle, text: next(incident, context) },
    actions: firstActions(incident, context),
    stuck: stuckOf(incident, context),
    checklist: {
      title: words.checklistTitle,
      progress: words.progress(required - unsettledSteps(incident, rules).length, required),
      collecting: evidence ? [] : [texts.evidence.collecting],
      steps: stepIds.map((step) => stepOf(incident, step, evidence, context)),
    },
    note: noteOf(incident, context, incident.status === 'removing' ? texts.outcome : words),
    decision: decisionOf(incident, context),
    history: historyOf(incident, context),
    raw: rawRow(incident, context),
    refresh: [execute(texts.buttons.refresh, clickOn(incident, 'refresh'))],
    hint: hint(incident, context),
  }
}

const mostProperties = 30

/** What Exchange reported, as it did: people may know what a property means that nobody has documented. */
function rawRow({ restriction }: Incident, { texts }: CardContext): IncidentView['raw'] {
  const rows = Object.entries(restriction.raw ?? {}).slice(0, mostProperties)
  if (rows.length === 0) return []
  const { rawToggle, rawRow } = texts.evidence
  const lines = rows.map(([name, value]) =>
    rawRow(show(name, mostShown.word), showUnlinked(value, mostShown.text)),
  )
  return [{ id: 'raw-row', toggle: rawToggle, lines }]
}

function next(incident: Incident, { texts, rules, now }: CardContext): string {
  const words = texts.incident.next
  const open = unsettledSteps(incident, rules).length
  const phase = phaseOf(incident, rules)
  switch (phase) {
    case 'untaken':
      return words.untaken(open)
    case 'working':
      return words.working(incident.acknowledged && showName(incident.acknowledged.by), open)
    case 'deciding': {
      const given = votesAt(incident, now).length
      return words.deciding(given, Math.max(1, approvalsRequired(incident, rules) - given))
    }
    case 'unblocked':
    case 'cleared':
    case 'replaced':
      return texts.waiting[phase]
    default:
      return words[phase]
  }
}

function firstActions(incident: Incident, { texts, rules }: CardContext): Action[] {
  const acknowledge = execute(texts.buttons.acknowledge, clickOn(incident, 'acknowledge'))
  const phase = phaseOf(incident, rules)
  const asked = incident.status === 'open' && !incident.acknowledged
  return [
    ...(asked ? [phase === 'untaken' ? foremost(acknowledge) : acknowledge] : []),
    openUrl(texts.buttons.defender, restrictedEntities),
  ]
}

/** The command that does what the card asks for next: phones have had trouble with the buttons. */
function hint(incident: Incident, { texts, rules }: CardContext): string {
  const { hint, typed } = texts.incident
  const step = unsettledSteps(incident, rules)[0] ?? 'alerting'
  return hint(typed[phaseOf(incident, rules)](codeOf(incident), step))
}

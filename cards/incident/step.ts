import type { Evidence } from '../../src/incident/evidence.js'
import { type Incident, isFinal } from '../../src/incident/incident.js'
import type { StepId } from '../../src/incident/steps.js'
import { type Action, clickOn, execute, openUrl } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, show } from '../escape.js'
import { settledOf } from '../settled.js'
import { evidenceOn } from './evidence.js'
import type { StepView } from './view.js'

/** One step of the checklist: how it stands, and while steps are open how to settle it. */
export function stepOf(
  incident: Incident,
  step: StepId,
  evidence: Evidence | undefined,
  context: CardContext,
): StepView {
  const { texts, rules } = context
  const words = texts.incident
  const { mark, color, state, notes } = settledOf(incident, step, context)
  const open = incident.status !== 'removing' && !isFinal(incident)
  const required = rules.checklist.required.includes(step)
  return {
    mark,
    color,
    title: texts.steps[step].title,
    state: state ?? (required ? words.stepRequired : words.stepOptional)(step),
    notes,
    evidence: evidenceOn(step, incident, evidence, context),
    details: open ? [detailsOf(incident, step, context)] : [],
    buttons: open && !state ? [{ actions: settleActions(incident, step, context) }] : [],
  }
}

function detailsOf(incident: Incident, step: StepId, { texts }: CardContext): StepView['details'][number] {
  const { how, links, commands } = texts.steps[step]
  const settled = incident.steps[step] !== undefined
  const undo = execute(texts.buttons.undo, clickOn(incident, 'undo', { step }))
  return {
    id: `how-${step}`,
    toggle: settled ? texts.incident.more : texts.incident.how,
    how,
    commands: commands(show(incident.restriction.connectorId, mostShown.word)),
    actions: [...links.map(({ title, url }) => openUrl(title, url)), ...(settled ? [undo] : [])],
  }
}

const settleActions = (incident: Incident, step: StepId, { texts }: CardContext): Action[] => [
  execute(texts.buttons.done, clickOn(incident, 'done', { step })),
  execute(texts.buttons.skip, clickOn(incident, 'skip', { step })),
]

import type { Incident, SettledStep } from '../src/incident/incident.js'
import type { StepId } from '../src/incident/steps.js'
import type { CardContext } from './card.js'
import { mostShown, show, showName } from './escape.js'
import type { TextColor } from './phase.js'
import { onDevice } from './times.js'

interface SettledView {
  mark: string
  color: TextColor
  /** Who settled it how and when; undefined while nobody has. */
  state: string | undefined
  notes: string[]
}

/** How a step stands, in a sign, a colour and words. */
export function settledOf(incident: Incident, step: StepId, context: CardContext): SettledView {
  const settled = incident.steps[step]
  if (!settled) return { mark: '○', color: 'default', state: undefined, notes: [] }
  return {
    mark: settled.how === 'done' ? '✓' : '–',
    color: settled.how === 'done' ? 'good' : 'default',
    state: stateOf(settled, incident, context),
    notes: settled.note ? [context.texts.incident.stepNote(show(settled.note, mostShown.text))] : [],
  }
}

function stateOf({ how, by, at }: SettledStep, { openedAt }: Incident, { texts }: CardContext): string {
  const { stepDone, stepSkipped } = texts.incident
  return (how === 'done' ? stepDone : stepSkipped)(showName(by), onDevice(at, openedAt))
}

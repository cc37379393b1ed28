import type { Texts } from '../cards/texts/en.js'
import type { Instant } from '../src/clock.js'
import type { Actor, PersonCommand } from '../src/incident/commands.js'
import { codeOf, type Incident } from '../src/incident/incident.js'
import type { Refusal } from '../src/incident/refusal.js'
import { approvalsRequired } from '../src/incident/requirements.js'
import type { Rules } from '../src/incident/rules.js'
import type { StepId } from '../src/incident/steps.js'

/** What somebody asks of an incident; `text` is the reason or the note. */
export type Act =
  | { verb: 'acknowledge'; incident: number }
  | { verb: 'done' | 'skip'; incident: number; step: StepId; text: string }
  | { verb: 'undo'; incident: number; step: StepId }
  | { verb: 'note' | 'approve' | 'override' | 'keep' | 'reopen' | 'retry'; incident: number; text: string }

/** The command that an act is to the desk. */
export function commandOf(act: Act, actor: Actor, evidenceAt: Instant | undefined): PersonCommand {
  switch (act.verb) {
    case 'acknowledge':
      return { verb: act.verb, actor }
    case 'done':
      return { verb: act.verb, actor, step: act.step, note: act.text }
    case 'skip':
      return { verb: act.verb, actor, step: act.step, reason: act.text }
    case 'undo':
      return { verb: act.verb, actor, step: act.step }
    case 'note':
      return { verb: act.verb, actor, text: act.text }
    case 'keep':
    case 'reopen':
      return { verb: act.verb, actor, reason: act.text }
    default:
      return { verb: act.verb, actor, reason: act.text, evidenceAt }
  }
}

/** Why nothing was done; a typed command without its reason is answered with the very line to type. */
export function refusalOf(
  act: Act,
  refusal: Refusal,
  incident: Incident,
  by: 'click' | 'command',
  texts: Texts,
): string {
  if (refusal.code !== 'reasonMissing' || by === 'click') return texts.refusal(refusal, incident)
  const line = [act.verb, codeOf(incident), 'step' in act ? act.step : ''].join(' ').trim()
  return act.verb === 'note' ? texts.answers.textMissing(line) : texts.answers.reasonMissing(line)
}

/** What was done, for whoever typed it. */
export function confirmationOf(act: Act, incident: Incident, rules: Rules, { answers }: Texts): string {
  const code = answers.incident(incident)
  switch (act.verb) {
    case 'acknowledge':
      return answers.acknowledged(code)
    case 'done':
    case 'skip':
      return answers.settled(code, act.step)
    case 'undo':
      return answers.undone(code, act.step)
    case 'note':
      return answers.noted(code)
    case 'approve':
    case 'override': {
      const required = Math.max(act.verb === 'override' ? 2 : 1, approvalsRequired(incident, rules))
      return answers.approved(
        code,
        incident.status === 'open' ? Math.max(1, required - incident.votes.length) : 0,
      )
    }
    case 'keep':
      return answers.kept(code)
    case 'reopen':
      return answers.reopened(code)
    case 'retry':
      return answers.retried(code)
    default:
      return act satisfies never
  }
}

import type { Instant } from '../clock.js'
import {
  type Actor,
  type Command,
  type PersonCommand,
  type Role,
  roleCovers,
  roleNeeded,
  type SystemCommand,
} from './commands.js'
import { decideForBot } from './decide-for-bot.js'
import { keep, reopen, retry, roleSeenAt, vote } from './decide-vote.js'
import { accept, type Decided, notDue, refuse, refuseReason, voidAll, wrongStatus } from './decided.js'
import type { IncidentEvent } from './events.js'
import { type Incident, isFinal } from './incident.js'
import { mostNotes, type Rules, type RulesInForce, reasonLength } from './rules.js'
import type { StepId } from './steps.js'

/**
 * Decides what a command does to an incident: the one place where quorum, expiry, steps and status are judged.
 * Pure and total. An accepted command without events changes nothing, and that is fine: the same person
 * asking twice for the same thing, or the bot finding that there is nothing to do.
 *
 * @param incident the incident as stored, or undefined for `detect`
 * @param now must not lie before the incident's last event
 */
export function decide(
  incident: Incident | undefined,
  command: Command,
  { rules, hash }: RulesInForce,
  now: Instant,
): Decided {
  if (incident === undefined)
    return command.verb === 'detect' ? open(command) : notDue('there is no such incident')
  if ('actor' in command) return decideForPerson(incident, command, { rules, hash }, now)
  return decideForBot(incident, command, { rules, hash }, now)
}

function open({ verb, ...opened }: Extract<SystemCommand, { verb: 'detect' }>): Decided {
  return accept({ type: 'opened', ...opened })
}

function decideForPerson(
  incident: Incident,
  command: PersonCommand,
  inForce: RulesInForce,
  now: Instant,
): Decided {
  const { actor, verb } = command
  if (!roleCovers(actor.role, roleNeeded[verb]) && !(verb === 'keep' && roleSeenAt(actor, now)))
    return refuseRole(actor, roleNeeded[verb])
  // Whoever may be a guest can do nothing, but for what is safe for everybody.
  if (!actor.verified && verb !== 'keep') return refuse({ code: 'notVerified' })
  switch (command.verb) {
    case 'acknowledge':
      return acknowledge(incident, actor, inForce.rules)
    case 'done':
      return settle(incident, actor, command.step, 'done', command.note)
    case 'skip':
      return skip(incident, actor, command.step, command.reason)
    case 'undo':
      return undo(incident, actor, command.step)
    case 'note':
      return note(incident, actor, command.text)
    case 'approve':
    case 'override':
      return vote(incident, command, inForce, now)
    case 'keep':
      return keep(incident, actor, command.reason, inForce, now)
    case 'reopen':
      return reopen(incident, actor, command.reason, inForce)
    case 'retry':
      return retry(incident, command, inForce, now)
    default:
      return command satisfies never
  }
}

/** Whether a role is missing, or nobody could say so: the person has to do something else about it. */
const refuseRole = ({ directory }: Actor, needed: Role): Decided =>
  refuse(
    directory ? { code: 'rolesUnknown', needed, cause: directory.failed } : { code: 'roleMissing', needed },
  )

function acknowledge(incident: Incident, actor: Actor, { approvals }: Rules): Decided {
  if (isFinal(incident)) return wrongStatus(incident)
  const held = incident.acknowledged
  const voted = incident.votes.some(({ by }) => by.id === actor.person.id)
  if (!held && voted && !approvals.acknowledgerMayApprove) return refuse({ code: 'voterMayNotAcknowledge' })
  if (!held) return accept({ type: 'acknowledged' })
  return held.by.id === actor.person.id ? accept() : refuse({ code: 'alreadyAcknowledged', ...held })
}

/** Steps can be worked on until the removal was started, and again once it got stuck. */
const stepsAreClosed = (incident: Incident) => incident.status === 'removing' || isFinal(incident)

function settle(
  incident: Incident,
  actor: Actor,
  step: StepId,
  how: 'done' | 'notApplicable',
  text: string | undefined,
): Decided {
  if (stepsAreClosed(incident)) return wrongStatus(incident)
  const note = text?.trim() || undefined
  if (note && note.length > reasonLength.most) return refuse({ code: 'textTooLong', most: reasonLength.most })
  const settled = incident.steps[step]
  if (!settled) return accept({ type: 'stepSettled', step, how, note })
  if (settled.how === how && settled.by.id === actor.person.id) return accept()
  return refuse({ code: 'stepSettled', step, how: settled.how, by: settled.by, at: settled.at })
}

function skip(incident: Incident, actor: Actor, step: StepId, reason: string): Decided {
  return refuseReason(reason) ?? settle(incident, actor, step, 'notApplicable', reason)
}

function undo(incident: Incident, actor: Actor, step: StepId): Decided {
  if (stepsAreClosed(incident)) return wrongStatus(incident)
  if (!incident.steps[step]) {
    const last = incident.history.findLast(({ event }) => event.type !== 'noted')?.version
    const repeated = incident.history.some(
      ({ version, by, event }) =>
        version === last && by?.id === actor.person.id && event.type === 'stepUndone' && event.step === step,
    )
    return repeated ? accept() : refuse({ code: 'stepNotSettled', step })
  }
  const undone: IncidentEvent = { type: 'stepUndone', step }
  // Whoever voted did so on a checklist that no longer stands.
  return incident.votes.length === 0 ? accept(undone) : accept(undone, voidAll(incident, 'stepUndone'))
}

function note(incident: Incident, actor: Actor, text: string): Decided {
  const trimmed = text.trim()
  const badText = refuseReason(trimmed)
  if (badText) return badText
  const notes = incident.history.filter(({ event }) => event.type === 'noted')
  if (
    notes.some(
      ({ event, by }) => event.type === 'noted' && event.text === trimmed && by?.id === actor.person.id,
    )
  )
    return accept()
  if (notes.length >= mostNotes) return refuse({ code: 'tooManyNotes', most: mostNotes })
  return accept({ type: 'noted', text: trimmed })
}

import { elapsedMs, type Instant, minuteMs } from '../clock.js'
import type { SystemCommand } from './commands.js'
import { isEditor } from './decide-vote.js'
import { accept, type Decided, notDue, voidAll } from './decided.js'
import type { IncidentEvent } from './events.js'
import { type Editor, type Incident, isFinal, type Person } from './incident.js'
import { isValid } from './requirements.js'
import {
  heldUpEveryMinutes,
  type Rules,
  type RulesInForce,
  unblockTakesMinutes,
  unknownOutcomeMinutes,
} from './rules.js'

/** Decides on what the bot itself reports or does. */
export function decideForBot(
  incident: Incident,
  command: SystemCommand,
  { rules, hash }: RulesInForce,
  now: Instant,
): Decided {
  switch (command.verb) {
    case 'detect':
      return notDue('an incident is open already')
    case 'expire':
      return expire(incident, now)
    case 'roleLost':
      return roleLost(incident, command.voter)
    case 'startRemoval':
      return startRemoval(incident, command, hash, now)
    case 'removalAnswered':
      return removalAnswered(incident, command)
    case 'stillListed':
      return stillListed(incident, command.readOf)
    case 'gone':
      return gone(incident, command)
    case 'heldUp':
      return heldUp(incident, command.cause, now)
    case 'seeConnector':
      return seeConnector(incident, command)
    case 'nameEditor':
      return nameEditor(incident, command.editor, rules)
    case 'explainEnd':
      return explainEnd(incident, command)
    default:
      return command satisfies never
  }
}

function expire(incident: Incident, now: Instant): Decided {
  const expired = incident.votes.filter((vote) => !isValid(vote, now))
  if (incident.status === 'approved') {
    if (expired.length > 0) return accept(voidAll(incident, 'expired'))
    if (incident.quorum && now >= incident.quorum.removeBy) return accept(voidAll(incident, 'tooLate'))
    return accept()
  }
  if (expired.length === 0) return accept()
  return accept({ type: 'votesVoided', cause: 'expired', voters: expired.map(({ by }) => by) })
}

function roleLost(incident: Incident, voter: Person): Decided {
  if (!incident.votes.some((vote) => vote.by.id === voter.id)) return accept()
  if (incident.status === 'approved') return accept(voidAll(incident, 'roleLost'))
  return accept({ type: 'votesVoided', cause: 'roleLost', voters: [voter] })
}

function startRemoval(
  incident: Incident,
  command: Extract<SystemCommand, { verb: 'startRemoval' }>,
  rulesHash: string,
  now: Instant,
): Decided {
  const { removal, reason, listedInReadOf, confirmed, fingerprint, roleMapHash } = command
  const { quorum } = incident
  if (incident.status !== 'approved' || !quorum) return notDue('it is not approved')
  if (now >= quorum.removeBy) return notDue('too much time has passed since the quorum')
  if (listedInReadOf < quorum.at) return notDue('the list was read before the quorum')
  if (incident.votes.some((vote) => !isValid(vote, now))) return notDue('a vote has expired')
  const voters = new Map(incident.votes.map(({ by }) => [by.id, by]))
  if (voters.size < quorum.required) return notDue('there are fewer distinct approvers than needed')
  if ([...voters.keys()].some((id) => !confirmed.includes(id)))
    return notDue("an approver's role was not asked again")
  if (incident.votes.some((vote) => vote.fingerprint !== undefined && vote.fingerprint !== fingerprint))
    return notDue('the connector was not seen as it was when it was approved')
  return accept({
    type: 'removalStarted',
    removal,
    approvers: [...voters.values()],
    reason,
    listedInReadOf,
    basis: roleMapHash === undefined ? undefined : { rules: rulesHash, roleMap: roleMapHash },
  })
}

function removalAnswered(
  incident: Incident,
  { removal, outcome }: Extract<SystemCommand, { verb: 'removalAnswered' }>,
): Decided {
  if (incident.status !== 'removing' || incident.removal?.id !== removal)
    return notDue('that removal is over')
  const known = incident.removal.outcome
  // A late answer may still make an unknown outcome known; a known one stays.
  if (known && (known.kind !== 'unknown' || outcome.kind === 'unknown')) return accept()
  const answered: IncidentEvent = { type: 'removalAnswered', outcome }
  return outcome.kind === 'notDone' ? accept(answered, { type: 'stuck', cause: 'notDone' }) : accept(answered)
}

function stillListed(incident: Incident, readOf: Instant): Decided {
  const { removal } = incident
  if (incident.status !== 'removing' || !removal) return accept()
  const { outcome } = removal
  if (outcome?.kind === 'accepted')
    return elapsedMs(outcome.at, readOf) >= unblockTakesMinutes * minuteMs
      ? accept({ type: 'stuck', cause: 'stillListed' })
      : accept()
  return elapsedMs(removal.startedAt, readOf) >= unknownOutcomeMinutes * minuteMs
    ? accept({ type: 'stuck', cause: 'unknownOutcome' })
    : accept()
}

function gone(
  incident: Incident,
  { absentSince, cause, replaced }: Extract<SystemCommand, { verb: 'gone' }>,
): Decided {
  if (isFinal(incident)) return accept()
  if (absentSince < incident.openedAt) return notDue('that read started before the incident was known')
  const removalSent = maySomeRemovalHaveWorked(incident)
  if (incident.status === 'removing' || (incident.status === 'stuck' && removalSent)) {
    if (incident.removal && absentSince < incident.removal.startedAt)
      return notDue('that read started before the removal')
    return accept({ type: 'unblocked', absentSince, replaced })
  }
  return accept({ type: 'cleared', cause, absentSince, replaced })
}

/** Any of them, not the last alone: one whose outcome is not known may show late, after another was refused. */
function maySomeRemovalHaveWorked({ history }: Incident): boolean {
  const count = (is: (event: IncidentEvent) => boolean) => history.filter(({ event }) => is(event)).length
  const notDone = count((event) => event.type === 'removalAnswered' && event.outcome.kind === 'notDone')
  return count(({ type }) => type === 'removalStarted') > notDone
}

/** Causes carry Exchange's own words and may differ at every try: that is no news before half an hour is over. */
function heldUp(incident: Incident, cause: string, now: Instant): Decided {
  const waits = incident.status === 'approved' || incident.status === 'removing'
  const saidAt = incident.heldUp?.saidAt
  const isNews = saidAt === undefined || elapsedMs(saidAt, now) >= heldUpEveryMinutes * minuteMs
  return waits && isNews ? accept({ type: 'heldUp', cause }) : accept()
}

/** Nothing that is over is decided any more, so what its connector is like matters no more. */
function seeConnector(
  incident: Incident,
  { fingerprint, changed }: Extract<SystemCommand, { verb: 'seeConnector' }>,
): Decided {
  if (isFinal(incident) || incident.connector?.fingerprint === fingerprint) return accept()
  if (!incident.connector) return accept({ type: 'connectorSeen', fingerprint })
  const seen: IncidentEvent = { type: 'connectorSeen', fingerprint, changed }
  // Whoever voted did so on a connector that is another one now.
  return incident.votes.length === 0 ? accept(seen) : accept(seen, voidAll(incident, 'connectorChanged'))
}

function nameEditor(incident: Incident, editor: Editor, { approvals }: Rules): Decided {
  const { editor: known } = incident
  if (isFinal(incident)) return accept()
  // A search that found less than the one before makes nobody the last editor who was not.
  if (known && (editor.at < known.at || (isSameAct(known, editor) && !tellsMore(editor, known))))
    return accept()
  const found: IncidentEvent = { type: 'editorFound', ...editor }
  const votes = incident.votes.filter(({ by, upn }) => isEditor({ id: by.id, upn }, editor))
  if (approvals.editorMayApprove || votes.length === 0) return accept(found)
  if (incident.status === 'approved') return accept(found, voidAll(incident, 'editorFound'))
  return accept(found, { type: 'votesVoided', cause: 'editorFound', voters: votes.map(({ by }) => by) })
}

const isSameAct = (one: Editor, other: Editor): boolean =>
  one.account === other.account && one.at === other.at

/** An id that was missing is news, and so is that the account is nobody's where nobody could say so before. */
const tellsMore = (now: Editor, before: Editor): boolean =>
  before.id === undefined && (now.id !== undefined || (before.notLookedUp === true && !now.notLookedUp))

function explainEnd(
  incident: Incident,
  { cause, removedBy }: Extract<SystemCommand, { verb: 'explainEnd' }>,
): Decided {
  if (incident.status !== 'cleared' || incident.ended?.cause !== 'unknown' || incident.ended.replaced)
    return accept()
  return accept({ type: 'causeFound', cause, ...removedBy })
}

import { elapsedMs, hourMs, type Instant, later, minuteMs } from '../clock.js'
import {
  type Actor,
  type Command,
  type PersonCommand,
  type Role,
  roleCovers,
  roleNeeded,
  type SystemCommand,
} from './commands.js'
import type { IncidentEvent } from './events.js'
import { type Editor, type Incident, isFinal, type Person, type Vote } from './incident.js'
import type { Decision, Refusal } from './refusal.js'
import {
  approverSeenHours,
  evidenceFreshMinutes,
  heldUpEveryMinutes,
  mostNotes,
  quorumLifeMinutes,
  type Rules,
  type RulesInForce,
  reasonLength,
  unblockTakesMinutes,
  unknownOutcomeMinutes,
} from './rules.js'
import type { StepId } from './steps.js'

type Decided = Decision<IncidentEvent>
type EndOfVotes = Extract<IncidentEvent, { type: 'votesVoided' }>['cause']

const accept = (...events: IncidentEvent[]): Decided => ({ ok: true, events })
const refuse = (refusal: Refusal): Decided => ({ ok: false, refusal })
const notDue = (because: string): Decided => refuse({ code: 'notDue', because })

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
  return decideForBot(incident, command, rules, now)
}

function open({ tenant, restriction, batch, previous }: Extract<SystemCommand, { verb: 'detect' }>): Decided {
  return accept({ type: 'opened', tenant, restriction, batch, previous })
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

/** When somebody without the role at hand was last known to be an approver, if that is recent enough to count. */
function roleSeenAt({ role, directory }: Actor, now: Instant): Instant | undefined {
  const seenAt = directory?.approverSeenAt
  if (role === 'approver' || seenAt === undefined) return undefined
  return elapsedMs(seenAt, now) < approverSeenHours * hourMs ? seenAt : undefined
}

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

/** How many distinct approvers it takes now; what a vote was given under stays in the record. */
export const approvalsRequired = (incident: Incident, { approvals }: Rules): number =>
  incident.previous ? Math.max(approvals.required, approvals.requiredAfterReRestriction) : approvals.required

/** Required steps that nobody has settled yet, in the order of the checklist. */
export const unsettledSteps = (incident: Incident, { checklist }: Rules): StepId[] =>
  checklist.required.filter((step) => !incident.steps[step])

const isValid = (vote: Vote, now: Instant) => now < vote.expiresAt

type VoteCommand = Extract<PersonCommand, { verb: 'approve' | 'override' | 'retry' }>

function vote(incident: Incident, command: VoteCommand, inForce: RulesInForce, now: Instant): Decided {
  const { actor } = command
  if (incident.status === 'removing') return removalRunning(incident)
  if (incident.status !== 'open') {
    // A second approve of the same person after the quorum is the same click delivered again.
    const repeated = incident.votes.some((vote) => vote.by.id === actor.person.id && isValid(vote, now))
    return incident.status === 'approved' && repeated ? accept() : wrongStatus(incident)
  }
  return castVote(incident, command, inForce, now)
}

/** Object ids count; the name is compared as well, for an account whose id nobody could look up. */
const isEditor = ({ person, upn }: Actor, editor: Editor): boolean =>
  person.id === editor.id || (upn !== undefined && upn.toLowerCase() === editor.account.toLowerCase())

/** Why this person's vote cannot be taken now, whatever the votes of others; undefined if it can. */
function refuseVoter(
  incident: Incident,
  { actor, reason, evidenceAt }: VoteCommand,
  { approvals }: Rules,
  now: Instant,
): Decided | undefined {
  const badReason = refuseReason(reason)
  if (badReason) return badReason
  if (!approvals.acknowledgerMayApprove && incident.acknowledged?.by.id === actor.person.id)
    return refuse({ code: 'acknowledgerMayNotApprove' })
  const { editor } = incident
  if (!approvals.editorMayApprove && editor && isEditor(actor, editor))
    return refuse({ code: 'editorMayNotApprove', account: editor.account, at: editor.at })
  const isStale = evidenceAt === undefined || elapsedMs(evidenceAt, now) > evidenceFreshMinutes * minuteMs
  return isStale ? refuse({ code: 'evidenceStale' }) : undefined
}

/** Adds a vote to an incident that is open, or that `retry` is opening with this very vote. */
function castVote(
  incident: Incident,
  command: VoteCommand,
  { rules, hash }: RulesInForce,
  now: Instant,
): Decided {
  const { actor, reason } = command
  const override = command.verb === 'override'
  const refused = refuseVoter(incident, command, rules, now)
  if (refused) return refused
  const unsettled = unsettledSteps(incident, rules)
  if (override && !rules.checklist.override) return refuse({ code: 'overrideOff' })
  if (override && unsettled.length === 0) return refuse({ code: 'overrideNotNeeded' })
  if (!override && unsettled.length > 0) return refuse({ code: 'stepsUnsettled', steps: unsettled })

  const events: IncidentEvent[] = []
  const voiding = (cause: EndOfVotes, votes: Vote[]) => {
    if (votes.length > 0) events.push({ type: 'votesVoided', cause, voters: votes.map(({ by }) => by) })
  }
  const valid = incident.votes.filter((vote) => isValid(vote, now))
  const mine = valid.find((vote) => vote.by.id === actor.person.id)
  // The same vote twice counts once; one with the steps settled is no vote for going on without them.
  const standing = mine && (mine.override || !override) ? mine : undefined
  const needed = approvalsRequired(incident, rules)
  const required = override ? Math.max(2, needed) : needed
  voiding(
    'expired',
    incident.votes.filter((vote) => !isValid(vote, now)),
  )
  if (!standing) {
    voiding('replaced', mine ? [mine] : [])
    const expiresAt = later(now, rules.approvals.expireMinutes * minuteMs)
    events.push({
      type: 'voted',
      reason: reason.trim(),
      expiresAt,
      required,
      override,
      seenIn: actor.seenIn,
      fingerprint: incident.connector?.fingerprint,
      editorUnknown: incident.editor ? undefined : true,
      basis: { rules: hash, roleMap: actor.roleMapHash },
    })
  }
  const others = valid.filter((vote) => vote !== mine && (!override || vote.override))
  const approvers = [...others.map(({ by }) => by), actor.person]
  const removeBy = later(now, quorumLifeMinutes * minuteMs)
  if (approvers.length >= required) events.push({ type: 'quorumReached', required, removeBy, approvers })
  return accept(...events)
}

function keep(
  incident: Incident,
  actor: Actor,
  reason: string,
  { hash }: RulesInForce,
  now: Instant,
): Decided {
  if (incident.status === 'removing') return removalRunning(incident)
  if (incident.status === 'kept' && broughtHere(incident, actor, 'keptBlocked')) return accept()
  if (incident.status !== 'open' && incident.status !== 'approved') return wrongStatus(incident)
  const basis = { rules: hash, roleMap: actor.roleMapHash }
  const unverified = actor.verified ? {} : { unverified: true as const }
  const seenAt = roleSeenAt(actor, now)
  const restsOn = { ...unverified, ...(seenAt ? { roleSeenAt: seenAt } : {}) }
  return refuseReason(reason) ?? accept({ type: 'keptBlocked', reason: reason.trim(), ...restsOn, basis })
}

function reopen(incident: Incident, actor: Actor, reason: string, { hash }: RulesInForce): Decided {
  if (incident.status !== 'kept')
    return broughtHere(incident, actor, 'reopened') ? accept() : wrongStatus(incident)
  return (
    refuseReason(reason) ??
    accept({ type: 'reopened', reason: reason.trim(), basis: { rules: hash, roleMap: actor.roleMapHash } })
  )
}

/** Opens a stuck incident again and casts the caller's vote, under every rule that a vote is cast under. */
function retry(
  incident: Incident,
  command: Extract<PersonCommand, { verb: 'retry' }>,
  inForce: RulesInForce,
  now: Instant,
): Decided {
  const { actor, reason } = command
  if (incident.status !== 'stuck')
    return broughtHere(incident, actor, 'retried') ? accept() : wrongStatus(incident)
  const voted = castVote({ ...incident, votes: [] }, command, inForce, now)
  if (!voted.ok) return voted
  const basis = { rules: inForce.hash, roleMap: actor.roleMapHash }
  return accept({ type: 'retried', reason: reason.trim(), basis }, ...voted.events)
}

function decideForBot(incident: Incident, command: SystemCommand, rules: Rules, now: Instant): Decided {
  switch (command.verb) {
    case 'detect':
      return notDue('an incident is open already')
    case 'expire':
      return expire(incident, now)
    case 'roleLost':
      return roleLost(incident, command.voter)
    case 'startRemoval':
      return startRemoval(incident, command, now)
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
  {
    removal,
    reason,
    listedInReadOf,
    confirmed,
    fingerprint,
  }: Extract<SystemCommand, { verb: 'startRemoval' }>,
  now: Instant,
): Decided {
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
  return accept({ type: 'removalStarted', removal, approvers: [...voters.values()], reason, listedInReadOf })
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
  const removalSent = incident.removal && incident.removal.outcome?.kind !== 'notDone'
  if (incident.status === 'removing' || (incident.status === 'stuck' && removalSent)) {
    if (incident.removal && absentSince < incident.removal.startedAt)
      return notDue('that read started before the removal')
    return accept({ type: 'unblocked', absentSince, replaced })
  }
  return accept({ type: 'cleared', cause, absentSince, replaced })
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
  if (known && known.account === editor.account && known.at === editor.at && (known.id || !editor.id))
    return accept()
  const found: IncidentEvent = { type: 'editorFound', ...editor }
  const votes = incident.votes.filter(({ by }) => by.id === editor.id)
  if (approvals.editorMayApprove || votes.length === 0) return accept(found)
  if (incident.status === 'approved') return accept(found, voidAll(incident, 'editorFound'))
  return accept(found, { type: 'votesVoided', cause: 'editorFound', voters: votes.map(({ by }) => by) })
}

function explainEnd(
  incident: Incident,
  { cause, removedBy }: Extract<SystemCommand, { verb: 'explainEnd' }>,
): Decided {
  if (incident.status !== 'cleared' || incident.ended?.cause !== 'unknown' || incident.ended.replaced)
    return accept()
  return accept({ type: 'causeFound', cause, ...removedBy })
}

/** All votes lose their force together: the incident is open again and a quorum has to be found anew. */
const voidAll = (incident: Incident, cause: EndOfVotes): IncidentEvent => ({
  type: 'votesVoided',
  cause,
  voters: incident.votes.map(({ by }) => by),
})

function refuseReason(text: string): Decided | undefined {
  const length = text.trim().length
  if (length < reasonLength.least) return refuse({ code: 'reasonMissing', ...reasonLength })
  return length > reasonLength.most ? refuse({ code: 'textTooLong', most: reasonLength.most }) : undefined
}

function removalRunning(incident: Incident): Decided {
  return refuse({ code: 'removalRunning', startedAt: incident.removal?.startedAt ?? incident.since })
}

/** Whether this very person brought it into its present status by this: the same click, delivered again. */
const broughtHere = (incident: Incident, actor: Actor, type: IncidentEvent['type']): boolean =>
  incident.history.some(
    ({ at, by, event }) => at === incident.since && by?.id === actor.person.id && event.type === type,
  )

/** Tells what really happened: which status it is in, since when, and who brought it there. */
function wrongStatus(incident: Incident): Decided {
  const entered = incident.history.findLast((recorded) => recorded.at === incident.since && recorded.by)
  return refuse({ code: 'wrongStatus', status: incident.status, since: incident.since, by: entered?.by })
}

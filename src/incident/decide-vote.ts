import { elapsedMs, hourMs, type Instant, isRecent, later, minuteMs } from '../clock.js'
import type { Actor, PersonCommand } from './commands.js'
import {
  accept,
  broughtHere,
  type Decided,
  type EndOfVotes,
  refuse,
  refuseReason,
  removalRunning,
  wrongStatus,
} from './decided.js'
import type { IncidentEvent } from './events.js'
import type { Editor, Incident, Vote } from './incident.js'
import { approvalsRequired, isValid, unsettledSteps } from './requirements.js'
import {
  approverSeenHours,
  evidenceFreshMinutes,
  quorumLifeMinutes,
  type Rules,
  type RulesInForce,
} from './rules.js'

// What takes an approver: votes for the unblock, and keeping it blocked.

type VoteCommand = Extract<PersonCommand, { verb: 'approve' | 'override' | 'retry' }>

export function vote(incident: Incident, command: VoteCommand, inForce: RulesInForce, now: Instant): Decided {
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
export const isEditor = (who: { id: string; upn?: string | undefined }, editor: Editor): boolean =>
  who.id === editor.id || (who.upn !== undefined && who.upn.toLowerCase() === editor.account.toLowerCase())

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
  if (!approvals.editorMayApprove && editor && isEditor({ id: actor.person.id, upn: actor.upn }, editor))
    return refuse({ code: 'editorMayNotApprove', account: editor.account, at: editor.at })
  const isStale = evidenceAt === undefined || !isRecent(evidenceAt, now, evidenceFreshMinutes * minuteMs + 1)
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
      upn: actor.upn,
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

export function keep(
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

export function reopen(incident: Incident, actor: Actor, reason: string, { hash }: RulesInForce): Decided {
  if (incident.status !== 'kept')
    return broughtHere(incident, actor, 'reopened') ? accept() : wrongStatus(incident)
  return (
    refuseReason(reason) ??
    accept({ type: 'reopened', reason: reason.trim(), basis: { rules: hash, roleMap: actor.roleMapHash } })
  )
}

/** Opens a stuck incident again and casts the caller's vote, under every rule that a vote is cast under. */
export function retry(
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

/** When somebody without the role at hand was last known to be an approver, if that is recent enough to count. */
export function roleSeenAt({ role, directory }: Actor, now: Instant): Instant | undefined {
  const seenAt = directory?.approverSeenAt
  if (role === 'approver' || seenAt === undefined) return undefined
  return elapsedMs(seenAt, now) < approverSeenHours * hourMs ? seenAt : undefined
}

import type { Ended, Incident, RecordedEvent } from './incident.js'
import { statusAfter } from './transitions.js'

/**
 * The incident after one more recorded event. Pure and total: whatever was once decided can be replayed, in
 * any state, for ever. `incident` is undefined only for `opened`; other events on nothing leave nothing.
 */
export function evolve(
  incident: Incident | undefined,
  number: number,
  recorded: RecordedEvent,
): Incident | undefined {
  const { event, at } = recorded
  if (event.type === 'opened')
    return {
      number,
      version: recorded.version,
      sequence: recorded.sequence,
      tenant: event.tenant,
      tenantId: event.tenantId,
      status: 'open',
      since: at,
      openedAt: at,
      restriction: event.restriction,
      batch: event.batch,
      previous: event.previous,
      steps: {},
      votes: [],
      history: [recorded],
    }
  if (incident === undefined) return undefined
  const status = statusAfter(incident.status, event.type)
  return {
    ...incident,
    version: recorded.version,
    sequence: recorded.sequence,
    status,
    since: status === incident.status ? incident.since : at,
    heldUp: status === incident.status ? incident.heldUp : undefined,
    history: [...incident.history, recorded],
    ...changes(incident, recorded),
  }
}

/** No vote counts and no quorum stands: whatever ends an attempt to decide ends all of it. */
const noVotes = { votes: [], quorum: undefined } satisfies Partial<Incident>

function changes(incident: Incident, { event, at, by }: RecordedEvent): Partial<Incident> {
  switch (event.type) {
    case 'acknowledged':
      return by ? { acknowledged: { by, at } } : {}
    case 'stepSettled':
      return by
        ? { steps: { ...incident.steps, [event.step]: { how: event.how, note: event.note, by, at } } }
        : {}
    case 'stepUndone': {
      const { [event.step]: _undone, ...steps } = incident.steps
      return { steps }
    }
    case 'voted': {
      if (!by) return {}
      const { reason, expiresAt, override, seenIn, fingerprint, upn } = event
      return { votes: [...incident.votes, { by, at, reason, expiresAt, override, seenIn, fingerprint, upn }] }
    }
    case 'quorumReached':
      return { quorum: { at, required: event.required, removeBy: event.removeBy } }
    case 'votesVoided': {
      const voided = new Set(event.voters.map((voter) => voter.id))
      // Falling back from a quorum leaves no vote valid, whoever's it was.
      if (incident.quorum) return noVotes
      return { votes: incident.votes.filter((vote) => !voided.has(vote.by.id)) }
    }
    case 'keptBlocked':
      return by ? { ...noVotes, kept: { by, at, reason: event.reason } } : noVotes
    case 'reopened':
      return { ...noVotes, kept: undefined }
    case 'retried':
      return { ...noVotes, stuck: undefined }
    case 'removalStarted':
      // The votes are used up here: a removal that fails needs new ones.
      return {
        ...noVotes,
        removal: { id: event.removal, startedAt: at, approvers: event.approvers, reason: event.reason },
      }
    case 'removalAnswered':
      return incident.removal ? { removal: { ...incident.removal, outcome: { ...event.outcome, at } } } : {}
    case 'connectorSeen':
      return { connector: { fingerprint: event.fingerprint, since: at } }
    case 'editorFound':
      return {
        editor: { account: event.account, id: event.id, notLookedUp: event.notLookedUp, at: event.at },
      }
    case 'causeFound':
      return { ended: { ...(incident.ended ?? { at }), ...foundCause(event) } }
    case 'heldUp':
      return { heldUp: { since: incident.heldUp?.since ?? at, saidAt: at, cause: event.cause } }
    case 'stuck':
      return { stuck: event.cause }
    case 'unblocked':
      return { ...noVotes, ended: { at, replaced: event.replaced } }
    case 'cleared':
      return { ...noVotes, ended: { at, cause: event.cause, replaced: event.replaced } }
    case 'noted':
    case 'opened':
      return {}
    default:
      return event satisfies never
  }
}

function foundCause({
  cause,
  account,
  at,
}: Extract<RecordedEvent['event'], { type: 'causeFound' }>): Partial<Ended> {
  return { cause, removedBy: account === undefined ? undefined : { account, at } }
}

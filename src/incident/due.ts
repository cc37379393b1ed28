import { earliest, type Instant, later, minuteMs } from '../clock.js'
import { type Conversation, type Delivery, mostAnnouncedAlone, subjectOfBatch } from './delivery.js'
import { codeOf, type Incident, type RecordedEvent } from './incident.js'
import { unblockTakesMinutes, unknownOutcomeMinutes } from './rules.js'

/** Work on the decision itself; all of one incident's goes through one lane. */
export type DecisionWork =
  | { kind: 'expire'; incident: number }
  | { kind: 'remove'; incident: number }
  /** A removal was started and nobody knows its outcome: the process that sent it is no more. */
  | { kind: 'adoptRemoval'; incident: number }
  /** The watched tenant has to be read again now for the decision to go on. */
  | { kind: 'read'; incident: number; tenant: string }

/** Work in one conversation; all of one conversation's goes through one lane. */
export type ConversationWork = {
  kind: 'post' | 'redraw' | 'tell' | 'retire'
  subject: string
  incident: number
  conversation: string
}

export type Work = DecisionWork | ConversationWork

/** A conversation that serves the incident's tenant, with what was delivered to it about the incident. */
export interface Place {
  conversation: Conversation
  delivery?: Delivery | undefined
  /** The digest's delivery, for an incident that was announced in one. */
  digest?: Delivery | undefined
}

export interface Due {
  work: Work[]
  /** When there will be more to do, if nothing else happens before. */
  nextAt?: Instant | undefined
}

/** Which queue a piece of work waits in: a conversation that is down must never delay a decision. */
export const laneOf = (work: Work): string =>
  'conversation' in work ? `conversation:${work.conversation}` : `decision:${work.incident}`

/**
 * All work that is due for an incident now, and when the next will be. Pure: what has to happen follows from
 * what is stored, so a restart needs no code of its own.
 */
export function due(incident: Incident, places: Place[], now: Instant): Due {
  const decision = dueDecision(incident, now)
  return {
    work: [...decision.work, ...places.flatMap((place) => dueIn(place, incident))],
    nextAt: decision.nextAt,
  }
}

function dueDecision(incident: Incident, now: Instant): Due {
  const { number, status, quorum, votes, removal, tenant } = incident
  const votesEnd = earliest(...votes.map(({ expiresAt }) => expiresAt))
  switch (status) {
    case 'open':
      if (votesEnd && now >= votesEnd) return { work: [{ kind: 'expire', incident: number }] }
      return { work: [], nextAt: votesEnd }
    case 'approved': {
      const ends = earliest(votesEnd, quorum?.removeBy)
      if (!ends || now >= ends) return { work: [{ kind: 'expire', incident: number }] }
      return { work: [{ kind: 'remove', incident: number }], nextAt: ends }
    }
    case 'removing': {
      if (!removal?.outcome) return { work: [{ kind: 'adoptRemoval', incident: number }] }
      const waits =
        removal.outcome.kind === 'accepted'
          ? later(removal.outcome.at, unblockTakesMinutes * minuteMs)
          : later(removal.startedAt, unknownOutcomeMinutes * minuteMs)
      if (now >= waits) return { work: [{ kind: 'read', incident: number, tenant }] }
      return { work: [], nextAt: waits }
    }
    case 'stuck':
    case 'kept':
    case 'unblocked':
    case 'cleared':
      return { work: [] }
    default:
      return status satisfies never
  }
}

function dueIn({ conversation, delivery, digest }: Place, incident: Incident): Work[] {
  if (conversation.gone) return []
  const subject = codeOf(incident)
  const inDigest = incident.batch && incident.batch.size > mostAnnouncedAlone
  const work = (kind: ConversationWork['kind'], about = subject): Work => ({
    kind,
    subject: about,
    incident: incident.number,
    conversation: conversation.id,
  })
  if (delivery?.wanted) return [work('post')]
  if (!delivery) {
    if (!conversation.watching || incident.openedAt < conversation.watching.since) return []
    if (!inDigest || !incident.batch) return [work('post')]
    const about = subjectOfBatch(incident.batch)
    if (!digest) return [work('post', about)]
    return digest.message && digest.drawn < incident.sequence ? [work('redraw', about)] : []
  }
  if (!delivery.message) return []
  const items: Work[] = []
  if (delivery.drawn < incident.sequence) items.push(work('redraw'))
  if (notable(incident, delivery.told).length > 0) items.push(work('tell'))
  if (delivery.retired?.length) items.push(work('retire'))
  if (inDigest && digest?.message && incident.batch && digest.drawn < incident.sequence)
    items.push(work('redraw', subjectOfBatch(incident.batch)))
  return items
}

/** What an edited card would not make anybody notice: these also get a reply in the thread. */
const notableTypes: readonly RecordedEvent['event']['type'][] = [
  'quorumReached',
  'votesVoided',
  'keptBlocked',
  'reopened',
  'retried',
  'stuck',
  'unblocked',
  'cleared',
]

/** The events after `told` that the thread has to be told of. */
export const notable = (incident: Incident, told: number): RecordedEvent[] =>
  incident.history.filter(({ sequence, event }) => sequence > told && notableTypes.includes(event.type))

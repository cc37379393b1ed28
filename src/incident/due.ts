import { earliest, type Instant, later, minuteMs } from '../clock.js'
import { type Conversation, type Delivery, mostAnnouncedAlone, subjectOfBatch } from './delivery.js'
import { dueEvidence, type EvidenceState } from './due-evidence.js'
import { codeOf, type Incident, isFinal, type RecordedEvent } from './incident.js'
import { unblockTakesMinutes, unknownOutcomeMinutes } from './rules.js'

/** Work on the decision itself; all of one incident's goes through one lane. */
export type DecisionWork =
  | { kind: 'expire'; incident: number }
  | { kind: 'remove'; incident: number }
  /** A removal was started and nobody knows its outcome: the process that sent it is no more. */
  | { kind: 'adoptRemoval'; incident: number }
  /** The watched tenant has to be read again now for the decision to go on. */
  | { kind: 'read'; incident: number }

/**
 * Finding out about the connector; all of one watched tenant's goes through one lane. `gather` is for people who
 * decide, `explain` for what ended by itself. `asked` is when it was done last.
 */
export interface EvidenceWork {
  kind: 'gather' | 'explain'
  incident: number
  tenant: string
  asked?: Instant | undefined
}

/** Work in one conversation; all of one conversation's goes through one lane. */
export type ConversationWork = {
  kind: 'post' | 'redraw' | 'tell' | 'retire'
  subject: string
  incident: number
  conversation: string
}

export type Work = DecisionWork | EvidenceWork | ConversationWork

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

interface DueThere extends Due {
  work: ConversationWork[]
}

/** Which queue a piece of work waits in: a conversation that is down must never delay a decision. */
export function laneOf(work: Work): string {
  if ('conversation' in work) return `conversation:${work.conversation}`
  return 'tenant' in work ? `evidence:${work.tenant}` : `decision:${work.incident}`
}

/**
 * All work that is due for an incident now, and when the next will be. Pure: what has to happen follows from
 * what is stored, so a restart needs no code of its own.
 */
export function due(incident: Incident, places: Place[], now: Instant, evidence: EvidenceState = {}): Due {
  const parts = [
    dueDecision(incident, now),
    dueEvidence(incident, evidence, isShownAlone(incident, places), now),
    ...places.map((place) => dueIn(place, incident, evidence.mark, now)),
  ]
  return {
    work: parts.flatMap(({ work }) => work),
    nextAt: earliest(...parts.map(({ nextAt }) => nextAt)),
  }
}

/** Whether it has a card of its own somewhere, or is to get one. */
const isShownAlone = (incident: Incident, places: Place[]): boolean =>
  digestOf(incident) === undefined ||
  places.some(({ delivery }) => delivery?.message !== undefined || delivery?.wanted === true)

/** Work on the decision itself, and when there will be more. */
export function dueDecision(incident: Incident, now: Instant): Due {
  const { number, status, quorum, votes, removal } = incident
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
      if (now >= waits) return { work: [{ kind: 'read', incident: number }] }
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

function dueIn(
  { conversation, delivery, digest }: Place,
  incident: Incident,
  mark: string | undefined,
  now: Instant,
): DueThere {
  if (conversation.gone) return { work: [] }
  const at = { incident: incident.number, conversation: conversation.id }
  const own = dueOn(delivery, incident, now, { ...at, subject: codeOf(incident) }, mark)
  const together = digestOf(incident)
  const inDigest = together ? dueOn(digest, incident, now, { ...at, subject: together }) : nothing
  const work = [...inDigest.work.filter(({ kind }) => kind !== 'tell'), ...own.work]
  const nextAt = earliest(own.nextAt, inDigest.nextAt)
  const { watching, kind } = conversation
  // Where nobody watches any more, what is shown stays true, and nothing new is said; a personal chat is shown
  // what its person asked for.
  if (!watching) return kind === 'personal' ? { work, nextAt } : { work: work.filter(keepsTrue), nextAt }
  if (delivery?.message || delivery?.wanted || isOldNews(incident, conversation)) return { work, nextAt }
  const isNew = incident.openedAt >= watching.since
  if (isNew && together && !digest) work.push({ kind: 'post', subject: together, ...at })
  // What was announced among many, or before anybody watched here, gets its own card once somebody decides on it.
  if (
    (isNew && !together) ||
    notable(incident, 0).some((event) => isDecision(event) && event.at >= watching.since)
  )
    work.push({ kind: 'post', subject: codeOf(incident), ...at })
  return { work, nextAt }
}

const nothing: DueThere = { work: [] }

const keepsTrue = ({ kind }: ConversationWork): boolean => kind === 'redraw' || kind === 'retire'

/** Over before the conversation could be reached (again): that it once was blocked calls for nobody. */
const isOldNews = ({ ended }: Incident, { back }: Conversation): boolean =>
  ended !== undefined && back !== undefined && ended.at < back

/** The digest that announces an incident; most are announced alone. */
const digestOf = ({ batch }: Incident): string | undefined =>
  batch && batch.size > mostAnnouncedAlone ? subjectOfBatch(batch) : undefined

/** What is due on one message that was posted, or that should have been. */
function dueOn(
  delivery: Delivery | undefined,
  incident: Incident,
  now: Instant,
  on: Omit<ConversationWork, 'kind'>,
  mark?: string,
): DueThere {
  if (!delivery) return nothing
  const work: ConversationWork[] = []
  const outdated = delivery.drawn < incident.sequence || (mark !== undefined && delivery.mark !== mark)
  if (delivery.message && outdated) work.push({ kind: 'redraw', ...on })
  if (delivery.message && notable(incident, delivery.told).length > 0) work.push({ kind: 'tell', ...on })
  if (delivery.retired?.length) work.push({ kind: 'retire', ...on })
  if (!delivery.wanted) return { work }
  const next = nextPost(delivery, incident)
  if (next === undefined) return { work }
  if (now < next) return { work, nextAt: next }
  return { work: [...work, { kind: 'post', ...on }] }
}

/** One repetition at once, then ever fewer: two cards are a nuisance, none at all is what must not be. */
const minutesBetweenDoubtfulPosts = [0, 0, 5, 15, 30, 60, 120, 240]
/** Of an incident that is over, so many posts in doubt are enough. */
const mostPostsOfWhatIsOver = 4

/** When a card that is wanted is posted, again if nobody knows whether it arrived; undefined for never. */
function nextPost({ ambiguous }: Delivery, incident: Incident): Instant | undefined {
  if (!ambiguous) return incident.openedAt
  if (isFinal(incident) && ambiguous.tries >= mostPostsOfWhatIsOver) return undefined
  return afterDoubt(ambiguous)
}

/** When a post of which nobody knows whether it arrived is made again. */
export function afterDoubt({ since, tries }: NonNullable<Delivery['ambiguous']>): Instant {
  const longest = minutesBetweenDoubtfulPosts.length - 1
  const minutes = minutesBetweenDoubtfulPosts[Math.min(tries, longest)] ?? 0
  return later(since, minutes * minuteMs)
}

/** What an edited card would not make anybody notice: these also get a reply in the thread. */
const notableTypes: readonly RecordedEvent['event']['type'][] = [
  'quorumReached',
  'votesVoided',
  'keptBlocked',
  'reopened',
  'retried',
  'stuck',
  'heldUp',
  'unblocked',
  'cleared',
  'causeFound',
]

/** The events after `told` that the thread has to be told of. */
export const notable = (incident: Incident, told: number): RecordedEvent[] =>
  incident.history.filter(({ sequence, event }) => sequence > told && notableTypes.includes(event.type))

/** Something that people or the bot decided about it, rather than that it went away by itself. */
const isDecision = ({ event }: RecordedEvent): boolean =>
  event.type !== 'cleared' && event.type !== 'causeFound'

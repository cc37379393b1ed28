import { earliest, elapsedMs, hourMs, type Instant, later, minuteMs } from '../clock.js'
import type { Conversation, Delivery, HealthCardState } from '../incident/delivery.js'
import { afterDoubt } from '../incident/due.js'
import { certificateIn } from './findings.js'
import { type HealthCause, healthCauses, isOpen, keyOf, type Problem } from './problem.js'

/** Work on the card of one cause in one conversation. */
export interface HealthWork {
  kind: 'post' | 'redraw' | 'close' | 'tell'
  cause: HealthCause
  conversation: string
  /** What it is done for: the same again would mean that it had no effect. */
  state: string
}

/** What health cards are drawn from. */
export interface HealthState {
  /** Every problem of the record, over or not. */
  problems: Problem[]
  conversations: Conversation[]
  /** Names of the watched tenants. */
  tenants: string[]
  serves: (conversation: string, tenant: string) => boolean
}

/** What the card of one cause in one conversation has to show. */
export interface HealthShown {
  cause: HealthCause
  /** What is amiss, the longest first. */
  amiss: Problem[]
  /** If nothing is any more: what the card showed last. */
  over: Problem[]
}

export const subjectOfHealth = (cause: HealthCause): string => `health:${cause}`

/** The most that one card names. */
export const mostNamed = 12

/** A cause that comes and goes opens the same card again for so long; also where somebody deletes the cards. */
const sameCardMs = hourMs
/** Many tenants fail one after the other: one edit tells of all that came meanwhile. */
const betweenEditsMs = minuteMs

/**
 * All work on health cards that is due now. Pure, so a restart needs no code of its own.
 * @param deliveries those of all health cards
 */
export function dueHealth(state: HealthState, deliveries: Delivery[], now: Instant): HealthWork[] {
  const told = toldWhere(state)
  const placed = new Map(deliveries.map((one) => [`${one.subject} ${one.conversation}`, one]))
  return state.conversations.flatMap((conversation) =>
    conversation.gone
      ? []
      : healthCauses.flatMap((cause) => {
          const delivery = placed.get(`${subjectOfHealth(cause)} ${conversation.id}`)
          const shown = shownOf(cause, state, told.get(conversation.id) ?? [], delivery)
          const kind = dueOn(shown, conversation, delivery, now)
          return kind ? [{ kind, cause, conversation: conversation.id, state: stateOf(shown, now) }] : []
        }),
  )
}

/** What the card of a cause in a conversation has to show, by the state as it is now. */
export const shownIn = (
  cause: HealthCause,
  state: HealthState,
  conversation: string,
  delivery: Delivery | undefined,
): HealthShown => shownOf(cause, state, toldWhere(state).get(conversation) ?? [], delivery)

/** A mark that differs whenever the card of what is amiss would look different. */
export const markOf = ({ amiss }: HealthShown, now: Instant): string =>
  [
    amiss.length,
    ...named(amiss).map((problem) => `${keyOf(problem)} ${problem.changedAt} ${daysLeft(problem, now)}`),
  ].join('; ')

const stateOf = (shown: HealthShown, now: Instant): string =>
  shown.amiss.length > 0 ? markOf(shown, now) : shown.over.map(({ over }) => over?.at).join('; ')

export const named = (problems: Problem[]): Problem[] => problems.slice(0, mostNamed)

/** Whole days until a certificate expires, negative once it has; empty for what has no such end. */
function daysLeft({ cause, detail }: Problem, now: Instant): string {
  if (cause !== 'certificateExpiring') return ''
  return String(wholeDays(now, certificateIn(detail).until))
}

/** Whole days from one instant to another, rounded down. */
export const wholeDays = (from: Instant, to: Instant): number =>
  Math.floor(elapsedMs(from, to) / (24 * hourMs))

function shownOf(
  cause: HealthCause,
  { problems }: HealthState,
  toldHere: Problem[],
  delivery: Delivery | undefined,
): HealthShown {
  const card = delivery?.health
  const mine = toldHere.filter((problem) => problem.cause === cause)
  const onCard = card
    ? problems.filter((problem) => problem.cause === cause && card.about.includes(keyOf(problem)))
    : []
  // What an open card shows stays on it until it is over, also where it would not be posted any more.
  const kept = card && !card.closedAt ? onCard.filter((one) => isOpen(one) && !mine.includes(one)) : []
  const amiss = kept.length > 0 ? sorted([...mine, ...kept]) : mine
  return { cause, amiss, over: onCard.filter((one) => !isOpen(one)) }
}

/** The longest first. */
const sorted = (problems: Problem[]): Problem[] =>
  problems
    .map((problem) => ({ problem, order: `${problem.since} ${keyOf(problem)}` }))
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ problem }) => problem)

/** What is amiss, the longest first, by the conversations that have to be told of it. */
function toldWhere(state: HealthState): Map<string, Problem[]> {
  const able = state.conversations.filter(({ watching, gone }) => watching && !gone)
  const told = new Map<string, Problem[]>(able.map(({ id }) => [id, []]))
  for (const problem of sorted(state.problems.filter(isOpen)))
    for (const { id } of listeners(problem, able, state)) told.get(id)?.push(problem)
  return told
}

/** Whoever serves what it is about; if nobody is left of these, whoever has been watching longest. */
function listeners(problem: Problem, able: Conversation[], state: HealthState): Conversation[] {
  const concerned = able.filter(({ id }) => concerns(problem, id, state))
  if (concerned.length > 0) return concerned
  const since = earliest(...able.map(({ watching }) => watching?.since))
  return able.filter(({ watching }) => watching?.since === since).slice(0, 1)
}

function concerns({ tenant, conversation }: Problem, id: string, { serves, tenants }: HealthState): boolean {
  if (tenant !== undefined) return serves(id, tenant)
  if (conversation === undefined) return true
  return tenants.some((name) => serves(conversation, name) && serves(id, name))
}

function dueOn(
  shown: HealthShown,
  { watching }: Conversation,
  delivery: Delivery | undefined,
  now: Instant,
): HealthWork['kind'] | undefined {
  const card = delivery?.health
  const isAmiss = shown.amiss.length > 0
  if (!delivery?.message || !card) {
    return isAmiss && mayPost(delivery, now) ? 'post' : undefined
  }
  const mayTell = watching !== undefined && hasNews(shown, card, now)
  if (!isAmiss) {
    if (!card.closedAt) return 'close'
    return mayTell ? 'tell' : undefined
  }
  if (card.closedAt && now < later(card.postedAt, sameCardMs)) return 'redraw'
  if (card.closedAt) return mayPost(delivery, now) ? 'post' : undefined
  if (delivery.mark !== markOf(shown, now) && now >= later(card.drawnAt, betweenEditsMs)) return 'redraw'
  return mayTell ? 'tell' : undefined
}

function mayPost(delivery: Delivery | undefined, now: Instant): boolean {
  const { ambiguous, health } = delivery ?? {}
  if (health && now < later(health.postedAt, sameCardMs)) return false
  return !ambiguous || now >= afterDoubt(ambiguous)
}

/** Of what is amiss, what people were not told of yet: an edit of a card is nothing that anybody is told. */
export function untold({ amiss }: HealthShown, card: HealthCardState): Problem[] {
  const about = card.heard?.about ?? card.about
  return amiss.filter((problem) => !about.includes(keyOf(problem)))
}

/**
 * The first recovery is told at once; of a cause that comes and goes, and of what comes to what is amiss already, the
 * thread hears at most once an hour.
 */
function hasNews(shown: HealthShown, card: HealthCardState, now: Instant): boolean {
  const { closedAt, told, heard, postedAt } = card
  const isOver = closedAt !== undefined
  const isQuiet = told !== undefined && now < later(told.at, sameCardMs)
  if (isOver) return !told || (!told.over && !isQuiet)
  if (isQuiet) return false
  if (told?.over) return true
  return untold(shown, card).length > 0 && now >= later(heard?.at ?? postedAt, sameCardMs)
}

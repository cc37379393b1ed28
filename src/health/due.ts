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
  const { told } = indexOf(state)
  const placed = byConversation(deliveries)
  return state.conversations.flatMap((conversation) => {
    const { id, gone } = conversation
    const amissHere = told.get(id)
    const cards = placed.get(id)
    if (gone || (!amissHere && !cards)) return []
    return healthCauses.flatMap((cause) => {
      const delivery = cards?.get(subjectOfHealth(cause))
      if (!delivery && !amissHere?.has(cause)) return []
      const shown = shownIn(cause, state, id, delivery)
      const kind = dueOn(shown, state, conversation, delivery, now)
      return kind ? [{ kind, cause, conversation: id, state: stateOf(shown, now) }] : []
    })
  })
}

/** Deliveries by their conversation, and there by their subject. */
function byConversation(deliveries: Delivery[]): Map<string, Map<string, Delivery>> {
  const placed = new Map<string, Map<string, Delivery>>()
  for (const delivery of deliveries) {
    const there = placed.get(delivery.conversation) ?? new Map<string, Delivery>()
    placed.set(delivery.conversation, there.set(delivery.subject, delivery))
  }
  return placed
}

/** What the card of a cause in a conversation has to show, by the state as it is now. */
export function shownIn(
  cause: HealthCause,
  state: HealthState,
  conversation: string,
  delivery: Delivery | undefined,
): HealthShown {
  const { told, byKey } = indexOf(state)
  const card = delivery?.health
  const mine = told.get(conversation)?.get(cause) ?? []
  const onCard = (card?.about ?? [])
    .map((key) => byKey.get(key))
    .filter((problem) => problem !== undefined)
    .filter((problem) => problem.cause === cause)
  // What an open card shows stays on it until it is over, also where it would not be posted any more.
  const kept = card && !card.closedAt ? onCard.filter((one) => isOpen(one) && !mine.includes(one)) : []
  const amiss = kept.length > 0 ? sorted([...mine, ...kept]) : mine
  return { cause, amiss, over: onCard.filter((one) => !isOpen(one)) }
}

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

/** The longest first. */
const sorted = (problems: Problem[]): Problem[] =>
  problems
    .map((problem) => ({ problem, order: `${problem.since} ${keyOf(problem)}` }))
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ problem }) => problem)

/** What a state says, arranged for looking it up. */
interface Index {
  /** What is amiss, the longest first, by the conversations that have to be told of it, and by its cause. */
  told: ReadonlyMap<string, ReadonlyMap<HealthCause, Problem[]>>
  byKey: ReadonlyMap<string, Problem>
}

/** With a thousand tenants and as many conversations it takes long to arrange: once for each state is enough. */
const indices = new WeakMap<HealthState, Index>()

function indexOf(state: HealthState): Index {
  const known = indices.get(state)
  if (known) return known
  const able = state.conversations.filter(({ watching, gone }) => watching && !gone)
  const told = new Map<string, Map<HealthCause, Problem[]>>()
  const listenersOf = once((problem: Problem) => listeners(problem, able, state))
  for (const problem of sorted(state.problems.filter(isOpen)))
    for (const { id } of listenersOf(problem)) {
      const here = told.get(id) ?? new Map<HealthCause, Problem[]>()
      told.set(id, here.set(problem.cause, [...(here.get(problem.cause) ?? []), problem]))
    }
  const index = { told, byKey: new Map(state.problems.map((problem) => [keyOf(problem), problem])) }
  indices.set(state, index)
  return index
}

/** All that is amiss with one tenant is told in the same places. */
function once(find: (problem: Problem) => Conversation[]): (problem: Problem) => Conversation[] {
  const found = new Map<string, Conversation[]>()
  return (problem) => {
    const { tenant = '', conversation = '' } = problem
    const key = `${tenant} ${conversation}`
    const known = found.get(key) ?? find(problem)
    found.set(key, known)
    return known
  }
}

/**
 * Whoever serves what it is about; if these are gone, whoever else has been watching longest. What nobody ever watched
 * is nobody else's business, and a chat with one person is no place for it.
 */
function listeners(problem: Problem, able: Conversation[], state: HealthState): Conversation[] {
  const isConcerned = concerned(problem, state)
  const here = able.filter(({ id }) => isConcerned(id))
  if (here.length > 0) return here
  const lost = state.conversations.filter(({ watching, gone }) => watching && gone)
  if (!lost.some(({ id }) => isConcerned(id))) return []
  const others = able.filter(({ kind }) => kind !== 'personal')
  const since = earliest(...others.map(({ watching }) => watching?.since))
  return others.filter(({ watching }) => watching?.since === since).slice(0, 1)
}

/** Whose business a problem is: the conversations' that serve its tenant, or all if it is the bot's as a whole. */
export function concerned(
  { tenant, conversation }: Problem,
  { serves, tenants }: Pick<HealthState, 'serves' | 'tenants'>,
): (conversation: string) => boolean {
  if (tenant !== undefined) return (id) => serves(id, tenant)
  if (conversation === undefined) return () => true
  const servedThere = tenants.filter((name) => serves(conversation, name))
  return (id) => servedThere.some((name) => serves(id, name))
}

function dueOn(
  shown: HealthShown,
  state: HealthState,
  { id, watching }: Conversation,
  delivery: Delivery | undefined,
  now: Instant,
): HealthWork['kind'] | undefined {
  const card = delivery?.health
  const isAmiss = shown.amiss.length > 0
  if (!delivery?.message || !card) {
    return isAmiss && mayPost(delivery, now) ? 'post' : undefined
  }
  const mayTell = watching !== undefined && hasNews(tellable(shown, state, id), card, now)
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

/** What of it may be told in a conversation: what the card shows of a tenant that is served there no more is not. */
export function tellable({ cause, amiss, over }: HealthShown, state: HealthState, id: string): HealthShown {
  const here = indexOf(state).told.get(id)?.get(cause) ?? []
  return {
    cause,
    amiss: amiss.filter((problem) => here.includes(problem)),
    over: over.filter((problem) => concerned(problem, state)(id)),
  }
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
  if ((isOver ? shown.over : shown.amiss).length === 0) return false
  const isQuiet = told !== undefined && now < later(told.at, sameCardMs)
  if (isOver) return !told || (!told.over && !isQuiet)
  if (isQuiet) return false
  if (told?.over) return true
  return untold(shown, card).length > 0 && now >= later(heard?.at ?? postedAt, sameCardMs)
}

import { type CardContext, healthCard } from '../cards/index.js'
import type { Texts } from '../cards/texts/en.js'
import type { Clock } from '../src/clock.js'
import {
  type HealthShown,
  type HealthState,
  type HealthWork,
  markOf,
  named,
  shownIn,
  subjectOfHealth,
  tellable,
  untold,
} from '../src/health/due.js'
import { keyOf } from '../src/health/problem.js'
import type { Conversation, Delivery, HealthCardState } from '../src/incident/delivery.js'
import type { RulesInForce } from '../src/incident/rules.js'
import type { Claim, Store } from '../src/store/store.js'
import type { WorkResult } from '../src/work/removal.js'
import { cardActivity, textActivity } from './announcer.js'
import type { ConnectorClient } from './connector-client.js'
import type { Conversations } from './conversations.js'
import { afterFailure, postStored } from './posting.js'

interface HealthAnnouncerParts {
  store: Store
  client: ConnectorClient
  conversations: Conversations
  /** What there is to show, as it is now. */
  state: () => Promise<HealthState>
  rules: () => Promise<RulesInForce>
  texts: Texts
  clock: Clock
}

interface Job {
  shown: HealthShown
  conversation: Conversation
  delivery: Delivery
  claim: Claim
}

/**
 * Shows what is amiss with the bot itself: one message per cause and conversation, edited while it lasts, edited
 * once more when it is over, with one reply in its thread.
 */
export class HealthAnnouncer {
  constructor(private readonly parts: HealthAnnouncerParts) {}

  async show({ kind, cause, conversation: id }: HealthWork, claim: Claim): Promise<WorkResult> {
    const { store, conversations, state } = this.parts
    const conversation = await conversations.find(id)
    if (!conversation) return 'done'
    const subject = subjectOfHealth(cause)
    const known = await store.delivery(subject, id)
    const delivery = known ?? { subject, conversation: id, drawn: 0, told: 0 }
    const now = await state()
    const shown = shownIn(cause, now, id, known)
    const job = { shown, conversation, delivery, claim }
    switch (kind) {
      case 'post':
        return shown.amiss.length > 0 ? this.#post(job) : 'done'
      case 'redraw':
        return shown.amiss.length > 0 ? this.#edit(job, { closedAt: undefined }) : 'done'
      case 'close':
        return shown.amiss.length > 0 ? 'done' : this.#edit(job, { closedAt: this.parts.clock.now() })
      case 'tell':
        return this.#tell(job, tellable(shown, now, id))
      default:
        return kind satisfies never
    }
  }

  async #post(job: Job): Promise<WorkResult> {
    const { store, clock } = this.parts
    const { shown, delivery, claim } = job
    const drawing = await this.#draw(shown)
    const posted = await postStored(this.parts, job, drawing.activity)
    if ('failed' in posted) return posted.failed
    const { subject, conversation } = delivery
    const now = clock.now()
    const heard = { at: now, about: shown.amiss.map(keyOf) }
    const health = { postedAt: now, drawnAt: now, about: drawing.about, heard }
    const { message } = posted
    const { mark } = drawing
    await store.saveDelivery({ subject, conversation, message, drawn: 0, told: 0, mark, health }, claim)
    return 'done'
  }

  /** Draws the card that is there anew: as it is now, or as over. */
  async #edit(
    { shown, conversation, delivery, claim }: Job,
    changes: Pick<HealthCardState, 'closedAt'>,
  ): Promise<WorkResult> {
    const { store, client, clock, conversations } = this.parts
    const { message, health: card } = delivery
    if (!message || !card) return 'done'
    const { activity, mark, about } = await this.#draw(shown)
    const sent = await client.edit(conversation, message, activity)
    if (sent.kind === 'missing') {
      // Somebody deleted it. While something is amiss it is posted anew, once an hour has passed since the last one.
      const gone = { ...delivery, message: undefined, health: { ...card, about: [] } }
      await store.saveDelivery(gone, claim)
      return 'done'
    }
    if (sent.kind !== 'ok') return afterFailure(sent, conversation, conversations)
    const heard = stillHeard(card, shown)
    const drawn = { drawnAt: clock.now(), about: changes.closedAt ? card.about : about, heard }
    const health = { ...card, ...changes, ...drawn }
    await store.saveDelivery({ ...delivery, mark, health }, claim)
    return 'done'
  }

  async #tell({ shown, conversation, delivery, claim }: Job, mayHear: HealthShown): Promise<WorkResult> {
    const { store, client, clock, conversations, texts } = this.parts
    const { message, health } = delivery
    if (!message || !health) return 'done'
    const isOver = shown.amiss.length === 0
    const words = isOver
      ? texts.health.noticeOver(mayHear.cause, mayHear.over)
      : noticeOfAmiss(mayHear, health, texts)
    if (words === undefined) return 'done'
    const sent = await client.reply(conversation, message, textActivity(words))
    // A reply that may have arrived, or whose thread was deleted, is not repeated: the card itself says the same.
    if (!['ok', 'ambiguous', 'missing'].includes(sent.kind))
      return afterFailure(sent, conversation, conversations)
    const at = clock.now()
    // What came to the rest is no turn of things: their end is news at once.
    const told = isOver || health.told?.over ? { at, over: isOver } : health.told
    const heard = { at, about: shown.amiss.map(keyOf) }
    await store.saveDelivery({ ...delivery, health: { ...health, told, heard } }, claim)
    return 'done'
  }

  async #draw(shown: HealthShown) {
    const { rules, texts, clock } = this.parts
    const now = clock.now()
    const context: CardContext = { texts, rules: (await rules()).rules, now }
    const { cause, amiss, over } = shown
    const summary =
      amiss.length > 0 ? texts.health.summary(cause, amiss) : texts.health.summaryOver(cause, over)
    return {
      activity: cardActivity(healthCard(shown, context), summary),
      mark: markOf(shown, now),
      about: named(amiss).map(keyOf),
    }
  }
}

/** What was told of and is amiss still: whatever comes back after that is news. */
function stillHeard({ heard, about, postedAt }: HealthCardState, { amiss }: HealthShown) {
  const told = heard ?? { at: postedAt, about }
  const now = new Set(amiss.map(keyOf))
  return { ...told, about: told.about.filter((key) => now.has(key)) }
}

/** The reply in an open card's thread; undefined if there is nothing new. */
function noticeOfAmiss(shown: HealthShown, card: HealthCardState, { health }: Texts): string | undefined {
  if (card.told?.over) return health.noticeAgain(shown.cause, shown.amiss)
  const added = untold(shown, card)
  return added.length > 0 ? health.noticeAlso(shown.cause, added) : undefined
}

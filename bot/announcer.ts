import type { Card } from '../cards/card.js'
import { mentionName, mostShown, show } from '../cards/escape.js'
import { type CardContext, digestCard, incidentCard, movedCard } from '../cards/index.js'
import type { Texts } from '../cards/texts/en.js'
import type { Clock } from '../src/clock.js'
import { type Conversation, type Delivery, subjectOfBatch } from '../src/incident/delivery.js'
import { type ConversationWork, notable } from '../src/incident/due.js'
import type { Evidence } from '../src/incident/evidence.js'
import { codeOf, type Incident } from '../src/incident/incident.js'
import type { RulesInForce } from '../src/incident/rules.js'
import type { Log } from '../src/log.js'
import type { RoleMap } from '../src/people/role-map.js'
import type { Claim, Store } from '../src/store/store.js'
import type { WorkResult } from '../src/work/removal.js'
import type { ConnectorClient, OutgoingActivity, Sent } from './connector-client.js'
import type { Conversations } from './conversations.js'
import { afterFailure, postStored } from './posting.js'

const mostMentioned = 5
const rosterTimeoutMs = 5_000

/** What stands on a card, and up to which place of the record it is current. */
interface Drawing {
  card: Card
  summary: string
  sequence: number
  mark: string | undefined
}

/** A message that holds one card; `words` stand above it and in previews. */
export const cardActivity = (card: Card, summary: string, words?: string): OutgoingActivity => ({
  type: 'message',
  summary,
  ...(words ? { text: words, textFormat: 'markdown' } : {}),
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: card }],
})

export const textActivity = (text: string): OutgoingActivity => ({
  type: 'message',
  text,
  textFormat: 'markdown',
})

/**
 * Shows incidents in conversations: one message each, edited whenever the incident changes, with a reply in its
 * thread for what somebody should notice. What is shown where is stored before and after each call, so that a
 * restart in between posts nothing twice but what nobody can know about.
 */
export class Announcer {
  constructor(
    private readonly parts: {
      store: Store
      client: ConnectorClient
      conversations: Conversations
      roleMap: RoleMap
      evidence: (incident: Incident) => Evidence | undefined
      /** Differs whenever what people should see of the evidence differs. */
      markOf: (incident: Incident) => string | undefined
      rules: () => Promise<RulesInForce>
      texts: Texts
      clock: Clock
      log: Log
    },
  ) {}

  async show(work: ConversationWork, claim: Claim): Promise<WorkResult> {
    const { store, conversations } = this.parts
    const incident = await store.find(work.incident)
    const conversation = await conversations.find(work.conversation)
    if (!incident || !conversation) return 'done'
    const known = await store.delivery(work.subject, conversation.id)
    const delivery = known ?? { subject: work.subject, conversation: conversation.id, drawn: 0, told: 0 }
    const job = { incident, conversation, delivery, claim }
    switch (work.kind) {
      case 'post':
        return this.#post(job)
      case 'redraw':
        return this.#redraw(job)
      case 'tell':
        return this.#tell(job)
      case 'retire':
        return this.#retire(job)
      default:
        return work.kind satisfies never
    }
  }

  async #post({ incident, conversation, delivery, claim }: Job): Promise<WorkResult> {
    const { store } = this.parts
    const drawing = await this.#draw(incident, delivery)
    const isFirst =
      !delivery.message && !delivery.ambiguous && delivery.told === 0 && incident.status === 'open'
    const called = isFirst ? await this.#whomToCall(incident, conversation) : []
    const activity = this.#activityOf(drawing, called)
    const posted = await postStored(this.parts, { conversation, delivery, claim }, activity)
    if ('failed' in posted) return posted.failed
    const retired = [...(delivery.retired ?? []), ...(delivery.message ? [delivery.message] : [])]
    const { sequence: drawn, mark } = drawing
    const { message } = posted
    const { subject } = delivery
    const told = Math.max(delivery.told, drawn)
    const { id } = conversation
    const shown = { message, drawn, mark, called, told, retired }
    await store.saveDelivery({ subject, conversation: id, ...shown }, claim)
    return 'done'
  }

  async #redraw({ incident, conversation, delivery, claim }: Job): Promise<WorkResult> {
    const { client } = this.parts
    if (!delivery.message) return 'done'
    const drawing = await this.#draw(incident, delivery)
    // Whoever was called shall still find their name when they look, though an edit calls nobody.
    const nobodyIsOnIt = incident.status === 'open' && !incident.acknowledged
    const called = nobodyIsOnIt ? (delivery.called ?? []) : []
    const sent = await client.edit(conversation, delivery.message, this.#activityOf(drawing, called))
    if (sent.kind === 'missing') {
      // Somebody deleted the message, and the card is posted anew, unless nobody wants cards here any more. Teams
      // also says so of messages that are there: such a one must not keep its buttons.
      const wanted = conversation.watching !== undefined || conversation.kind === 'personal'
      const retired =
        delivery.subject === codeOf(incident) ? [...(delivery.retired ?? []), delivery.message] : undefined
      await this.#change(delivery, { message: undefined, retired, ...(wanted ? { wanted } : {}) }, claim)
      return 'done'
    }
    if (sent.kind !== 'ok') return this.#afterFailure(sent, conversation)
    await this.#change(delivery, { drawn: drawing.sequence, mark: drawing.mark }, claim)
    return 'done'
  }

  /** One reply per commit, so that what was decided together is said together. */
  async #tell({ incident, conversation, delivery, claim }: Job): Promise<WorkResult> {
    const { client, texts } = this.parts
    const events = notable(incident, delivery.told)
    const sequence = events[0]?.sequence
    if (sequence === undefined || !delivery.message) return 'done'
    const words = events
      .filter((event) => event.sequence === sequence)
      .map((event) => texts.notice(incident, event))
    const sent = await client.reply(conversation, delivery.message, textActivity(words.join('\n\n')))
    // A reply that may have arrived, or whose thread was deleted, is not repeated: the card itself says the same.
    if (!['ok', 'ambiguous', 'missing'].includes(sent.kind)) return this.#afterFailure(sent, conversation)
    const told = await this.#change(delivery, { told: sequence }, claim)
    return this.#tell({ incident, conversation, delivery: told, claim })
  }

  async #retire({ incident, conversation, delivery, claim }: Job): Promise<WorkResult> {
    const { client, texts } = this.parts
    const card = movedCard(incident, await this.#context())
    for (const message of delivery.retired ?? []) {
      const sent = await client.edit(
        conversation,
        message,
        cardActivity(card, texts.moved.title(codeOf(incident), show(incident.tenant, mostShown.tenant))),
      )
      if (!['ok', 'missing', 'refused'].includes(sent.kind)) return this.#afterFailure(sent, conversation)
    }
    await this.#change(delivery, { retired: undefined }, claim)
    return 'done'
  }

  /** Changes what it means to change: while Teams was being called, somebody may have asked for the card again. */
  #change(delivery: Delivery, changes: Partial<Delivery>, claim: Claim): Promise<Delivery> {
    const { subject, conversation } = delivery
    return this.parts.store.changeDelivery(
      subject,
      conversation,
      (known = delivery) => ({ ...known, ...changes }),
      claim,
    )
  }

  #afterFailure(sent: Sent<unknown>, conversation: Conversation): Promise<WorkResult> {
    return afterFailure(sent, conversation, this.parts.conversations)
  }

  async #draw(incident: Incident, { subject }: Delivery): Promise<Drawing> {
    const { store, texts } = this.parts
    const context = await this.#context()
    const { batch } = incident
    if (!batch || subject !== subjectOfBatch(batch))
      return {
        card: incidentCard(incident, this.parts.evidence(incident), context),
        summary: texts.summary(incident),
        sequence: incident.sequence,
        mark: this.parts.markOf(incident),
      }
    const incidents = await store.inBatch(batch.id)
    return {
      card: digestCard({ id: batch.id, incidents, page: 1 }, context),
      summary: texts.digest.title(incidents),
      sequence: Math.max(...incidents.map(({ sequence }) => sequence)),
      mark: undefined,
    }
  }

  /** Who is called by name above a new card: those in the rules who really are members of the conversation. */
  async #whomToCall(incident: Incident, conversation: Conversation): Promise<Called[]> {
    const { rules } = await this.parts.rules()
    if (rules.announce.mention === 'nobody' || conversation.kind === 'personal') return []
    const entries = (await this.parts.roleMap.responders(incident.tenant)).slice(0, mostMentioned)
    const looks = await Promise.all(
      entries.map((entry) => this.parts.client.member(conversation, entry, rosterTimeoutMs)),
    )
    return looks.flatMap((look) =>
      look.kind === 'ok' && look.value.name && mentionName(look.value.name) !== ''
        ? [{ id: look.value.id, name: mentionName(look.value.name) }]
        : [],
    )
  }

  /** Without anybody to call, the card speaks for itself: not every client shows words and a card together. */
  #activityOf({ card, summary }: Drawing, called: Called[]): OutgoingActivity {
    if (called.length === 0) return cardActivity(card, summary)
    const words = this.parts.texts.announceMention(called.map(({ name }) => name))
    const entities = called.map(({ id, name }) => ({
      type: 'mention',
      text: `<at>${name}</at>`,
      mentioned: { id, name },
    }))
    return { ...cardActivity(card, summary, words), entities }
  }

  async #context(): Promise<CardContext> {
    const { rules } = await this.parts.rules()
    return { texts: this.parts.texts, rules, now: this.parts.clock.now() }
  }
}

type Called = NonNullable<Delivery['called']>[number]

interface Job {
  incident: Incident
  conversation: Conversation
  delivery: Delivery
  claim: Claim
}

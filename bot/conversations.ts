import { type Clock, type Instant, later } from '../src/clock.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Log } from '../src/log.js'
import type { Store } from '../src/store/store.js'
import { type Incoming, placeOf } from './incoming.js'

const beginning: Instant = '1970-01-01T00:00:00.000Z'

/** Remembers where the bot is and how to reach each place, from whatever Teams sends from there. */
export class Conversations {
  constructor(private readonly parts: { store: Store; clock: Clock; log: Log }) {}

  async find(id: string): Promise<Conversation | undefined> {
    return (await this.parts.store.conversations()).find((conversation) => conversation.id === id)
  }

  /** The conversation of an activity as it is known now: service URLs move, and the newest one counts. */
  async seen(incoming: Incoming): Promise<Conversation> {
    const place = placeOf(incoming)
    const before = await this.find(place.id)
    const now = { ...before, ...place, gone: undefined }
    if (before && isSame(before, now)) return before
    const back = before?.gone ? { back: this.parts.clock.now() } : {}
    await this.parts.store.changeConversation(place.id, (known) => ({
      ...known,
      ...place,
      gone: undefined,
      ...back,
    }))
    if (before?.gone) await this.#catchUp(now)
    return (await this.find(place.id)) ?? now
  }

  /** Cards of what ended while nothing could be shown here are due again; what is not over is due by itself. */
  async #catchUp({ id }: Conversation): Promise<void> {
    const { store, clock } = this.parts
    for (const incident of await store.endedBetween(beginning, later(clock.now(), 1)))
      for (const delivery of await store.deliveriesOf(incident))
        if (delivery.conversation === id && delivery.drawn < incident.sequence)
          await store.changeDelivery(delivery.subject, id, (known = delivery) => known)
  }

  /** Teams says that the bot is not in this conversation any more. */
  async lost({ id }: { id: string }, cause: string): Promise<void> {
    const { store, clock, log } = this.parts
    const known = await this.find(id)
    if (!known || known.gone) return
    const at = clock.now()
    log.error(
      { conversation: id, cause },
      'a conversation has removed the bot or refuses it: nothing is shown there',
    )
    await store.record({ type: 'conversationGone', conversation: id, cause }, at)
    await store.changeConversation(id, (stored) => stored && { ...stored, gone: { at, cause } })
  }
}

const isSame = (one: Conversation, other: Conversation): boolean =>
  one.serviceUrl === other.serviceUrl &&
  one.name === other.name &&
  one.botId === other.botId &&
  one.kind === other.kind &&
  one.tenantId === other.tenantId &&
  one.gone === other.gone

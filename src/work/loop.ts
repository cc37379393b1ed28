import { type Clock, type Instant, later, secondMs } from '../clock.js'
import type { Desk } from '../desk.js'
import { messageOf } from '../errors.js'
import type { Investigator } from '../evidence/investigator.js'
import { type ConversationWork, due, laneOf, type Place, type Work } from '../incident/due.js'
import { codeOf, type Incident } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Claim, DueIncident, Store } from '../store/store.js'
import { Lanes, type Offer } from './lanes.js'
import type { Removals, WorkResult } from './removal.js'

/** Whatever shows incidents to people: posts, edits and replies in one conversation. */
export type Show = (work: ConversationWork, claim: Claim) => Promise<WorkResult>

export interface LoopParts {
  store: Store
  desk: Desk
  removals: Removals
  investigator: Pick<Investigator, 'stateOf' | 'gather' | 'explain'>
  show: Show
  /** Whether a conversation, if it watches, is one that a tenant is shown in. */
  serves: (conversation: string, tenant: string) => boolean
  /** What there is to show of the bot's own health, after a look at it. */
  health: () => Promise<Offer[]>
  clock: Clock
  log: Log
  random: () => number
}

const atLeastEveryMs = 30 * secondMs

/**
 * Runs what is due: on every change of the store, when the next thing falls due, and at least every 30 seconds.
 * It remembers nothing that matters: what is due follows from what is stored.
 */
export class Loop {
  readonly #lanes: Lanes
  readonly #alarms = new Map<number, () => void>()
  #looking: Promise<void> | undefined
  #lookAgain = false
  #stopped = false
  #stopListening: () => void = () => undefined
  #cancelTick: () => void = () => undefined

  constructor(private readonly parts: LoopParts) {
    const { store, clock, log, random } = parts
    this.#lanes = new Lanes({ store, clock, log, random, onFree: () => this.wake() })
  }

  start(): void {
    this.#stopListening = this.parts.store.onChange(() => this.wake())
    this.#tick()
  }

  /** Starts nothing new and resolves when what is running has finished. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening()
    this.#cancelTick()
    for (const cancel of this.#alarms.values()) cancel()
    await this.#looking
    await this.#lanes.idle()
  }

  /** Looks for due work, now or right after the look that is under way. */
  wake(): void {
    if (this.#stopped) return
    if (this.#looking) {
      this.#lookAgain = true
      return
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined
      if (this.#lookAgain) {
        this.#lookAgain = false
        this.wake()
      }
    })
  }

  #tick(): void {
    if (this.#stopped) return
    const { clock } = this.parts
    this.#cancelTick = clock.wakeAt(later(clock.now(), atLeastEveryMs), () => this.#tick())
    this.wake()
  }

  async #look(): Promise<void> {
    const { store, health, clock, log } = this.parts
    // One incident that cannot be looked at must not hide the others; the next tick looks again.
    const failed = (fault: unknown): never[] => {
      log.error({ fault: messageOf(fault) }, 'looking for due work failed')
      return []
    }
    const offers: Offer[] = []
    for (const item of await store.due(clock.now()).catch(failed))
      offers.push(...(await this.#lookAt(item).catch(failed)))
    offers.push(...(await health().catch(failed)))
    if (!this.#stopped) this.#lanes.offer(offers)
  }

  /** What there is to do for an incident; one without anything to do sleeps until there will be. */
  async #lookAt({ incident, mark }: DueIncident): Promise<Offer[]> {
    const { store, clock, investigator } = this.parts
    const evidence = investigator.stateOf(incident)
    const { work, nextAt } = due(incident, await this.#places(incident), clock.now(), evidence)
    if (work.length === 0) {
      await store.sleep(incident.number, mark, nextAt)
      this.#alarm(incident.number, nextAt)
    }
    // What has work stays due: its lane may be busy, and when it is free again this is looked at again.
    return work.map((item) => ({
      lane: laneOf(item),
      name: `${item.kind} ${'subject' in item ? item.subject : item.incident}`,
      state: `${incident.sequence} ${evidence.mark ?? ''} ${'asked' in item ? item.asked : ''}`,
      urgent: item.kind === 'gather' && evidence.wanted === true,
      run: (claim) => this.#do(item, incident, claim),
    }))
  }

  #alarm(number: number, at: Instant | undefined): void {
    this.#alarms.get(number)?.()
    this.#alarms.delete(number)
    if (at)
      this.#alarms.set(
        number,
        this.parts.clock.wakeAt(at, () => this.wake()),
      )
  }

  async #places(incident: Incident): Promise<Place[]> {
    const { store, serves } = this.parts
    const [conversations, deliveries] = await Promise.all([
      store.conversations(),
      store.deliveriesOf(incident),
    ])
    return conversations.map((known) => {
      // Elsewhere what is shown of it stays true, and nothing new is.
      const conversation = serves(known.id, incident.tenant) ? known : { ...known, watching: undefined }
      const here = deliveries.filter((delivery) => delivery.conversation === conversation.id)
      const delivery = here.find(({ subject }) => subject === codeOf(incident))
      return { conversation, delivery, digest: here.find((one) => one !== delivery) }
    })
  }

  async #do(work: Work, incident: Incident, claim: Claim): Promise<WorkResult> {
    switch (work.kind) {
      case 'expire':
        await this.parts.desk.act(work.incident, { verb: 'expire' })
        return 'done'
      case 'remove':
        return this.parts.removals.remove(incident)
      case 'adoptRemoval':
        return this.parts.removals.adopt(incident)
      case 'read':
        return this.parts.removals.verify(incident)
      case 'gather':
        return this.parts.investigator.gather(incident)
      case 'explain':
        return this.parts.investigator.explain(incident)
      default:
        return this.parts.show(work, claim)
    }
  }
}

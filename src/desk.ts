import { type Clock, isRecent, minuteMs } from './clock.js'
import { Fault } from './errors.js'
import type { Command, PersonCommand, PersonVerb } from './incident/commands.js'
import { decide } from './incident/decide.js'
import { previousOf } from './incident/episode.js'
import { type Batch, codeOf, type Incident, type Person, type Restriction } from './incident/incident.js'
import type { Refusal } from './incident/refusal.js'
import type { RulesInForce } from './incident/rules.js'
import type { Log } from './log.js'
import type { Store } from './store/store.js'

/** What became of a command: the incident as it is now, and why nothing happened if it was refused. */
export type Outcome =
  | { ok: true; incident: Incident; changed: boolean }
  | { ok: false; incident: Incident; refusal: Refusal }

const triesOnConflict = 5

/**
 * The desk: every command to an incident comes here, from people, from the watcher and from the bot's own work.
 * It reads, has the decider decide, commits, and decides again on the new state when somebody else was faster.
 * An outcome is returned only after it is durable.
 */
export class Desk {
  readonly #lastRefusal = new Map<string, string>()
  /** The last act on each incident that has not ended yet. */
  readonly #acting = new Map<number, Promise<unknown>>()

  constructor(
    private readonly parts: {
      store: Store
      clock: Clock
      log: Log
      rules: () => Promise<RulesInForce>
      /** Which organisation a watched tenant's name means. */
      tenantIdOf?: ((tenant: string) => string) | undefined
    },
  ) {}

  /**
   * Carries out a command on an incident.
   * @throws Fault `incidentUnknown`, `recordNotWritable` (nothing was done), or `tooBusy`
   */
  act(number: number, command: Command): Promise<Outcome> {
    // One after the other: of ten who click in the same instant nobody should be told to try again.
    const before = this.#acting.get(number) ?? Promise.resolve()
    const next = () => this.#act(number, command)
    const acting = before.then(next, next)
    this.#acting.set(number, acting)
    const over = () => {
      if (this.#acting.get(number) === acting) this.#acting.delete(number)
    }
    acting.then(over, over)
    return acting
  }

  /** Conflicts are left to other processes that work on the same store. */
  async #act(number: number, command: Command): Promise<Outcome> {
    const { store, clock, log } = this.parts
    let incident = await store.find(number)
    if (!incident)
      throw new Fault(
        'incidentUnknown',
        `There is no incident CR-${number}.`,
        'Say list to see the open ones.',
      )
    for (let tries = 0; tries < triesOnConflict; tries++) {
      const by = 'actor' in command ? command.actor.person : undefined
      const at = this.#notBefore(incident, clock.now())
      const decision = decide(incident, command, await this.parts.rules(), at)
      if (!decision.ok) {
        if ('actor' in command) await this.#recordRefusal(incident, command, decision.refusal)
        else
          log.info(
            { incident: codeOf(incident), verb: command.verb, refusal: decision.refusal },
            'not carried out',
          )
        return { ok: false, incident, refusal: decision.refusal }
      }
      if (decision.events.length === 0) return { ok: true, incident, changed: false }
      const result = await store.commit(number, incident.version, { at, by, events: decision.events })
      incident = result.incident
      if (result.committed) {
        const events = decision.events.map(({ type }) => type)
        log.info(
          { incident: codeOf(incident), verb: command.verb, by: by?.id, events, status: incident.status },
          'decided',
        )
        return { ok: true, incident, changed: true }
      }
    }
    throw new Fault(
      'tooBusy',
      `CR-${number} was changed by others five times in a row.`,
      'Try again in a moment.',
    )
  }

  /** An incident as it is now. */
  find(number: number): Promise<Incident | undefined> {
    return this.parts.store.find(number)
  }

  /** Opens an incident for a restriction that was seen, unless one is open for that connector already. */
  async open(tenant: string, restriction: Restriction, batch: Batch): Promise<Incident> {
    const { store, clock, log } = this.parts
    const inForce = await this.parts.rules()
    const now = clock.now()
    const previous = previousOf(await store.latest(tenant, restriction.connectorId), inForce.rules, now)
    const tenantId = this.parts.tenantIdOf?.(tenant)
    const detected = { tenant, tenantId, restriction, batch, previous }
    const decision = decide(undefined, { verb: 'detect', ...detected }, inForce, now)
    if (!decision.ok)
      throw new Fault('notOpened', 'A restriction was not accepted as an incident.', 'Report this.')
    const { created, incident } = await store.create(tenant, restriction.connectorId, {
      at: now,
      events: decision.events,
    })
    if (created)
      log.warn(
        { incident: codeOf(incident), tenant, connector: restriction.connectorId },
        'connector restricted',
      )
    return incident
  }

  /** The record's order is the order of decisions, also when the clock was set back. */
  #notBefore(incident: Incident, now: string): string {
    const last = incident.history.at(-1)?.at ?? now
    return now < last ? last : now
  }

  /** At most one per person, verb and minute: somebody who keeps clicking must not fill the record. */
  async #recordRefusal(incident: Incident, { actor, verb }: PersonCommand, refusal: Refusal): Promise<void> {
    await this.recordRefusal({ verb, refusal, by: actor.person, incident: codeOf(incident) })
  }

  /** Records that somebody was refused something; `by` is who the authenticated activity says it was. */
  async recordRefusal(refused: {
    verb: PersonVerb | string
    refusal: { code: string }
    by: Person
    incident?: string | undefined
  }): Promise<void> {
    const { store, clock, log } = this.parts
    const { verb, refusal, by, incident } = refused
    const now = clock.now()
    const key = `${by.id} ${verb}`
    for (const [other, at] of this.#lastRefusal)
      if (!isRecent(at, now, minuteMs)) this.#lastRefusal.delete(other)
    if (this.#lastRefusal.has(key)) return
    // Before it is durable: of many clicks at once only the first is written.
    this.#lastRefusal.set(key, now)
    log.info({ incident, verb, by: by.id, refusal: refusal.code }, 'refused')
    try {
      await store.record({ type: 'refused', verb, incident, refusal }, now, by)
    } catch (fault) {
      this.#lastRefusal.delete(key)
      throw fault
    }
  }
}

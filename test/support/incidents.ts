import { later } from '../../src/clock.js'
import type { Actor, Command, Role } from '../../src/incident/commands.js'
import { decide } from '../../src/incident/decide.js'
import type { IncidentEvent } from '../../src/incident/events.js'
import { evolve } from '../../src/incident/evolve.js'
import type { Incident, Person } from '../../src/incident/incident.js'
import type { Decision } from '../../src/incident/refusal.js'
import { defaultRules, type Rules, rulesSchema } from '../../src/incident/rules.js'

export const start = '2026-11-22T03:00:00.000Z'
export const connectorId = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'

export const people = {
  ann: { id: '00000000-0000-4000-8000-00000000000a', name: 'Ann Archer' },
  ben: { id: '00000000-0000-4000-8000-00000000000b', name: 'Ben Baker' },
  cid: { id: '00000000-0000-4000-8000-00000000000c', name: 'Cid Cook' },
} satisfies Record<string, Person>

/** Somebody acting in a channel, verified and an approver unless said otherwise. */
export const actor = (person: Person = people.ann, changes: Partial<Actor> = {}): Actor => ({
  person,
  role: 'approver',
  verified: true,
  seenIn: 'channel',
  roleMapHash: 'map',
  ...changes,
})

export const withRole = (role: Role | undefined) => actor(people.ann, { role })

/** Rules with only the named values changed from the defaults. */
export const rulesWith = (changes: { [Key in keyof Rules]?: Partial<Rules[Key]> }): Rules =>
  rulesSchema.parse(changes)

export const inForce = (rules: Rules = defaultRules) => ({ rules, hash: 'rules' })

/** What a vote rests on was just read, unless the test says otherwise. */
export function withFreshEvidence<Asked extends Command>(command: Asked, now: string): Asked {
  const votes = command.verb === 'approve' || command.verb === 'override' || command.verb === 'retry'
  return votes && !('evidenceAt' in command) ? { ...command, evidenceAt: now } : command
}

/** An incident together with its decider, driven by commands: what the desk does, without a store. */
export class Case {
  incident: Incident | undefined
  now = start
  #sequence = 0

  constructor(readonly rules: Rules = defaultRules) {}

  /** A case that is open already. */
  static opened(rules?: Rules, detect: Partial<Extract<Command, { verb: 'detect' }>> = {}): Case {
    const opened = new Case(rules)
    opened.act({ verb: 'detect', tenant: 'Contoso', restriction: { connectorId }, ...detect })
    return opened
  }

  /** A case that Ann has approved, all required steps settled. */
  static approved(rules?: Rules, detect: Partial<Extract<Command, { verb: 'detect' }>> = {}): Case {
    const approved = Case.opened(rules, detect).settleRequired()
    approved.act({ verb: 'approve', actor: actor(), reason: 'Reverted' })
    return approved
  }

  /** A case whose removal `r` was just begun. */
  static removing(rules?: Rules, detect: Partial<Extract<Command, { verb: 'detect' }>> = {}): Case {
    const removing = Case.approved(rules, detect)
    if (removing.state.status === 'open')
      removing.act({ verb: 'approve', actor: actor(people.ben), reason: 'Reverted' })
    const confirmed = removing.state.votes.map(({ by }) => by.id)
    removing.act({
      verb: 'startRemoval',
      removal: 'r',
      reason: 'CR-1',
      listedInReadOf: removing.now,
      confirmed,
    })
    return removing
  }

  pass(ms: number): this {
    this.now = later(this.now, ms)
    return this
  }

  /** Decides, and applies what was decided. */
  act(asked: Command): Decision<IncidentEvent> {
    const command = withFreshEvidence(asked, this.now)
    const decision = decide(this.incident, command, inForce(this.rules), this.now)
    if (decision.ok && decision.events.length > 0) {
      const version = (this.incident?.version ?? 0) + 1
      this.#sequence += 1
      for (const event of decision.events) {
        const by = 'actor' in command ? command.actor.person : undefined
        this.incident = evolve(this.incident, 1, {
          sequence: this.#sequence,
          version,
          at: this.now,
          by,
          event,
        })
      }
    }
    return decision
  }

  settleRequired(by: Actor = actor()): this {
    for (const step of this.rules.checklist.required) this.act({ verb: 'done', actor: by, step })
    return this
  }

  /** The incident, which the test knows to be there. */
  get state(): Incident {
    if (!this.incident) throw new Error('this case was never opened')
    return this.incident
  }
}

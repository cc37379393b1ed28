import { type Clock, elapsedMs, type Instant, secondMs } from '../clock.js'
import { dueHealth, type HealthState, type HealthWork, subjectOfHealth } from '../health/due.js'
import { healthCauses } from '../health/problem.js'
import type { Claim, Store } from '../store/store.js'
import type { Offer } from './lanes.js'
import type { WorkResult } from './removal.js'

/** Whatever shows people how the bot itself is. */
export type ShowHealth = (work: HealthWork, claim: Claim) => Promise<WorkResult>

export interface HealthBoardParts {
  store: Store
  /** Compares how things are with the record, before it is asked what is due. */
  look: () => Promise<void>
  show: ShowHealth
  /** Names of the watched tenants. */
  tenants: string[]
  /** Whether a conversation is served a tenant, by their names. */
  serves: HealthState['serves']
  clock: Clock
}

/** The loop wakes on every write; how things are changes with time and with what was read. */
const lookAtMostEveryMs = 1 * secondMs

/** What health cards there have to be, as work for the loop. */
export class HealthBoard {
  #lookedAt: Instant | undefined
  #state: HealthState | undefined

  constructor(private readonly parts: HealthBoardParts) {}

  /** What health cards are drawn from, as it is now: the same object while nothing in it has changed. */
  async state(): Promise<HealthState> {
    const { store, tenants, serves } = this.parts
    const [problems, conversations] = await Promise.all([store.problems(), store.conversations()])
    const before = this.#state
    if (before && isSame(before.problems, problems) && isSame(before.conversations, conversations))
      return before
    this.#state = { problems, conversations, tenants, serves }
    return this.#state
  }

  /** Looks at how things are, and tells what there is to do about the cards. It waits in the conversations' lanes. */
  async offers(): Promise<Offer[]> {
    const { store, show, clock } = this.parts
    await this.#look()
    const subjects = healthCauses.map(subjectOfHealth)
    const deliveries = await Promise.all(subjects.map((subject) => store.deliveriesAbout(subject)))
    return dueHealth(await this.state(), deliveries.flat(), clock.now()).map((work) => ({
      lane: `conversation:${work.conversation}`,
      name: `${work.kind} ${subjectOfHealth(work.cause)}`,
      state: work.state,
      run: (claim) => show(work, claim),
    }))
  }

  async #look(): Promise<void> {
    const { look, clock } = this.parts
    const now = clock.now()
    const ageMs = this.#lookedAt === undefined ? undefined : elapsedMs(this.#lookedAt, now)
    // A clock that was set back must not end the looking until it has caught up.
    if (ageMs !== undefined && ageMs >= 0 && ageMs < lookAtMostEveryMs) return
    await look()
    this.#lookedAt = now
  }
}

/** What the store gives away is never changed, only replaced. */
const isSame = <One>(before: One[], now: One[]): boolean =>
  before.length === now.length && before.every((one, index) => one === now[index])

import { type Clock, elapsedMs, type Instant, isRecent, later, secondMs, within } from '../src/clock.js'
import type { Actor, Role } from '../src/incident/commands.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Person } from '../src/incident/incident.js'
import type { PersonRoles, Roles } from '../src/people/roles.js'
import type { Standing } from '../src/work/removal.js'
import type { ConnectorClient, Member } from './connector-client.js'
import { type Incoming, rootOf, tenantsOf } from './incoming.js'

/** Who speaks, as far as the authenticated activity and the chat's roster tell. */
export type Identity =
  | { kind: 'stranger'; why: 'foreignTenant' | 'guest' | 'noObjectId' | 'notMember'; person: Person }
  | {
      kind: 'member'
      person: Person
      upn?: string | undefined
      verified: boolean
      seenIn: string
      roles: PersonRoles
    }

/** Roster and Graph together: a click has to be answered within two seconds. */
const requestPatienceMs = 1_500
/** The same before a removal, for which nobody waits at a screen. */
const standingPatienceMs = 5 * secondMs
const tooLate = { kind: 'notSent', why: 'the roster did not answer in time' } as const
const rosterCacheMs = 60 * secondMs

type Look = { kind: 'member'; member: Member } | { kind: 'absent' } | { kind: 'unknown' }

/**
 * Finds out who somebody is and which role that gives. The person is the object id and tenant that Teams
 * stamped on the activity; the roster says whether that is a member or a guest, and what the UPN is.
 */
export class Identities {
  readonly #cache = new Map<string, { member: Member; at: Instant }>()

  constructor(
    private readonly parts: {
      client: ConnectorClient
      roles: Roles
      homeTenantId: string
      clock: Clock
      conversation: (id: string) => Promise<Conversation | undefined>
    },
  ) {}

  /** @param fresh asks the roster, and Graph, even if the answer is known from less than a minute ago */
  async of(incoming: Incoming, fresh: boolean): Promise<Identity> {
    const deadline = later(this.parts.clock.now(), requestPatienceMs)
    const { from, conversation, serviceUrl } = incoming
    const person = {
      id: from.aadObjectId?.toLowerCase() ?? from.id,
      name: from.name || from.aadObjectId || from.id,
    }
    const tenants = tenantsOf(incoming)
    if (tenants.length === 0 || tenants.some((id) => !this.#isHome(id)))
      return { kind: 'stranger', why: 'foreignTenant', person }
    if (!from.aadObjectId) return { kind: 'stranger', why: 'noObjectId', person }
    const place = { serviceUrl, id: rootOf(conversation.id) }
    const seenIn = seenInOf(place.id, from.id)
    const look = await this.#look(place, from.id, fresh, deadline)
    if (look.kind === 'absent') return { kind: 'stranger', why: 'notMember', person }
    const rolesOf = (upn?: string) => this.parts.roles.of({ id: person.id, upn }, { fresh, deadline })
    if (look.kind === 'unknown') return { kind: 'member', person, verified: false, seenIn, roles: rolesOf() }
    const { member } = look
    const verdict = this.#judge(member, person.id)
    if (verdict !== 'member') return { kind: 'stranger', why: verdict, person }
    const named = { ...person, name: member.name || person.name }
    const { userPrincipalName: upn } = member
    return { kind: 'member', person: named, upn, verified: true, seenIn, roles: rolesOf(upn) }
  }

  /**
   * The actor that a member is towards one watched tenant.
   * @param needed the role that what is asked for takes: Graph is asked no further than that
   */
  async actor(identity: Extract<Identity, { kind: 'member' }>, tenant: string, needed: Role): Promise<Actor> {
    const { person, upn, verified, seenIn, roles } = identity
    const { role, roleMapHash, unasked, approverSeenAt } = await roles.roleIn(tenant, needed)
    const directory = unasked === undefined ? undefined : { failed: unasked, approverSeenAt }
    return { person, upn, role, directory, verified, seenIn, roleMapHash }
  }

  /** Asks about a voter again, without any cache: still a member of the home tenant, still an approver? */
  async standing(voter: Person, seenIn: string, tenant: string): Promise<Standing> {
    const { conversation, member } = placeSeen(seenIn)
    const place = await this.parts.conversation(conversation)
    if (!place) return 'unknown'
    const terms = { fresh: true, deadline: later(this.parts.clock.now(), standingPatienceMs) }
    const look = await this.#look(place, member, terms.fresh, terms.deadline)
    if (look.kind === 'unknown') return 'unknown'
    if (look.kind === 'absent' || this.#judge(look.member, voter.id) !== 'member') return 'lost'
    const { userPrincipalName: upn } = look.member
    const { role, unasked } = await this.parts.roles.of({ id: voter.id, upn }, terms).roleIn(tenant)
    if (role === 'approver') return 'approver'
    return unasked === undefined ? 'lost' : 'unknown'
  }

  /** Only a roster that says so makes somebody a member: what it leaves out counts against them. */
  #judge(member: Member, objectId: string): 'member' | 'guest' | 'foreignTenant' | 'noObjectId' {
    if ((member.aadObjectId ?? member.objectId)?.toLowerCase() !== objectId) return 'noObjectId'
    if (!member.tenantId || !this.#isHome(member.tenantId)) return 'foreignTenant'
    const isGuest = member.userRole === 'guest' || member.userRole === 'anonymous'
    return isGuest || /#ext#/i.test(member.userPrincipalName ?? '') ? 'guest' : 'member'
  }

  async #look(
    place: { serviceUrl: string; id: string },
    memberId: string,
    fresh: boolean,
    deadline: Instant,
  ): Promise<Look> {
    const { client, clock } = this.parts
    const key = seenInOf(place.id, memberId)
    const known = this.#cache.get(key)
    if (!fresh && known && isRecent(known.at, clock.now(), rosterCacheMs))
      return { kind: 'member', member: known.member }
    this.#cache.delete(key)
    // Getting the bot's own token is part of the time that a click has.
    const patienceMs = elapsedMs(clock.now(), deadline)
    const sent = await within(clock, patienceMs, client.member(place, memberId, patienceMs), tooLate)
    if (sent.kind === 'missing') return { kind: 'absent' }
    if (sent.kind !== 'ok') return { kind: 'unknown' }
    if (this.#cache.size >= 1_000) this.#cache.clear()
    this.#cache.set(key, { member: sent.value, at: clock.now() })
    return { kind: 'member', member: sent.value }
  }

  #isHome(tenantId: string): boolean {
    return tenantId.toLowerCase() === this.parts.homeTenantId.toLowerCase()
  }
}

/** Neither a conversation's id nor a member's holds a blank. */
const seenInOf = (conversation: string, member: string): string => `${conversation} ${member}`

function placeSeen(seenIn: string): { conversation: string; member: string } {
  const [conversation = '', member = ''] = seenIn.split(' ')
  return { conversation, member }
}

import { type Clock, elapsedMs, type Instant, secondMs, within } from '../src/clock.js'
import type { Actor } from '../src/incident/commands.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Person } from '../src/incident/incident.js'
import type { RoleMap } from '../src/people/role-map.js'
import type { Standing } from '../src/work/removal.js'
import type { ConnectorClient, Member } from './connector-client.js'
import { type Incoming, rootOf, tenantsOf } from './incoming.js'

/** Who speaks, as far as the authenticated activity and the chat's roster tell. */
export type Identity =
  | { kind: 'stranger'; why: 'foreignTenant' | 'guest' | 'noObjectId' | 'notMember'; person: Person }
  | { kind: 'member'; person: Person; upn?: string | undefined; verified: boolean; seenIn: string }

/** Roster and, later, Graph together: a click has to be answered within two seconds. */
const rosterTimeoutMs = 1_500
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
      roleMap: RoleMap
      homeTenantId: string
      clock: Clock
      conversation: (id: string) => Promise<Conversation | undefined>
    },
  ) {}

  /** @param fresh asks the roster even if the answer is known from less than a minute ago */
  async of(incoming: Incoming, fresh: boolean): Promise<Identity> {
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
    const look = await this.#look(place, from.id, fresh)
    if (look.kind === 'absent') return { kind: 'stranger', why: 'notMember', person }
    if (look.kind === 'unknown') return { kind: 'member', person, verified: false, seenIn }
    const { member } = look
    const verdict = this.#judge(member, person.id)
    if (verdict !== 'member') return { kind: 'stranger', why: verdict, person }
    const { userPrincipalName: upn, name } = member
    return { kind: 'member', person: { ...person, name: name || person.name }, upn, verified: true, seenIn }
  }

  /** The actor that a member is towards one watched tenant. */
  async actor(identity: Extract<Identity, { kind: 'member' }>, tenant: string): Promise<Actor> {
    const { person, upn, verified, seenIn } = identity
    const { role, roleMapHash } = await this.parts.roleMap.roleOf({ id: person.id, upn }, tenant)
    return { person, upn, role, verified, seenIn, roleMapHash }
  }

  /** Asks about a voter again, without any cache: still a member of the home tenant, still an approver? */
  async standing(voter: Person, seenIn: string, tenant: string): Promise<Standing> {
    const { conversation, member } = placeSeen(seenIn)
    const place = await this.parts.conversation(conversation)
    if (!place) return 'unknown'
    const look = await this.#look(place, member, true)
    if (look.kind === 'unknown') return 'unknown'
    if (look.kind === 'absent' || this.#judge(look.member, voter.id) !== 'member') return 'lost'
    const { role } = await this.parts.roleMap.roleOf(
      { id: voter.id, upn: look.member.userPrincipalName },
      tenant,
    )
    return role === 'approver' ? 'approver' : 'lost'
  }

  /** Only a roster that says so makes somebody a member: what it leaves out counts against them. */
  #judge(member: Member, objectId: string): 'member' | 'guest' | 'foreignTenant' | 'noObjectId' {
    if ((member.aadObjectId ?? member.objectId)?.toLowerCase() !== objectId) return 'noObjectId'
    if (!member.tenantId || !this.#isHome(member.tenantId)) return 'foreignTenant'
    const isGuest = member.userRole === 'guest' || member.userRole === 'anonymous'
    return isGuest || /#ext#/i.test(member.userPrincipalName ?? '') ? 'guest' : 'member'
  }

  async #look(place: { serviceUrl: string; id: string }, memberId: string, fresh: boolean): Promise<Look> {
    const { client, clock } = this.parts
    const key = seenInOf(place.id, memberId)
    const known = this.#cache.get(key)
    if (!fresh && known && elapsedMs(known.at, clock.now()) < rosterCacheMs)
      return { kind: 'member', member: known.member }
    this.#cache.delete(key)
    // Getting the bot's own token is part of the time that a click has.
    const sent = await within(
      clock,
      rosterTimeoutMs,
      client.member(place, memberId, rosterTimeoutMs),
      tooLate,
    )
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

import { type Clock, type Instant, isRecent, secondMs } from '../clock.js'
import { type Role, roleCovers } from '../incident/commands.js'
import { directoryRoleName } from './directory-roles.js'
import type { Grant, RoleMap, RoleMapReading } from './role-map.js'

/** Somebody as far as roles go: the UPN is the roster's, for that very object id, or unknown. */
export interface Subject {
  id: string
  upn?: string | undefined
}

export interface HeldRole {
  role?: Role | undefined
  /** The entry of the map that gives it. */
  source?: string | undefined
  roleMapHash: string
  /** Why Entra could not be asked about entries that may give a higher role; unset if nothing is left open. */
  unasked?: string | undefined
  /** Where something is left open: when Entra last said that an entry which makes approvers holds the person. */
  approverSeenAt?: Instant | undefined
}

/** Why the directory gave no answer; `message` says what happened and, where somebody has to act, what to do. */
export interface DirectoryFailure {
  ok: false
  code: 'permission' | 'credentials' | 'throttled' | 'timeout' | 'unreachable' | 'serverError' | 'unreadable'
  message: string
}

/** What Entra, the directory of the home tenant, is asked about people. Never rejects. */
export interface Directory {
  /**
   * In which of these somebody is, directly or through other groups; of nobody known it is none.
   * @param objectId the person's Entra object id
   * @param ids object ids of groups and template ids of directory roles
   * @param deadline when an answer is of no use any more
   */
  memberOf(
    objectId: string,
    ids: readonly string[],
    deadline: Instant,
  ): Promise<{ ok: true; ids: string[] } | DirectoryFailure>
  /** The object id of whom a user principal name belongs to; undefined if it is nobody's. Ten seconds at most. */
  userId(upn: string): Promise<{ ok: true; id: string | undefined } | DirectoryFailure>
}

/** A "yes" of Entra counts for so long, where an act does not have to rest on a fresh one. */
const yesCountsMs = 60 * secondMs
const mostRemembered = 10_000

/**
 * Who holds which role: what the role map says, and what Entra says of the groups and directory roles in it. A
 * "no" is never remembered, so that a role counts from the click after it was activated.
 */
export class Roles {
  /** When Entra last said "yes", and has not said "no" since: by person, then by group or directory role. */
  readonly #seen = new Map<string, Map<string, Instant>>()

  constructor(private readonly parts: { roleMap: RoleMap; directory: Directory; clock: Clock }) {}

  /**
   * The roles of somebody, for one request: whatever has to be asked for it is asked once.
   * @param terms.fresh whether an answer of Entra from less than a minute ago is not good enough
   * @param terms.deadline when no answer of Entra is waited for any longer
   */
  of(subject: Subject, terms: { fresh: boolean; deadline: Instant }): PersonRoles {
    return new PersonRoles({ ...this.parts, ...terms, subject, seen: this.#seenOf(subject.id) })
  }

  #seenOf(person: string): Map<string, Instant> {
    const seen = this.#seen.get(person) ?? new Map<string, Instant>()
    // Put last: whoever has not been here for longest is forgotten first.
    this.#seen.delete(person)
    this.#seen.set(person, seen)
    const [longestAgo] = this.#seen.keys()
    if (this.#seen.size > mostRemembered && longestAgo !== undefined) this.#seen.delete(longestAgo)
    return seen
  }
}

/** What one person may do, as one request sees it. Its questions are put one after the other. */
export class PersonRoles {
  #reading: RoleMapReading | undefined
  readonly #isIn = new Map<string, boolean>()

  constructor(
    private readonly parts: {
      subject: Subject
      roleMap: RoleMap
      directory: Directory
      clock: Clock
      fresh: boolean
      deadline: Instant
      seen: Map<string, Instant>
    },
  ) {}

  /**
   * The highest role for a watched tenant. One above `needed` may go unnoticed, because Entra is not asked any
   * further once what is needed is held.
   */
  async roleIn(tenant: string, needed: Role = 'approver'): Promise<HeldRole> {
    const map = await this.#map()
    const failed = await this.#ask(this.#leftOpen(map.grants(tenant), needed))
    return this.#held(map, tenant, needed, failed)
  }

  /** The same for several tenants, with one question to Entra for all of them. */
  async rolesIn(tenants: readonly string[], needed: Role = 'approver'): Promise<HeldRole[]> {
    const map = await this.#map()
    const failed = await this.#ask(tenants.flatMap((tenant) => this.#leftOpen(map.grants(tenant), needed)))
    return tenants.map((tenant) => this.#held(map, tenant, needed, failed))
  }

  #held(map: RoleMapReading, tenant: string, needed: Role, failed: string | undefined): HeldRole {
    const grants = map.grants(tenant)
    const held = { ...this.#highest(grants), roleMapHash: map.hash }
    if (failed === undefined || this.#leftOpen(grants, needed).length === 0) return held
    return { ...held, unasked: failed, approverSeenAt: this.#approverSeenAt(grants) }
  }

  async #map(): Promise<RoleMapReading> {
    this.#reading ??= await this.parts.roleMap.current()
    return this.#reading
  }

  #highest(grants: Grant[]): Pick<HeldRole, 'role' | 'source'> {
    for (const { role, listedAs, entries } of grants) {
      const entry = this.#userEntry(entries.users) ?? this.#groupEntry(entries)
      if (entry !== undefined) return { role, source: `role map, ${listedAs}: ${entry}` }
    }
    return {}
  }

  #userEntry(users: string[]): string | undefined {
    const { id, upn } = this.parts.subject
    const names = [id, upn].map((name) => name?.toLowerCase())
    return users.find((listed) => names.includes(listed))
  }

  #groupEntry({ groups, directoryRoles }: Grant['entries']): string | undefined {
    const group = groups.find((id) => this.#holds(id))
    if (group !== undefined) return `group ${group}`
    const role = directoryRoles.find((id) => this.#holds(id))
    return role === undefined ? undefined : `directory role ${directoryRoleName(role)}`
  }

  /** Whether the person is known to be in a group or directory role; undefined if Entra has to be asked. */
  #holds(id: string): boolean | undefined {
    const { fresh, seen, clock } = this.parts
    const seenAt = seen.get(id)
    if (!this.#isIn.has(id) && !fresh && seenAt && isRecent(seenAt, clock.now(), yesCountsMs))
      this.#isIn.set(id, true)
    return this.#isIn.get(id)
  }

  /** What Entra would have to be asked about, because it could give a role that is needed and not held yet. */
  #leftOpen(grants: Grant[], needed: Role): string[] {
    const { role: held } = this.#highest(grants)
    if (roleCovers(held, needed)) return []
    return grants
      .filter(({ role }) => !roleCovers(held, role))
      .flatMap(({ entries }) => idsOf(entries))
      .filter((id) => this.#holds(id) === undefined)
  }

  /** @returns why there is no answer, if there is none */
  async #ask(of: string[]): Promise<string | undefined> {
    const ids = [...new Set(of)]
    if (ids.length === 0) return undefined
    const { directory, subject, deadline, clock, seen } = this.parts
    const at = clock.now()
    const answer = await directory.memberOf(subject.id, ids, deadline)
    if (!answer.ok) return answer.message
    for (const id of ids) {
      const isIn = answer.ids.includes(id)
      this.#isIn.set(id, isIn)
      if (isIn) seen.set(id, at)
      else seen.delete(id)
    }
    return undefined
  }

  /** Only by entries that make approvers now: those that an edit took out of the map count no more. */
  #approverSeenAt(grants: Grant[]): Instant | undefined {
    return grants
      .filter(({ role }) => role === 'approver')
      .flatMap(({ entries }) => idsOf(entries).map((id) => this.parts.seen.get(id)))
      .filter((at) => at !== undefined)
      .sort()
      .at(-1)
  }
}

const idsOf = ({ groups, directoryRoles }: Grant['entries']): string[] => [...groups, ...directoryRoles]

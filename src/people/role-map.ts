import { z } from 'zod'
import { type Clock, elapsedMs, minuteMs } from '../clock.js'
import { type Role, roles } from '../incident/commands.js'
import { type Reading, WatchedFile } from '../watched-file.js'

const guid = z.guid()
const upn = /^[^\s@]+@[^\s@]+$/

const user = z
  .string()
  .trim()
  .toLowerCase()
  .refine(
    (entry) => guid.safeParse(entry).success || upn.test(entry),
    'must be an Entra object id or a user principal name',
  )

const members = z.strictObject({ users: z.array(user).default([]) })
const rolesSchema = z
  .strictObject({ approver: members.optional(), responder: members.optional(), viewer: members.optional() })
  .default({})

/** The role map file (`ROLE_MAP_FILE`). Every key may be left out; an unknown one is an error. */
export const roleMapSchema = z.strictObject({
  roles: rolesSchema,
  /** Replaces `roles` for one watched tenant. */
  tenants: z.record(z.string(), z.strictObject({ roles: rolesSchema })).default({}),
})
export type RoleMapFile = z.infer<typeof roleMapSchema>

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
}

/** A broken edit leaves the last good map in force for this long; after it nobody may approve. */
const brokenMapLifeMs = 15 * minuteMs

/** Who may do what, as the role map file says now. Missing, empty or unreadable means nobody. */
export class RoleMap {
  private constructor(
    private readonly file: WatchedFile<typeof roleMapSchema>,
    private readonly clock: Clock,
  ) {}

  /** @throws Fault `fileUnusable` if the file exists and is broken, or others may write to it */
  static async open(options: {
    path: string
    clock: Clock
    onChange: (reading: Reading<RoleMapFile>, was: string) => Promise<void>
  }): Promise<RoleMap> {
    const file = await WatchedFile.open({
      ...options,
      what: 'role map',
      setting: 'ROLE_MAP_FILE',
      schema: roleMapSchema,
      guarded: true,
    })
    return new RoleMap(file, options.clock)
  }

  /** The highest role that somebody holds for a watched tenant. */
  async roleOf(subject: Subject, tenant: string): Promise<HeldRole> {
    const reading = await this.file.current()
    const { roles: byRole } = ownTenant(reading.value, tenant) ?? reading.value
    const names = [subject.id, subject.upn].map((name) => name?.toLowerCase())
    for (const listedAs of [...roles].reverse()) {
      const entry = byRole[listedAs]?.users.find((listed) => names.includes(listed))
      if (!entry) continue
      const role = listedAs === 'approver' && this.#tooLongBroken(reading) ? 'responder' : listedAs
      return { role, source: `role map, ${listedAs}: ${entry}`, roleMapHash: reading.hash }
    }
    return { roleMapHash: reading.hash }
  }

  /** The entries named as responders (or approvers, if there are none) of a tenant, for mentioning them. */
  async responders(tenant: string): Promise<string[]> {
    const reading = await this.file.current()
    const { roles: byRole } = ownTenant(reading.value, tenant) ?? reading.value
    return byRole.responder?.users.length ? byRole.responder.users : (byRole.approver?.users ?? [])
  }

  /** The hash of the map that is in force, and how many users it names as approvers, in whichever tenant. */
  async inForce(): Promise<{ hash: string; approvers: number }> {
    const { hash, value } = await this.file.current()
    const maps = [value, ...Object.values(value.tenants)]
    return { hash, approvers: new Set(maps.flatMap((map) => map.roles.approver?.users ?? [])).size }
  }

  /** Constant word for what is wrong with the file, if anything is. */
  async problem(): Promise<'roleMapBroken' | 'nobodyMayApprove' | undefined> {
    const { broken, value } = await this.file.current()
    if (broken) return 'roleMapBroken'
    const maps = [value, ...Object.values(value.tenants)]
    return maps.some((map) => map.roles.approver?.users.length) ? undefined : 'nobodyMayApprove'
  }

  #tooLongBroken({ broken }: Reading<RoleMapFile>): boolean {
    return broken !== undefined && elapsedMs(broken.since, this.clock.now()) >= brokenMapLifeMs
  }
}

const ownTenant = ({ tenants }: RoleMapFile, tenant: string) =>
  Object.hasOwn(tenants, tenant) ? tenants[tenant] : undefined

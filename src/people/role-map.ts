import { z } from 'zod'
import { type Clock, elapsedMs, minuteMs } from '../clock.js'
import { type Role, roles } from '../incident/commands.js'
import { type Reading, WatchedFile } from '../watched-file.js'
import { directoryRoleNames, templateIdOf } from './directory-roles.js'

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

const group = z
  .string()
  .trim()
  .toLowerCase()
  .refine((entry) => guid.safeParse(entry).success, 'must be the object id of an Entra group')

/** Kept as the role's template id, whichever way it was written. */
const directoryRole = z
  .string()
  .trim()
  .transform((entry, context) => {
    const id = templateIdOf(entry) ?? guid.safeParse(entry.toLowerCase()).data
    if (id) return id
    context.issues.push({
      code: 'custom',
      message: `must be one of ${directoryRoleNames.join(', ')}, or the template id of another directory role`,
      input: entry,
    })
    return z.NEVER
  })

const entries = z.strictObject({
  users: z.array(user).default([]),
  groups: z.array(group).default([]),
  directoryRoles: z.array(directoryRole).default([]),
})
/** Who has a role: people by object id or UPN, groups by object id, directory roles by template id; lower case. */
export type Entries = z.infer<typeof entries>

const rolesSchema = z
  .strictObject({ approver: entries.optional(), responder: entries.optional(), viewer: entries.optional() })
  .default({})

/** The role map file (`ROLE_MAP_FILE`). Every key may be left out; an unknown one is an error. */
export const roleMapSchema = z.strictObject({
  roles: rolesSchema,
  /** Replaces `roles` for one watched tenant. */
  tenants: z.record(z.string(), z.strictObject({ roles: rolesSchema })).default({}),
})
export type RoleMapFile = z.infer<typeof roleMapSchema>

/** A role and whom it is given to; `listedAs` is where the file says so. */
export interface Grant {
  role: Role
  listedAs: Role
  entries: Entries
}

/** What the file says at one moment, of every watched tenant. */
export interface RoleMapReading {
  hash: string
  /** From the highest role to the lowest. */
  grants(tenant: string): Grant[]
}

/** A broken edit leaves the last good map in force for this long; after it nobody may approve. */
const brokenMapLifeMs = 15 * minuteMs

const nobody: Entries = { users: [], groups: [], directoryRoles: [] }

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

  /** What the file says now, to answer one request with, however many tenants that is about. */
  async current(): Promise<RoleMapReading> {
    const reading = await this.file.current()
    const mayApprove = !this.#tooLongBroken(reading)
    return {
      hash: reading.hash,
      grants: (tenant) =>
        [...roles].reverse().map((listedAs) => ({
          role: listedAs === 'approver' && !mayApprove ? 'responder' : listedAs,
          listedAs,
          entries: rolesOf(reading.value, tenant)[listedAs] ?? nobody,
        })),
    }
  }

  /** The users named as responders (or approvers, if there are none) of a tenant, for mentioning them. */
  async responders(tenant: string): Promise<string[]> {
    const { approver, responder } = rolesOf((await this.file.current()).value, tenant)
    return responder?.users.length ? responder.users : (approver?.users ?? [])
  }

  /** Whom the file names as approvers of a tenant; how many people that is, only Entra knows. */
  async approverEntries(tenant: string): Promise<Entries> {
    return rolesOf((await this.file.current()).value, tenant).approver ?? nobody
  }

  /** The hash of the map that is in force, and how much it names as approvers, in whichever tenant. */
  async inForce(): Promise<{ hash: string; approvers: { users: number; groupsAndRoles: number } }> {
    const { hash, value } = await this.file.current()
    const entries = [value, ...Object.values(value.tenants)].map((map) => map.roles.approver ?? nobody)
    const distinct = (ids: string[]): number => new Set(ids).size
    return {
      hash,
      approvers: {
        users: distinct(entries.flatMap(({ users }) => users)),
        groupsAndRoles: distinct(
          entries.flatMap(({ groups, directoryRoles }) => [...groups, ...directoryRoles]),
        ),
      },
    }
  }

  /** Constant word for what is wrong with the file, if anything is. */
  async problem(): Promise<'roleMapBroken' | 'nobodyMayApprove' | undefined> {
    const { broken, value } = await this.file.current()
    if (broken) return 'roleMapBroken'
    const maps = [value, ...Object.values(value.tenants)]
    const namesAnybody = ({ users, groups, directoryRoles }: Entries) =>
      users.length + groups.length + directoryRoles.length > 0
    return maps.some((map) => namesAnybody(map.roles.approver ?? nobody)) ? undefined : 'nobodyMayApprove'
  }

  #tooLongBroken({ broken }: Reading<RoleMapFile>): boolean {
    return broken !== undefined && elapsedMs(broken.since, this.clock.now()) >= brokenMapLifeMs
  }
}

const rolesOf = (file: RoleMapFile, tenant: string): RoleMapFile['roles'] =>
  (Object.hasOwn(file.tenants, tenant) ? file.tenants[tenant] : file)?.roles ?? {}

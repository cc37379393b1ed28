import { z } from 'zod'
import { type Clock, elapsedMs, minuteMs } from '../clock.js'
import type { ApproversNamed } from '../health/findings.js'
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

/** Beyond this, a list of names helps nobody. */
const mostNamed = 20

/**
 * The same where these tenants are watched: what is said for one of them is found whatever the case of its name, and
 * what is said for any other is a mistake. A map that counts for nothing would leave the tenant to the general one.
 */
export const roleMapFor = (watched: string[]): z.ZodType<RoleMapFile> =>
  roleMapSchema.transform((file, context) => {
    const tenants: RoleMapFile['tenants'] = {}
    for (const [key, map] of Object.entries(file.tenants)) {
      const name = watched.find((one) => one.toLowerCase() === key.trim().toLowerCase())
      const others = watched.length > mostNamed ? [`${watched.length} others`] : watched
      const problem =
        name === undefined
          ? `is the name of no watched tenant; watched: ${others.join(', ')}`
          : Object.hasOwn(tenants, name)
            ? 'stands there twice, in different case'
            : undefined
      if (problem)
        context.issues.push({ code: 'custom', path: ['tenants', key], message: problem, input: key })
      else if (name !== undefined) tenants[name] = map
    }
    return { ...file, tenants }
  })

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

/** What is wrong with the file; `nobodyMayApprove` for each tenant of which that is true. */
export type RoleMapProblem = { cause: 'roleMapBroken' } | { cause: 'nobodyMayApprove'; tenant: string }

/** A broken edit leaves the last good map in force for this long; after it nobody may approve. */
const brokenMapLifeMs = 15 * minuteMs

const nobody: Entries = { users: [], groups: [], directoryRoles: [] }

/** Who may do what, as the role map file says now. Missing, empty or unreadable means nobody. */
export class RoleMap {
  private constructor(
    private readonly file: WatchedFile<z.ZodType<RoleMapFile>>,
    private readonly watched: string[],
    private readonly clock: Clock,
  ) {}

  /**
   * @param options.watched names of the watched tenants: the file may say something for these only
   * @throws Fault `fileUnusable` if the file exists and is broken, or others may write to it
   */
  static async open({
    watched,
    ...options
  }: {
    path: string
    watched: string[]
    clock: Clock
    onChange: (reading: Reading<RoleMapFile>, was: string) => Promise<void>
  }): Promise<RoleMap> {
    const file = await WatchedFile.open({
      ...options,
      what: 'role map',
      setting: 'ROLE_MAP_FILE',
      schema: roleMapFor(watched),
      guarded: true,
    })
    return new RoleMap(file, watched, options.clock)
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

  /** The hash of the map that is in force, and how much it names as approvers of each watched tenant. */
  async inForce(): Promise<{ hash: string; approvers: ReadonlyMap<string, ApproversNamed> }> {
    const { hash, value } = await this.file.current()
    return { hash, approvers: new Map(this.watched.map((tenant) => [tenant, approversNamed(value, tenant)])) }
  }

  /** What is wrong with the file, if anything is. A map that is broken does not tell whom it would name. */
  async problems(): Promise<RoleMapProblem[]> {
    const { broken, value } = await this.file.current()
    if (broken) return [{ cause: 'roleMapBroken' }]
    return this.watched.flatMap((tenant) => {
      const { users, groupsAndRoles } = approversNamed(value, tenant)
      return users + groupsAndRoles > 0 ? [] : [{ cause: 'nobodyMayApprove', tenant }]
    })
  }

  #tooLongBroken({ broken }: Reading<RoleMapFile>): boolean {
    return broken !== undefined && elapsedMs(broken.since, this.clock.now()) >= brokenMapLifeMs
  }
}

const rolesOf = (file: RoleMapFile, tenant: string): RoleMapFile['roles'] =>
  (Object.hasOwn(file.tenants, tenant) ? file.tenants[tenant] : file)?.roles ?? {}

function approversNamed(file: RoleMapFile, tenant: string): ApproversNamed {
  const { users, groups, directoryRoles } = rolesOf(file, tenant).approver ?? nobody
  const distinct = (ids: string[]): number => new Set(ids).size
  return { users: distinct(users), groupsAndRoles: distinct([...groups, ...directoryRoles]) }
}

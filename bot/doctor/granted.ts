import { z } from 'zod'
import { parseJson } from '../../src/http-reply.js'
import { directoryRoleName, templateIdOf } from '../../src/people/directory-roles.js'

/** What an access token says that its app may do. */
export interface Granted {
  /** Application permissions, such as `Exchange.ManageAsApp`. */
  permissions: string[]
  /** Directory roles by name, of those that are known by name here; undefined if the token names none, not even no. */
  directoryRoles: string[] | undefined
}

const claimsSchema = z.object({
  roles: z.array(z.string()).default([]),
  wids: z.array(z.string()).optional(),
})

/**
 * Reads what a token grants, without checking who signed it: nothing is decided by it, it is only told. undefined if
 * the token cannot be read.
 */
export function grantedBy(token: string): Granted | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  const claims = claimsSchema.safeParse(parseJson(payload))
  if (!claims.success) return undefined
  const { roles, wids } = claims.data
  return { permissions: roles, directoryRoles: wids?.map(nameOf).filter((name) => name !== undefined) }
}

/** Tokens of apps carry an id as well that stands for no role at all. */
function nameOf(id: string): string | undefined {
  const name = directoryRoleName(id.toLowerCase())
  return templateIdOf(name) ? name : undefined
}

/** Any of these lets an app list what is restricted, by Microsoft's page on restricted connectors. */
export const readingRoles = [
  'Security Reader',
  'Global Reader',
  'Security Administrator',
  'Exchange Administrator',
  'Global Administrator',
]
/** Any of these lets an app unblock, though Microsoft's pages contradict each other on the first. */
export const unblockingRoles = ['Security Administrator', 'Exchange Administrator', 'Global Administrator']

/** Roles that are more than an app needs. */
export const surplusRoles = (granted: string[], { unblocks }: { unblocks: boolean }): string[] =>
  granted.filter((role) => (unblocks ? ['Global Administrator'] : unblockingRoles).includes(role))

/** Permissions for Graph that can change something, read mail or act for people: the bot needs none of them. */
export const surplusGraphPermissions = (granted: string[]): string[] =>
  granted.filter((name) =>
    /\.(ReadWrite|FullControl|Manage|Send)(\.|$)|^(Mail|Files|Sites|Chat)\./.test(name),
  )

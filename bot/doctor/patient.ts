import type { Rules } from '../../src/incident/rules.js'
import type { RoleMapFile } from '../../src/people/role-map.js'
import type { Directory } from '../../src/people/roles.js'
import type { Settings, WatchedTenantSettings } from '../../src/settings.js'
import type { ConnectorClient } from '../connector-client.js'
import { watchedNames } from '../tenants.js'
import type { WayParts } from '../ways-out.js'

/** What the doctor looks at, and what it looks with. */
export interface Patient extends WayParts {
  settings: Settings
  client: ConnectorClient
  directory: Directory
  /** Certificates to trust for `ENTRA_URL` instead of the usual ones (PEM). */
  entraCa?: string | undefined
  /** Whether to post a test card to every conversation that watches. */
  testCard: boolean
  /** Is told what is being waited for. */
  progress: (what: string) => void
}

/** What the files say about who may do what; undefined where one cannot be used. */
export interface Laws {
  roleMap?: RoleMapFile | undefined
  rules?: Rules | undefined
}

/** The watched tenants; none where Exchange is simulated. */
export const tenantsOf = ({ exchange }: Settings): WatchedTenantSettings[] =>
  exchange.kind === 'admin-api' ? exchange.tenants : []

export const tenantNames = (settings: Settings): string[] => watchedNames(settings)

const mostAtOnce = 4

/**
 * Does something for each of several, four at a time, and collects what comes of it in their order.
 * @param done is told how many are done
 */
export async function each<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result[]>,
  done: (count: number) => void = () => undefined,
): Promise<Result[]> {
  const results = new Map<Item, Result[]>()
  const waiting = [...items]
  const workOff = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      results.set(item, await work(item))
      done(results.size)
    }
  }
  await Promise.all(Array.from({ length: mostAtOnce }, workOff))
  return items.flatMap((item) => results.get(item) ?? [])
}

/** Whether the role map gives roles by groups or directory roles, for which Graph has to be asked. */
export const needsGraph = ({ roleMap }: Laws): boolean => directoryIds(roleMap).length > 0

const entriesOf = (roleMap: RoleMapFile | undefined) =>
  (roleMap ? [roleMap, ...Object.values(roleMap.tenants)] : []).flatMap(({ roles }) =>
    [roles.approver, roles.responder, roles.viewer].filter((entries) => entries !== undefined),
  )

/** The groups and directory roles that the role map names anywhere. */
export const directoryIds = (roleMap: RoleMapFile | undefined): string[] => [
  ...new Set(entriesOf(roleMap).flatMap(({ groups, directoryRoles }) => [...groups, ...directoryRoles])),
]

/** The people whom it names anywhere, by object id or user principal name. */
export const peopleNamed = (roleMap: RoleMapFile | undefined): string[] => [
  ...new Set(entriesOf(roleMap).flatMap(({ users }) => users)),
]

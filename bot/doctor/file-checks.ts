import { type Rules, rulesSchema } from '../../src/incident/rules.js'
import { type Entries, type RoleMapFile, roleMapFor } from '../../src/people/role-map.js'
import { type Reading, WatchedFile } from '../../src/watched-file.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { type Laws, type Patient, peopleNamed, tenantNames } from './patient.js'
import { few } from './words.js'

/** Looks at the role map and the rules, and hands on what they say. */
export async function fileChecks(patient: Patient): Promise<{ checks: Check[]; laws: Laws }> {
  const laws: Laws = {}
  const { clock } = patient
  const read = [
    ...(await attempt('files.roleMap', clock, async () => {
      const { value, hash } = await roleMapIn(patient)
      if (hash !== absent) laws.roleMap = value
      return roleMapCheck(patient, hash)
    })),
    ...(await attempt('files.rules', clock, async () => {
      const { value, hash } = await rulesIn(patient)
      laws.rules = value
      return rulesCheck(patient, value, hash)
    })),
  ]
  return {
    checks: [...read, ...(laws.roleMap ? roleMapChecks(patient, laws.roleMap, laws.rules) : [])],
    laws,
  }
}

/** The hash of a file that is not there. */
const absent = 'absent'

/** A file that is looked at once; nothing is told of its changes. */
const onChange = async (): Promise<void> => undefined

async function roleMapIn({ settings, clock }: Patient): Promise<Reading<RoleMapFile>> {
  const path = settings.roleMapFile
  const named = { path, what: 'role map', setting: 'ROLE_MAP_FILE' }
  const schema = roleMapFor(tenantNames(settings))
  const file = await WatchedFile.open({ ...named, schema, guarded: true, clock, onChange })
  return file.current()
}

async function rulesIn({ settings, clock }: Patient): Promise<Reading<Rules>> {
  const path = settings.rulesFile
  const named = { path, what: 'rules file', setting: 'RULES_FILE' }
  const file = await WatchedFile.open({ ...named, schema: rulesSchema, guarded: true, clock, onChange })
  return file.current()
}

function roleMapCheck({ settings }: Patient, hash: string): Check {
  const path = settings.roleMapFile
  if (hash !== absent) return ok('files.roleMap', `${path} can be read, and only its owner can change it.`)
  return fail('files.roleMap', {
    found: `There is no ${path}: nobody may do anything.`,
    fix: `cp config/roles.example.json ${path} && chmod 600 ${path}, and put your people in: docs/setup.md, section 8`,
  })
}

function rulesCheck({ settings }: Patient, rules: Rules, hash: string): Check {
  const { required, requiredAfterReRestriction } = rules.approvals
  const quorum = `${required} to approve, ${requiredAfterReRestriction} after a connector was restricted again`
  const path = settings.rulesFile
  return ok(
    'files.rules',
    hash === absent
      ? `There is no ${path}, so the usual ones are in force: ${quorum}.`
      : `${path} can be read, and only its owner can change it: ${quorum}.`,
  )
}

function roleMapChecks(patient: Patient, roleMap: RoleMapFile, rules: Rules | undefined): Check[] {
  const { settings } = patient
  return [
    ...tenantKeys(roleMap),
    upns(roleMap, settings.roleMapFile),
    ...tenantNames(settings).map((tenant) =>
      approvers(tenant, { roleMap, rules, path: settings.roleMapFile }),
    ),
  ]
}

/** What is said for a tenant that is not watched makes the whole file unusable. */
function tenantKeys({ tenants }: RoleMapFile): Check[] {
  const { length } = Object.keys(tenants)
  return length === 0 ? [] : [ok('files.tenantKeys', `${length}, each for a watched tenant.`)]
}

function upns(roleMap: RoleMapFile, path: string): Check {
  const named = peopleNamed(roleMap)
  const byName = named.filter((entry) => entry.includes('@'))
  if (byName.length === 0) return ok('files.upns', `${named.length} named, all of them by object id.`)
  return warn('files.upns', {
    found: `Named by user principal name, which may be given to somebody else one day: ${few(byName)}.`,
    fix: `az ad user show --id '${byName[0]}' --query id -o tsv, and put that id in its place in ${path}`,
  })
}

const nobody: Entries = { users: [], groups: [], directoryRoles: [] }

function approvers(
  tenant: string,
  { roleMap, rules, path }: { roleMap: RoleMapFile; rules: Rules | undefined; path: string },
): Check {
  const id = 'files.approvers'
  const map = Object.hasOwn(roleMap.tenants, tenant) ? roleMap.tenants[tenant] : roleMap
  const { users, groups, directoryRoles } = map?.roles.approver ?? nobody
  const named = new Set(users).size
  const byDirectory = groups.length + directoryRoles.length
  const { required, requiredAfterReRestriction } = rules?.approvals ?? rulesSchema.parse({}).approvals
  const fix = `Name more people under "approver" in ${path}: docs/setup.md, section 8`
  if (named + byDirectory === 0)
    return fail(
      id,
      { found: 'Nobody may approve: no connector can be unblocked from the chat.', fix },
      tenant,
    )
  const most = Math.max(required, requiredAfterReRestriction)
  if (named >= most) return ok(id, `${named} named, ${most} needed at most.`, tenant)
  if (byDirectory > 0)
    return ok(
      id,
      `${named} named, ${most} needed at most; whoever is in ${byDirectory} groups or directory roles comes on top, and is not counted here.`,
      tenant,
    )
  if (named < required)
    return fail(
      id,
      { found: `${named} named, and ${required} have to approve: nothing can ever be unblocked.`, fix },
      tenant,
    )
  return warn(
    id,
    {
      found: `${named} named, and ${requiredAfterReRestriction} have to approve where a connector was restricted again: that one can never be unblocked.`,
      fix,
    },
    tenant,
  )
}

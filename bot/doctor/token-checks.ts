import type { AppCredential, TokenAnswer } from '../../src/credentials.js'
import type { WatchedTenantSettings } from '../../src/settings.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { grantedBy, readingRoles, surplusRoles, unblockingRoles } from './granted.js'
import { each, type Laws, needsGraph, type Patient, tenantsOf } from './patient.js'
import type { CheckId } from './titles.js'
import {
  type AppSettings,
  appOf,
  botSettings,
  consentFix,
  exchangeSettings,
  roleFix,
  tokenFix,
  unblockSettings,
} from './token-fixes.js'

/** Whether each service gives the apps a token, and what the tokens grant. No token is ever shown. */
export async function tokenChecks(patient: Patient, laws: Laws): Promise<Check[]> {
  const { clock, settings, progress } = patient
  const tenants = tenantsOf(settings)
  const told = (count: number) => progress(`tokens, ${count} of ${tenants.length} tenants`)
  const areas = await Promise.all([
    attempt('tokens.bot', clock, () => botToken(patient)),
    attempt('tokens.graph', clock, () => graphToken(patient, laws)),
    each(tenants, (tenant) => tenantTokens(patient, tenant), told),
  ])
  return areas.flat()
}

async function botToken({ settings, tokensOf }: Patient): Promise<Check> {
  const { credential, scope } = settings.bot
  const answer = await tokensOf(credential).token(scope)
  if (answer.ok) return ok('tokens.bot', `Entra gives one to ${appOf(credential)}.`)
  const fix = tokenFix(answer, credential, botSettings, settings.entraUrl)
  return fail('tokens.bot', { found: answer.message, fix })
}

async function graphToken({ settings, tokensOf }: Patient, laws: Laws): Promise<Check> {
  const id = 'tokens.graph'
  const { credential } = settings.bot
  const answer = await tokensOf(credential).token(`${settings.graphUrl}/.default`)
  if (answer.ok) return ok(id, `Entra gives one to ${appOf(credential)}.`)
  const amiss = { found: answer.message, fix: tokenFix(answer, credential, botSettings, settings.entraUrl) }
  if (needsGraph(laws)) return fail(id, amiss)
  if (laws.rules?.approvals.editorMayApprove)
    return ok(id, 'None, and none is needed: the role map names only people.')
  const why =
    'whoever changed a connector cannot be told among the people here, and might approve its unblock'
  return warn(id, { ...amiss, found: `${amiss.found} Without it ${why}.` })
}

async function tenantTokens(patient: Patient, tenant: WatchedTenantSettings): Promise<Check[]> {
  const { clock } = patient
  const { credential, unblockCredential, name } = tenant
  const make = (id: CheckId, check: () => Promise<Check[]>) => attempt(id, clock, check, name)
  const readsOnly = unblockCredential !== undefined
  const lines = await Promise.all([
    make('tokens.exchange', async () => {
      const answer = await patient.tokensOf(credential).token(tenant.scope)
      return [
        exchangeToken('tokens.exchange', answer, { patient, tenant, credential, settings: exchangeSettings }),
        ...rolesOf(answer, (roles) => readerRoles(roles, tenant, readsOnly)),
        ...(readsOnly ? [] : rolesOf(answer, (roles) => unblockerRoles(roles, tenant, credential))),
      ]
    }),
    unblockCredential
      ? make('tokens.unblock', async () => {
          const answer = await patient.tokensOf(unblockCredential).token(tenant.scope)
          const about = { patient, tenant, credential: unblockCredential, settings: unblockSettings }
          return [
            exchangeToken('tokens.unblock', answer, about),
            ...rolesOf(answer, (roles) => unblockerRoles(roles, tenant, unblockCredential)),
          ]
        })
      : [],
    make('tokens.compliance', async () => [await complianceToken(patient, tenant)]),
  ])
  return lines.flat()
}

interface About {
  patient: Patient
  tenant: WatchedTenantSettings
  credential: AppCredential
  settings: AppSettings
}

const needed = 'Exchange.ManageAsApp'

function exchangeToken(id: CheckId, answer: TokenAnswer, about: About): Check {
  const { patient, tenant, credential, settings } = about
  const { name } = tenant
  if (!answer.ok) {
    const fix = tokenFix(answer, credential, settings, patient.settings.entraUrl)
    return fail(id, { found: answer.message, fix }, name)
  }
  const permissions = grantedBy(answer.token)?.permissions
  if (!permissions) return ok(id, 'Entra gives one; what it grants cannot be read from it.', name)
  const surplus = permissions.filter((permission) => permission !== needed)
  if (!permissions.includes(needed))
    return fail(
      id,
      { found: `Entra gives one, but without the permission ${needed}.`, fix: consentFix(credential) },
      name,
    )
  if (surplus.length === 0) return ok(id, `Entra gives one, with the permission ${needed}.`, name)
  return warn(
    id,
    {
      found: `Entra gives one with more permissions than ${needed}: ${surplus.join(', ')}.`,
      fix: `https://entra.microsoft.com, App registrations, ${appOf(credential)}, API permissions: remove ${surplus.join(', ')}`,
    },
    name,
  )
}

const rolesOf = (answer: TokenAnswer, check: (roles: string[] | undefined) => Check): Check[] => {
  const granted = answer.ok ? grantedBy(answer.token) : undefined
  return granted ? [check(granted.directoryRoles)] : []
}

const tooMuch = (surplus: string[], credential: AppCredential) => ({
  found: `More than needed: ${surplus.join(', ')}.`,
  fix: `https://entra.microsoft.com, Roles & admins, ${surplus[0]}: remove ${appOf(credential)}`,
})

const notTold = 'The token does not say which directory roles it has; whether they are enough shows below.'

function readerRoles(roles: string[] | undefined, tenant: WatchedTenantSettings, readsOnly: boolean): Check {
  const id = 'tokens.exchangeRoles'
  const { name, credential } = tenant
  if (!roles) return ok(id, notTold, name)
  const surplus = surplusRoles(roles, { unblocks: !readsOnly })
  if (surplus.length > 0) return warn(id, tooMuch(surplus, credential), name)
  const enough = roles.filter((role) => readingRoles.includes(role))
  return ok(
    id,
    enough.length > 0
      ? `Enough to read: ${enough.join(', ')}.`
      : 'No directory role that reads Exchange. A role group of Exchange cannot be told from here; whether it reads shows below.',
    name,
  )
}

/** Nobody could try what Security Administrator may do app-only, and nothing tells but a real unblock. */
function unblockerRoles(
  roles: string[] | undefined,
  { name }: WatchedTenantSettings,
  credential: AppCredential,
): Check {
  const id = 'tokens.unblockRoles'
  if (!roles) return ok(id, notTold, name)
  const surplus = surplusRoles(roles, { unblocks: true })
  if (surplus.length > 0) return warn(id, tooMuch(surplus, credential), name)
  const enough = roles.filter((role) => unblockingRoles.includes(role))
  if (enough.includes('Exchange Administrator'))
    return ok(id, `Enough to unblock: ${enough.join(', ')}.`, name)
  if (enough.length > 0)
    return ok(
      id,
      `${enough.join(', ')}: enough by one of Microsoft's pages and not by another. Only a real unblock tells.`,
      name,
    )
  if (roles.length === 0)
    return ok(
      id,
      'No directory role. Whether a role group of Exchange lets it unblock cannot be told here.',
      name,
    )
  return warn(
    id,
    {
      found: `${roles.join(', ')}: not enough to unblock, unless a role group of Exchange lets it, which cannot be told here.`,
      fix: roleFix('Security Administrator', credential),
    },
    name,
  )
}

async function complianceToken(
  { settings, tokensOf }: Patient,
  tenant: WatchedTenantSettings,
): Promise<Check> {
  const id = 'tokens.compliance'
  const { credential, complianceUrl, name } = tenant
  const answer = await tokensOf(credential).token(`${complianceUrl}/.default`)
  if (answer.ok) return ok(id, 'Entra gives one.', name)
  const fix = tokenFix(answer, credential, exchangeSettings, settings.entraUrl)
  return warn(id, { found: `${answer.message} The alert policy stays unknown without it.`, fix }, name)
}

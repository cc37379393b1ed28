import { isIP } from 'node:net'
import { elapsedMs, hourMs, later, secondMs } from '../../src/clock.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Connection } from '../../src/exchange/connection.js'
import type { Exchange, ReadFailure, RestrictedList } from '../../src/exchange/exchange.js'
import type { Command } from '../../src/exchange/invoke-command.js'
import { rolesThatUnblock } from '../../src/exchange/management-roles.js'
import { readProperties } from '../../src/exchange/restriction-row.js'
import type { InboundConnector } from '../../src/incident/evidence.js'
import type { WatchedTenantSettings } from '../../src/settings.js'
import { connectionOf } from '../ways-out.js'
import { attempt, type Check, caught, fail, ok, warn } from './check.js'
import { alertPolicies, failureFix, inWords, policyProblem } from './exchange-fixes.js'
import { each, type Patient, tenantsOf } from './patient.js'
import type { CheckId } from './titles.js'
import { count } from './words.js'

/** Longer than this nothing more is asked of a tenant: others are waiting for their turn. */
const longestMs = 90 * secondMs
/** How far back is looked, only to see whether Exchange answers. */
const shortWhileMs = 24 * hourMs

/** What each watched tenant's Exchange really answers. Nothing is changed by it. */
export async function exchangeChecks(patient: Patient): Promise<Check[]> {
  const { settings, progress } = patient
  if (settings.exchange.kind === 'simulated')
    return [
      warn('exchange.simulated', {
        found: 'EXCHANGE is simulated: nothing real was checked here.',
        fix: 'Set EXCHANGE=admin-api and what belongs to it: docs/setup.md, section 7',
      }),
    ]
  const tenants = tenantsOf(settings)
  const told = (count: number) => progress(`Exchange, ${count} of ${tenants.length} tenants`)
  const look = (tenant: WatchedTenantSettings) =>
    caught('exchange.blocked', () => examine(patient, tenant), tenant.name)
  return each(tenants, look, told)
}

/** One watched tenant, with what is known of it so far. */
interface Examined {
  tenant: WatchedTenantSettings
  exchange: Exchange
  connection: Connection
  stop: AbortSignal
  /** Somebody answered and let us in far enough for other questions to make sense. */
  answers?: true
  list?: RestrictedList
  connectors?: InboundConnector[]
}

type Look = (examined: Examined) => Promise<Check[]>

/** In this order: some build on what earlier ones have read. */
const looks: [CheckId, Look][] = [
  ['exchange.blocked', blocked],
  ['exchange.connectors', inboundConnectors],
  ['exchange.connectorId', sameIds],
  ['exchange.auditLog', auditLog],
  ['exchange.trace', trace],
  ['exchange.auditing', auditing],
  ['exchange.alertPolicy', alertPolicy],
  ['exchange.unblock', unblock],
]

/** One question after the other: the bot may be asking the same tenant, which should not see many at once. */
async function examine(patient: Patient, tenant: WatchedTenantSettings): Promise<Check[]> {
  const { clock } = patient
  const connection = connectionOf(tenant, patient)
  const exchange = createAdminApi(connection)
  const ending = new AbortController()
  const examined: Examined = { tenant, exchange, connection, stop: ending.signal }
  const startedAt = clock.now()
  const checks: Check[] = []
  for (const [id, look] of looks) {
    if (elapsedMs(startedAt, clock.now()) > longestMs) {
      checks.push(fail(id, tookTooLong, tenant.name))
      break
    }
    checks.push(...(await attempt(id, clock, () => look(examined), tenant.name)))
    // Where nobody answers, or nobody is let in, everything else would only say the same.
    if (!examined.answers) break
  }
  exchange.stop()
  ending.abort()
  return checks
}

const tookTooLong = {
  found: 'Not looked at, nor anything after it: the answers before took too long.',
  fix: 'Run the doctor again later',
}

const isLetIn = ({ code }: ReadFailure): boolean =>
  code !== 'credentials' && code !== 'unreachable' && code !== 'timeout'

async function blocked(examined: Examined): Promise<Check[]> {
  const { exchange, tenant } = examined
  const list = await exchange.restricted()
  if (!list.ok) {
    if (isLetIn(list)) examined.answers = true
    return [notRead('exchange.blocked', 'Get-BlockedConnector', list, tenant)]
  }
  examined.answers = true
  examined.list = list
  const { length } = list.rows
  const listed = length === 0 ? 'no connector is restricted now' : `${length} restricted now`
  if (list.complete) return [ok('exchange.blocked', `Answers; ${listed}.`, tenant.name), rows(list, tenant)]
  return [
    warn(
      'exchange.blocked',
      {
        found: `Answers, but not in a way that can be read whole; ${listed}. Nothing counts as unblocked while that is so.`,
        fix: 'Please report the names on the next line to Connector Warden',
      },
      tenant.name,
    ),
    rows(list, tenant),
  ]
}

/** Microsoft documents nothing of these rows but the id. */
function rows({ rows, unreadable }: RestrictedList, { name }: WatchedTenantSettings): Check {
  const id = 'exchange.rows'
  if (unreadable)
    return warn(
      id,
      {
        found: `A row without a valid ConnectorId. Its properties: ${unreadable.join(', ')}.`,
        fix: 'Please report these names to Connector Warden',
      },
      name,
    )
  const [first] = rows
  if (!first) return ok(id, 'Cannot be told yet, because nothing is restricted.', name)
  const sent = [...new Set(rows.flatMap(({ raw = {} }) => Object.keys(raw)))]
  const understood = sent.filter((property) => readProperties.includes(property.toLowerCase()))
  const words = `Properties that came: ${sent.join(', ')}; understood: ${understood.join(', ')}.`
  if (rows.every(({ createdAt, connectorName }) => createdAt && connectorName)) return ok(id, words, name)
  const missing = rows.every(({ createdAt }) => createdAt) ? 'name' : 'time'
  return warn(
    id,
    {
      found: `${words} No ${missing} of it is understood: ${
        missing === 'name'
          ? 'cards show the name of the inbound connector instead.'
          : 'a connector that leaves the list and is back counts as restricted anew.'
      }`,
      fix: 'Works; please report the names of the properties to Connector Warden',
    },
    name,
  )
}

async function inboundConnectors(examined: Examined): Promise<Check[]> {
  const id = 'exchange.connectors'
  const { exchange, tenant } = examined
  const read = await exchange.inboundConnectors()
  if (!read.ok) return [unavailable(id, 'Get-InboundConnector', read, tenant)]
  examined.connectors = read.connectors
  const { length } = read.connectors
  if (read.complete) return [ok(id, `Answers; ${count(length, 'inbound connector')}.`, tenant.name)]
  return [
    warn(
      id,
      {
        found: `Answers, but not in a way that can be read whole; ${count(length, 'inbound connector')} could be read.`,
        fix: 'Run the doctor again; if it stays, please report this line to Connector Warden',
      },
      tenant.name,
    ),
  ]
}

async function sameIds({ list, connectors, tenant }: Examined): Promise<Check[]> {
  const id = 'exchange.connectorId'
  const { name } = tenant
  if (!list || list.rows.length === 0)
    return [ok(id, 'Cannot be told: it shows only while something is restricted.', name)]
  if (!connectors) return [ok(id, 'Cannot be told: the inbound connectors could not be read.', name)]
  const known = new Set(connectors.map((connector) => connector.id))
  const strays = list.rows.filter(({ connectorId }) => !known.has(connectorId))
  if (strays.length === 0) return [ok(id, 'Each restricted id is the Guid of an inbound connector.', name)]
  return [
    warn(
      id,
      {
        found: `No inbound connector has the Guid ${strays[0]?.connectorId}, nor has one for ${strays.length - 1} others. Cards show no details of it; nothing else depends on it.`,
        fix: 'In Exchange PowerShell: Get-InboundConnector | Format-Table Name, Guid shows whether it still exists',
      },
      name,
    ),
  ]
}

async function auditLog({ exchange, connection, tenant }: Examined): Promise<Check[]> {
  const until = connection.clock.now()
  const from = later(until, -shortWhileMs)
  const read = await exchange.connectorAudit(from, until)
  if (!read.ok) return [unavailable('exchange.auditLog', 'Search-UnifiedAuditLog', read, tenant)]
  const { length } = read.acts
  return [
    ok('exchange.auditLog', `Answers; ${count(length, 'act')} on connectors in the last day.`, tenant.name),
  ]
}

/** An address from the range that is kept for documentation: no mail ever came from it. */
const nobodysAddress = '192.0.2.1'

async function trace({ exchange, connection, connectors = [], tenant }: Examined): Promise<Check[]> {
  const until = connection.clock.now()
  const from = later(until, -hourMs)
  const ip = connectors.flatMap(({ senderIps }) => senderIps).find((entry) => isIP(entry) !== 0)
  const read = await exchange.traffic(ip ?? nobodysAddress, from, until)
  if (!read.ok) return [unavailable('exchange.trace', 'Get-MessageTraceV2', read, tenant)]
  return [ok('exchange.trace', 'Answers; messages can be counted.', tenant.name)]
}

async function auditing({ exchange, tenant }: Examined): Promise<Check[]> {
  const id = 'exchange.auditing'
  const read = await exchange.auditing()
  if (!read.ok) return [unavailable(id, 'Get-AdminAuditLogConfig', read, tenant)]
  if (read.on) return [ok(id, 'On.', tenant.name)]
  return [
    fail(
      id,
      {
        found: 'Off: nobody can find out who changed a connector, and Microsoft raises no alert.',
        fix: 'In Exchange PowerShell: Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true; it takes up to an hour',
      },
      tenant.name,
    ),
  ]
}

async function alertPolicy({ exchange, tenant }: Examined): Promise<Check[]> {
  const id = 'exchange.alertPolicy'
  const read = await exchange.alertPolicy()
  if (!read.ok)
    return [
      warn(
        id,
        {
          found: `Unknown: ${inWords(read, 'Get-ProtectionAlert')}`,
          fix: `${alertPolicies}: see that it is on, tells somebody, and has no daily limit`,
        },
        tenant.name,
      ),
    ]
  const problem = policyProblem(read.policy)
  if (!problem)
    return [ok(id, `On, and tells ${count(read.policy?.recipients ?? 0, 'recipient')}.`, tenant.name)]
  const { result, ...amiss } = problem
  return [(result === 'fail' ? fail : warn)(id, amiss, tenant.name)]
}

/** Only a real unblock tells for certain, and none is made for a check. */
async function unblock({ connection, stop, tenant }: Examined): Promise<Check[]> {
  const id = 'exchange.unblock'
  const read = await rolesThatUnblock(connection, stop)
  if (read.ok && read.roles.length > 0)
    return [
      ok(
        id,
        `Never tried. These roles contain it, by Exchange: ${read.roles.join(', ')}. Whether the app holds one of them is not verified; only a real unblock tells.`,
        tenant.name,
      ),
    ]
  const why = read.ok ? 'Exchange named no role that contains it.' : inWords(read, 'Get-ManagementRole')
  return [
    warn(
      id,
      {
        found: `Never tried. Whether the app may run it cannot be told: ${why} That an app may ask this is not verified either.`,
        fix: 'In Exchange PowerShell, as an admin: Get-ManagementRole -Cmdlet Remove-BlockedConnector, then Get-ManagementRoleAssignment -Role <each of them> -Delegating $false',
      },
      tenant.name,
    ),
  ]
}

const notRead = (
  id: CheckId,
  cmdlet: Command['name'],
  failure: ReadFailure,
  tenant: WatchedTenantSettings,
): Check =>
  fail(id, { found: inWords(failure, cmdlet), fix: failureFix(failure, cmdlet, tenant) }, tenant.name)

/** For what the bot can do without: the card then says "not collected". */
const unavailable = (
  id: CheckId,
  cmdlet: Command['name'],
  failure: ReadFailure,
  tenant: WatchedTenantSettings,
): Check =>
  warn(id, { found: inWords(failure, cmdlet), fix: failureFix(failure, cmdlet, tenant) }, tenant.name)

import { statSync } from 'node:fs'
import { isUntested } from '../../src/clouds.js'
import { Fault } from '../../src/errors.js'
import { readSettings, type Settings } from '../../src/settings.js'
import { type Check, fail, ok, warn } from './check.js'
import { tenantsOf } from './patient.js'
import { count } from './words.js'

type Environment = Record<string, string | undefined>

const oldestNode = [20, 19] as const

/**
 * Reads the settings as the start does, and looks at what surrounds them.
 * @returns no settings if they cannot be used
 */
export function settingsChecks(
  environment: Environment,
  envFile: string,
): { checks: Check[]; settings?: Settings | undefined } {
  const read = readThem(environment, envFile)
  const surroundings = [
    ...envFileRights(envFile),
    nodeVersion(process.versions.node),
    ...proxies(environment),
    certificatesChecked(environment),
  ]
  if ('problem' in read) return { checks: [read.problem, ...surroundings] }
  const { settings } = read
  const valid = ok('settings.valid', `Valid; ${watchedInWords(settings)}.`)
  return { settings, checks: [valid, ...surroundings, cloud(settings), ...separateApps(settings)] }
}

function readThem(environment: Environment, envFile: string): { settings: Settings } | { problem: Check } {
  try {
    return { settings: readSettings(environment, envFile) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { problem: fail('settings.valid', { found: error.message, fix: error.remedy }) }
  }
}

function watchedInWords(settings: Settings): string {
  if (settings.exchange.kind === 'simulated') return 'Exchange is simulated'
  return `watching ${count(settings.exchange.tenants.length, 'tenant')}`
}

const othersMayReadOrWrite = 0o006
const groupMayRead = 0o040
const groupMayWrite = 0o020

function envFileRights(path: string): Check[] {
  const id = 'settings.envFile'
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return [ok(id, `There is no ${path} here: all settings come from the environment.`)]
  if (process.platform === 'win32') return []
  const { mode } = found
  const fix = `chmod 600 ${path}`
  if ((mode & othersMayReadOrWrite) !== 0)
    return [
      fail(id, { found: `Everybody on this machine may read or change ${path}, and its secrets.`, fix }),
    ]
  if ((mode & groupMayWrite) !== 0) return [fail(id, { found: `Its group may change ${path}.`, fix })]
  if ((mode & groupMayRead) !== 0)
    return [warn(id, { found: `Its group may read ${path}, and its secrets.`, fix })]
  return [ok(id, `Only its owner may read ${path}.`)]
}

function nodeVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestNode
  const oldest = oldestNode.join('.')
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))
    return ok('settings.node', `${version}; ${oldest} or newer is needed.`)
  return fail('settings.node', {
    found: `${version} is older than ${oldest}.`,
    fix: `Install Node ${oldest} or newer: https://nodejs.org/en/download`,
  })
}

/** Their values may hold passwords: only names are shown. */
function proxies(environment: Environment): Check[] {
  const set = Object.keys(environment).filter(
    (name) => /^(https?|all)_proxy$/i.test(name) && environment[name],
  )
  if (set.length === 0) return [ok('settings.proxy', 'None is set; Microsoft is reached directly.')]
  return [
    warn('settings.proxy', {
      found: `${set.join(', ')} is set, and is not honoured on the way to Exchange and Teams.`,
      fix: 'Let this machine reach the hosts of docs/setup.md, section 10, directly on port 443; then unset it for the bot.',
    }),
  ]
}

function certificatesChecked({ NODE_TLS_REJECT_UNAUTHORIZED }: Environment): Check {
  if (NODE_TLS_REJECT_UNAUTHORIZED !== '0')
    return ok('settings.tls', 'On: who answers has to prove who it is.')
  return fail('settings.tls', {
    found: 'Switched off by NODE_TLS_REJECT_UNAUTHORIZED=0: anybody on the way can take the tokens.',
    fix: 'Unset NODE_TLS_REJECT_UNAUTHORIZED; where a proxy opens TLS, name its certificate in NODE_EXTRA_CA_CERTS.',
  })
}

function cloud(settings: Settings): Check {
  const { entraUrl, graphUrl, bot } = settings
  const addresses = [
    entraUrl,
    graphUrl,
    bot.issuer,
    ...tenantsOf(settings).flatMap(({ url, complianceUrl }) => [url, complianceUrl]),
  ]
  const untested = [...new Set(addresses.filter(isUntested))]
  if (untested.length === 0) return ok('settings.cloud', 'The public one, or addresses of your own.')
  return warn('settings.cloud', {
    found: `Untested cloud: nobody has tried this with ${untested.slice(0, 3).join(', ')}.`,
    fix: 'Compare the addresses with docs/setup.md, section 17, and go by the lines below.',
  })
}

function separateApps(settings: Settings): Check[] {
  const tenants = tenantsOf(settings)
  const { appId } = settings.bot
  const same = tenants.filter(({ credential, unblockCredential }) =>
    [credential, unblockCredential].some((one) => one?.clientId?.toLowerCase() === appId.toLowerCase()),
  )
  if (tenants.length === 0) return []
  if (same.length === 0) return [ok('settings.apps', 'Whoever steals one does not have the other.')]
  return [
    warn('settings.apps', {
      found: `The app of the bot, ${appId}, is also the one for Exchange.`,
      fix: 'Register another app for Exchange: docs/setup.md, section 3.',
    }),
  ]
}

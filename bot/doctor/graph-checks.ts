import { later, secondMs } from '../../src/clock.js'
import type { DirectoryFailure } from '../../src/people/roles.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { grantedBy, surplusGraphPermissions } from './granted.js'
import { directoryIds, each, type Laws, needsGraph, type Patient, peopleNamed } from './patient.js'
import { appOf, graphConsentFix } from './token-fixes.js'

const patienceMs = 15 * secondMs
const mostLookedUp = 20

/** Whether Microsoft Graph tells what the role map needs to know. */
export async function graphChecks(patient: Patient, laws: Laws): Promise<Check[]> {
  const { clock, settings, tokensOf } = patient
  const token = await tokensOf(settings.bot.credential).token(`${settings.graphUrl}/.default`)
  // Why there is none stands in a line of its own.
  if (!token.ok) return []
  const permissions = grantedBy(token.token)?.permissions
  const lines = await Promise.all([
    attempt('graph.roles', clock, () => memberships(patient, laws, permissions ?? [])),
    attempt('graph.users', clock, () => people(patient, laws)),
    attempt('graph.permissions', clock, async () => surplus(patient, permissions)),
  ])
  return lines.flat()
}

/**
 * Asks about somebody whom the role map names, since Graph might look at the permission only for people who exist;
 * what comes of it is shown to nobody.
 */
async function memberships(patient: Patient, laws: Laws, permissions: string[]): Promise<Check> {
  const id = 'graph.roles'
  const { clock, directory, newId } = patient
  const ids = directoryIds(laws.roleMap)
  if (ids.length === 0) return ok(id, 'Not needed: the role map names only people.')
  const named = peopleNamed(laws.roleMap).find((entry) => !entry.includes('@'))
  const answer = await directory.memberOf(named ?? newId(), ids, later(clock.now(), patienceMs))
  if (!answer.ok)
    return fail(id, {
      found: `${withoutAdvice(answer)}. Nobody gets a role from groups or directory roles.`,
      fix: fixOf(answer, patient, permissions),
    })
  const asked = `Graph answers about ${ids.length} groups and directory roles`
  return ok(
    id,
    named
      ? `${asked}.`
      : `${asked}; asked about nobody in particular, so whoami of a real person is the better proof.`,
  )
}

/** The permissions that the message names are what the fix gives. */
const withoutAdvice = ({ message }: DirectoryFailure): string =>
  message.split(": the bot's app needs")[0] ?? ''

function fixOf({ code }: DirectoryFailure, { settings }: Patient, permissions: string[]): string {
  const { credential } = settings.bot
  if (code === 'permission' || code === 'credentials') return graphConsentFix(credential, permissions)
  if (code === 'unreachable' || code === 'timeout')
    return `curl -sSI ${settings.graphUrl} has to answer: let this machine reach it on port 443`
  return 'Wait a few minutes, and run the doctor again'
}

async function people(patient: Patient, laws: Laws): Promise<Check> {
  const id = 'graph.users'
  const { directory, settings } = patient
  const named = peopleNamed(laws.roleMap)
  if (named.length === 0) return ok(id, 'The role map names nobody by person.')
  const looked = named.slice(0, mostLookedUp)
  const answers = await each(looked, async (entry) => [{ entry, answer: await directory.userId(entry) }])
  const failure = answers.map(({ answer }) => answer).find((answer) => !answer.ok)
  if (failure && !failure.ok) return notLookedUp(failure, patient, laws)
  const unknown = answers.filter(({ answer }) => answer.ok && answer.id === undefined)
  const rest = named.length > looked.length ? `; ${named.length - looked.length} more were not looked up` : ''
  if (unknown.length === 0) return ok(id, `All ${looked.length} that were looked up exist${rest}.`)
  return warn(id, {
    found: `Nobody in the home tenant is ${unknown.map(({ entry }) => entry).join(', ')}${rest}.`,
    fix: `Correct or remove it in ${settings.roleMapFile}; whoami in the chat shows a person's object id`,
  })
}

/** Where the map names only people, the bot needs no permission for Graph, and need not be given one for this. */
function notLookedUp(failure: DirectoryFailure, patient: Patient, laws: Laws): Check {
  const id = 'graph.users'
  const found = `Not looked up: ${withoutAdvice(failure)}.`
  if (!needsGraph(laws) && failure.code === 'permission')
    return ok(id, `${found} The bot does not need to; whoami in the chat shows who has which role.`)
  return warn(id, { found, fix: fixOf(failure, patient, []) })
}

function surplus({ settings }: Patient, permissions: string[] | undefined): Check {
  const id = 'graph.permissions'
  if (!permissions) return ok(id, 'What the token grants cannot be read from it.')
  const more = surplusGraphPermissions(permissions)
  if (more.length === 0)
    return ok(id, `None that can change or read more than roles: ${permissions.join(', ') || 'none'}.`)
  return warn(id, {
    found: `More than needed: ${more.join(', ')}.`,
    fix: `https://entra.microsoft.com, App registrations, ${appOf(settings.bot.credential)}, API permissions: remove ${more.join(', ')}`,
  })
}

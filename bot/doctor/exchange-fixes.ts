import type { AppCredential } from '../../src/credentials.js'
import { policyAdvice } from '../../src/exchange/compliance.js'
import type { ReadFailure } from '../../src/exchange/exchange.js'
import type { Command } from '../../src/exchange/invoke-command.js'
import { remedyFor401, remedyFor403, serviceOf } from '../../src/exchange/remedies.js'
import type { AlertPolicy } from '../../src/incident/evidence.js'
import type { WatchedTenantSettings } from '../../src/settings.js'
import { appOf, consentFix, roleFix } from './token-fixes.js'

/** Where people look at the alert policy themselves. */
export const alertPolicies = 'https://security.microsoft.com/alertpoliciesv2'

/** What went wrong, without what to do about it: a line of the doctor's has one fix, and that is its own. */
export function inWords({ message, requestId }: ReadFailure, cmdlet: Command['name']): string {
  const remedies = [policyAdvice, remedyFor401(cmdlet), remedyFor403(cmdlet)]
  const what = remedies.reduce((text, remedy) => text.replace(` ${remedy}`, ''), message)
  const sentence = what.replace(/\.?$/, '')
  return requestId ? `${sentence} (request-id ${requestId}).` : `${sentence}.`
}

/** The one thing to do about a read that failed. */
export function failureFix(
  { code, requestId, message }: ReadFailure,
  cmdlet: Command['name'],
  { credential, url, complianceUrl }: WatchedTenantSettings,
): string {
  const hadNoToken = code !== 'unreadable' && !message.startsWith(serviceOf(cmdlet))
  if (hadNoToken) return `Put right what the line on the token for ${serviceOf(cmdlet)} says`
  switch (code) {
    case 'credentials':
      return consentFix(credential)
    case 'permission':
      return permissionFix(cmdlet, credential)
    case 'unreachable':
    case 'timeout': {
      const host = serviceOf(cmdlet) === 'Exchange' ? url : complianceUrl
      return `curl -sSI ${host} has to answer: let this machine reach it on port 443`
    }
    case 'throttled':
      return 'Wait ten minutes, and run the doctor again'
    case 'serverError':
    case 'unreadable':
    case 'stopping':
      return requestId
        ? `Run the doctor again later; if it stays, ask Microsoft's support with request-id ${requestId}`
        : 'Run the doctor again later; if it stays, please report this line to Connector Warden'
  }
}

function permissionFix(cmdlet: Command['name'], credential: AppCredential): string {
  switch (cmdlet) {
    case 'Get-BlockedConnector':
    case 'Get-ProtectionAlert':
      return roleFix('Security Reader', credential)
    case 'Search-UnifiedAuditLog':
      return `In Exchange PowerShell: New-RoleGroup 'Connector Warden Audit' -Roles 'View-Only Audit Logs', then Add-RoleGroupMember 'Connector Warden Audit' -Member with the service principal of ${appOf(credential)} (docs/setup.md, section 4)`
    default:
      return roleFix('Global Reader', credential)
  }
}

/** How the alert policy should not be, in words; undefined if it is as it should be. */
export function policyProblem(
  policy: AlertPolicy | undefined,
): { result: 'warn' | 'fail'; found: string; fix: string } | undefined {
  const at = (what: string) => `${alertPolicies}, Suspicious connector activity: ${what}`
  if (!policy)
    return {
      result: 'fail',
      found: 'There is no such policy: Microsoft raises no alert when a connector is restricted.',
      fix: `${alertPolicies}: look for the policy, and ask Microsoft's support why it is missing`,
    }
  if (!policy.enabled)
    return {
      result: 'fail',
      found: 'It is switched off: Microsoft raises no alert when a connector is restricted.',
      fix: at('switch it on'),
    }
  if (!policy.notifies || policy.recipients === 0)
    return { result: 'fail', found: 'It tells nobody by mail.', fix: at('Edit policy, Set your recipients') }
  if (policy.dailyLimit !== undefined)
    return {
      result: 'warn',
      found: `It sends at most ${policy.dailyLimit} mails a day, and is silent after that.`,
      fix: at('Edit policy, Set your recipients, Daily notification limit: No limit'),
    }
  return undefined
}

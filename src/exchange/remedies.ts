import type { Command } from './invoke-command.js'

/** What people call the service that runs a cmdlet. */
export const serviceOf = (name: Command['name']): 'Exchange' | 'Security & Compliance' =>
  name === 'Get-ProtectionAlert' ? 'Security & Compliance' : 'Exchange'

const permission = 'the application permission Exchange.ManageAsApp with admin consent'

/** What to check when a service does not accept the app's token. */
export const remedyFor401 = (name: Command['name']): string =>
  serviceOf(name) === 'Exchange'
    ? `Check that the app belongs to this tenant, has ${permission}, and that EXCHANGE_SCOPE fits EXCHANGE_URL.`
    : `Check that the app belongs to this tenant, has ${permission} and an Entra role such as Security Reader, and that the URL of Security & Compliance is the one of this cloud.`

/** What to give the app when a service does not let it run a cmdlet. */
export const remedyFor403 = (name: Command['name']): string =>
  `Give the app ${permission} and ${roleFor(name)}; a new role can take 30 minutes to work.`

/** Roles by name only where Microsoft documents them; else how to find one out. */
function roleFor(name: Command['name']): string {
  switch (name) {
    case 'Remove-BlockedConnector':
      return 'in Entra the role Security Administrator'
    case 'Get-BlockedConnector':
    case 'Get-ProtectionAlert':
      return 'in Entra the role Security Reader'
    case 'Search-UnifiedAuditLog':
      return "a role that includes Search-UnifiedAuditLog, such as Exchange's View-Only Audit Logs, which Entra's Compliance Administrator brings along"
    default:
      return `a role that includes ${name} (Get-ManagementRole -Cmdlet ${name} in Exchange PowerShell lists them)`
  }
}

import type { AppCredential, TokenFailure } from '../../src/credentials.js'

/** Which app a token is for, by where the settings name what it signs in with. */
export interface AppSettings {
  secret: string
  clientId: string
  tenantId: string
}

export const botSettings: AppSettings = {
  secret: 'MicrosoftAppPassword',
  clientId: 'MicrosoftAppId',
  tenantId: 'MicrosoftAppTenantId',
}
export const exchangeSettings: AppSettings = {
  secret: 'EXCHANGE_CLIENT_SECRET',
  clientId: 'EXCHANGE_CLIENT_ID',
  tenantId: 'EXCHANGE_TENANT_ID',
}
export const unblockSettings: AppSettings = {
  secret: 'EXCHANGE_UNBLOCK_CLIENT_SECRET',
  clientId: 'EXCHANGE_UNBLOCK_CLIENT_ID',
  tenantId: 'EXCHANGE_TENANT_ID',
}

/** How an app is called in words, and in commands that take its id. */
export const appOf = (credential: AppCredential): string =>
  credential.clientId ? `app ${credential.clientId}` : "this machine's managed identity"

const clientIdOf = ({ clientId }: AppCredential): string => clientId ?? '<client-id>'

/** What to do about a token that was not given: by Entra's code, where it gave one. */
export function tokenFix(
  { code, message }: TokenFailure,
  credential: AppCredential,
  settings: AppSettings,
  authority: string,
): string {
  if ('managedIdentity' in credential)
    return `If ${settings.secret} or the path of a certificate was forgotten, set it. Else give this machine the identity: docs/setup.md, section 18`
  const aadsts = /AADSTS(\d+)/.exec(message)?.[1]
  const id = clientIdOf(credential)
  switch (aadsts) {
    case '7000215':
    case '7000222':
      return `az ad app credential reset --id ${id} --append --display-name connector-warden --query password -o tsv, and put what it prints where this app's secret is kept (${settings.secret}, or what TENANTS_FILE names)`
    case '700027':
      return `az ad app credential reset --id ${id} --cert @<its .crt file> --append`
    case '7000229':
      return `az ad sp create --id ${id}`
    case '700016':
      return `az ad app show --id ${id} must find the app in tenant ${credential.tenantId}: compare ${settings.clientId} and ${settings.tenantId} with its overview page in https://entra.microsoft.com, App registrations`
    case '90002':
      return `Compare ${settings.tenantId} with Tenant ID on https://entra.microsoft.com, Overview`
    case '7000112':
      return `https://entra.microsoft.com, Enterprise applications, ${id}, Properties: Enabled for users to sign-in, Yes`
    case '700024':
      return 'timedatectl set-ntp true'
    case '53003':
      return `https://entra.microsoft.com, Conditional Access: exclude ${id} from the policy that blocks it`
  }
  if (aadsts) return `https://login.microsoftonline.com/error?code=${aadsts} says what it means`
  if (code === 'unreachable')
    return `curl -sSI ${authority} has to answer: let this machine reach it on port 443`
  if ('certificatePath' in credential)
    return `Put certificate and private key into ${credential.certificatePath}: docs/setup.md, section 2`
  if ('federatedTokenFile' in credential) return 'Turn workload identity on: docs/setup.md, section 18'
  return `Compare ${settings.clientId} and ${settings.tenantId} with https://entra.microsoft.com, App registrations`
}

const exchangeApi = '00000002-0000-0ff1-ce00-000000000000'
const manageAsApp = 'dc50a0fb-09a3-484d-be87-e023b12c6440'

/** How an app gets `Exchange.ManageAsApp`, with consent. */
export function consentFix(credential: AppCredential): string {
  if ('managedIdentity' in credential)
    return 'New-MgServicePrincipalAppRoleAssignment as in docs/setup.md, section 18'
  const id = clientIdOf(credential)
  return `az ad app permission add --id ${id} --api ${exchangeApi} --api-permissions ${manageAsApp}=Role; sleep 30; az ad app permission admin-consent --id ${id}`
}

const graphApi = '00000003-0000-0000-c000-000000000000'
const userReadAll = 'df021288-bdef-4463-88db-98f22de89214'
const groupMemberReadAll = '98830695-27a2-44f7-8c18-0c3ebc9698f6'
const directoryReadAll = '7ab1d382-f21e-4acd-a863-ba3e13f7da61'

/**
 * How the bot's app gets to ask Graph about people.
 * @param permissions what it has already: where the two that should do are there, the wider one is tried
 */
export function graphConsentFix(credential: AppCredential, permissions: readonly string[]): string {
  const id = clientIdOf(credential)
  const hasBoth = ['User.Read.All', 'GroupMember.Read.All'].every((name) => permissions.includes(name))
  const wanted = hasBoth ? `${directoryReadAll}=Role` : `${userReadAll}=Role ${groupMemberReadAll}=Role`
  return `az ad app permission add --id ${id} --api ${graphApi} --api-permissions ${wanted}; sleep 30; az ad app permission admin-consent --id ${id}`
}

/** Where an app is given a role in Entra. */
export const roleFix = (role: string, credential: AppCredential): string =>
  `https://entra.microsoft.com, Roles & admins, ${role}, Add assignments, ${appOf(credential)}, Active; then wait up to 30 minutes`

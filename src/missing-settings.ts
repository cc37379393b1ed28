type Given = Record<string, string | undefined>

/**
 * What each setting needs beside it, and what cannot stand beside it. Asked of what was given, so that one bad value
 * hides nothing that is missing.
 */
export function missingSettings(given: Given): string[] {
  return [
    ...missing(
      given,
      'MicrosoftAppId',
      "it is the bot's own app registration, and without it anybody could speak to the bot",
    ),
    ...missing(given, 'MicrosoftAppTenantId', 'it is the tenant that all people belong to'),
    ...botProof(given),
    ...(given.EXCHANGE === 'admin-api' ? watchedTenant(given) : []),
  ]
}

const missing = (given: Given, name: string, why: string): string[] =>
  given[name] ? [] : [`${name}: missing; ${why}`]

function botProof(given: Given): string[] {
  const { MicrosoftAppPassword, MicrosoftAppCertificatePath, AZURE_FEDERATED_TOKEN_FILE } = given
  if (given.MicrosoftAppType?.toLowerCase() === 'userassignedmsi')
    return MicrosoftAppPassword || MicrosoftAppCertificatePath
      ? [
          'MicrosoftAppPassword and MicrosoftAppCertificatePath: must not be set where MicrosoftAppType is UserAssignedMSI, which has neither',
        ]
      : []
  if (MicrosoftAppPassword ? !MicrosoftAppCertificatePath : MicrosoftAppCertificatePath) return []
  if (!MicrosoftAppPassword && AZURE_FEDERATED_TOKEN_FILE) return []
  return ['MicrosoftAppPassword or MicrosoftAppCertificatePath: exactly one of them is needed']
}

/** What says which tenant is watched; `TENANTS_FILE` takes the place of all of it. */
const oneTenant = [
  'EXCHANGE_TENANT_ID',
  'EXCHANGE_ORGANIZATION',
  'EXCHANGE_CLIENT_ID',
  'EXCHANGE_CLIENT_SECRET',
  'EXCHANGE_CERTIFICATE_PATH',
  'EXCHANGE_UNBLOCK_CLIENT_ID',
  'EXCHANGE_UNBLOCK_CLIENT_SECRET',
  'EXCHANGE_UNBLOCK_CERTIFICATE_PATH',
]

function watchedTenant(given: Given): string[] {
  if (given.TENANTS_FILE)
    return oneTenant
      .filter((name) => given[name])
      .map((name) => `${name}: must not be set beside TENANTS_FILE, which says it for each tenant`)
  return [
    ...missing(given, 'EXCHANGE_TENANT_ID', 'it is the tenant whose connectors are watched'),
    ...missing(given, 'EXCHANGE_ORGANIZATION', 'it names that tenant, e.g. contoso.onmicrosoft.com'),
    ...readerProof(given),
    ...unblockerProof(given),
  ]
}

/** Neither secret nor certificate is a managed identity, or a federated token where the platform gives one. */
function readerProof(given: Given): string[] {
  const { EXCHANGE_CLIENT_SECRET: secret, EXCHANGE_CERTIFICATE_PATH: certificate } = given
  const isPlatforms = !secret && !certificate && !given.AZURE_FEDERATED_TOKEN_FILE
  return [
    ...(isPlatforms
      ? []
      : missing(given, 'EXCHANGE_CLIENT_ID', 'it is the app that reads Exchange and removes blocks')),
    ...(secret && certificate
      ? ['EXCHANGE_CLIENT_SECRET or EXCHANGE_CERTIFICATE_PATH: at most one of them can be used']
      : []),
  ]
}

/**
 * Nobody notices a forgotten secret of the second app before the first removal, so it may go without one only if
 * the first does too.
 */
function unblockerProof(given: Given): string[] {
  const { EXCHANGE_UNBLOCK_CLIENT_SECRET: secret, EXCHANGE_UNBLOCK_CERTIFICATE_PATH: certificate } = given
  const readerHasProof = Boolean(given.EXCHANGE_CLIENT_SECRET || given.EXCHANGE_CERTIFICATE_PATH)
  if (!given.EXCHANGE_UNBLOCK_CLIENT_ID)
    return secret || certificate
      ? missing(given, 'EXCHANGE_UNBLOCK_CLIENT_ID', 'it is the app that the secret or certificate is for')
      : []
  if (secret ? !certificate : certificate || !readerHasProof) return []
  return [
    'EXCHANGE_UNBLOCK_CLIENT_SECRET or EXCHANGE_UNBLOCK_CERTIFICATE_PATH: exactly one of them is needed',
  ]
}

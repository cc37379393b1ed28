import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { channelServices, cloudOf } from './clouds.js'
import type { AppCredential } from './credentials.js'
import { Fault, messageOf } from './errors.js'
import { missingSettings } from './missing-settings.js'
import { nearest } from './nearest.js'
import { anyUrl, appType, guid, hostList, httpsUrl, port, text } from './setting-forms.js'
import { type NamedTenant, readTenantsFile, type TenantsFile } from './tenants-file.js'

/** Every setting that works, by the name that operators give it. Bot Framework's own names are kept. */
const environmentSchema = z.object({
  MicrosoftAppType: appType.default('SingleTenant'),
  MicrosoftAppId: guid.optional(),
  MicrosoftAppPassword: text.optional(),
  MicrosoftAppCertificatePath: text.optional(),
  MicrosoftAppTenantId: guid.optional(),
  ChannelService: z
    .literal(
      channelServices,
      `must be empty (public cloud) or ${channelServices.filter(Boolean).join(' or ')}`,
    )
    .default(''),
  ToBotFromChannelOpenIdMetadataUrl: anyUrl.optional(),
  ToBotFromChannelTokenIssuer: text.optional(),
  ToChannelFromBotOAuthScope: text.optional(),
  HOST: text.default('127.0.0.1'),
  PORT: port.default(3978),
  DATA_DIR: text.default('./data'),
  ROLE_MAP_FILE: text.default('config/roles.json'),
  RULES_FILE: text.default('config/rules.json'),
  EXCHANGE: z.enum(['admin-api', 'simulated'], 'must be admin-api or simulated; there is no default'),
  EXCHANGE_TENANT_ID: guid.optional(),
  EXCHANGE_ORGANIZATION: text.optional(),
  EXCHANGE_CLIENT_ID: guid.optional(),
  EXCHANGE_CLIENT_SECRET: text.optional(),
  EXCHANGE_CERTIFICATE_PATH: text.optional(),
  EXCHANGE_UNBLOCK_CLIENT_ID: guid.optional(),
  EXCHANGE_UNBLOCK_CLIENT_SECRET: text.optional(),
  EXCHANGE_UNBLOCK_CERTIFICATE_PATH: text.optional(),
  TENANTS_FILE: text.optional(),
  EXCHANGE_URL: anyUrl.optional(),
  EXCHANGE_SCOPE: text.optional(),
  COMPLIANCE_URL: anyUrl.optional(),
  ENTRA_URL: httpsUrl.optional(),
  GRAPH_URL: anyUrl.optional(),
  POLL_SECONDS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number of seconds, at least 1')
    .transform(Number)
    .default(60),
  TEAMS_SERVICE_HOSTS: hostList.default([]),
  ALERT_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,}$/, 'must be at least 32 characters long: plain ASCII, without blanks')
    .optional(),
  OPS_HOST: text.default('127.0.0.1'),
  OPS_PORT: port.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})
export const settingNames = Object.keys(environmentSchema.shape)

type Values = z.infer<typeof environmentSchema>

/** A watched tenant, and how its Exchange is reached. */
export interface WatchedTenantSettings {
  /** What people know it by, in cards, commands and the record. */
  name: string
  /** The tenant's GUID. */
  tenantId: string
  /** Like `contoso.onmicrosoft.com`. */
  organization: string
  url: string
  scope: string
  complianceUrl: string
  credential: AppCredential
  /** A second app, for the removal only. */
  unblockCredential?: AppCredential | undefined
  /** Ids of the only conversations that it is shown in; undefined for all that watch. */
  conversations?: string[] | undefined
}

/** All settings, checked. Secrets are each `credential`, `unblockCredential`, and `alertToken`. */
export interface Settings {
  host: string
  port: number
  dataDir: string
  roleMapFile: string
  rulesFile: string
  pollSeconds: number
  logLevel: string
  entraUrl: string
  graphUrl: string
  /** What whoever calls `POST /api/alerts` has to know; undefined: there is no such route. */
  alertToken?: string | undefined
  /** Where metrics and details are served, if at all. */
  ops?: { host: string; port: number } | undefined
  /** The tenant that all people belong to. */
  homeTenantId: string
  bot: {
    appId: string
    credential: AppCredential
    issuer: string
    scope: string
    metadataUrl: string
    extraServiceHosts: string[]
  }
  exchange: { kind: 'simulated' } | { kind: 'admin-api'; tenants: WatchedTenantSettings[] }
}

type Environment = Record<string, string | undefined>

/**
 * Reads the settings from the environment and from `.env`, where the environment wins.
 * @throws Fault `settingsInvalid` that lists every problem at once, with what to do and without any value
 */
export function readSettings(environment: Environment, envFile: string): Settings {
  const file = readEnvFile(envFile)
  const given = { ...whatIsSet(file), ...whatIsSet(environment) }
  const parsed = environmentSchema.safeParse(given)
  const tenants =
    given.EXCHANGE === 'admin-api' && given.TENANTS_FILE
      ? readTenantsFile(given.TENANTS_FILE, given)
      : undefined
  const problems = [
    ...misspelt(file, envFile, tenants?.variables ?? []),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...missingSettings(given),
    ...uncheckedServers(environment),
    ...(tenants?.problems ?? []),
  ]
  if (problems.length > 0 || !parsed.success)
    throw new Fault(
      'settingsInvalid',
      `The settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      `Set them in the environment or in ${envFile}; .env.example explains each.`,
    )
  return toSettings(parsed.data, tenants, given.AZURE_FEDERATED_TOKEN_FILE)
}

function readEnvFile(path: string): Environment {
  if (!existsSync(path)) return {}
  try {
    // Windows editors put a byte order mark in front, which would become part of the first name.
    return parseEnv(readFileSync(path, 'utf8').replace(/^\ufeff/, '')) as Environment
  } catch (error) {
    throw new Fault(
      'settingsInvalid',
      `${path} cannot be read: ${messageOf(error)}`,
      'Put the file right, or remove it.',
    )
  }
}

/** Whoever answers in Microsoft's place would be sent the bot's secrets. */
const uncheckedServers = ({ NODE_TLS_REJECT_UNAUTHORIZED }: Environment): string[] =>
  NODE_TLS_REJECT_UNAUTHORIZED?.trim() === '0'
    ? [
        'NODE_TLS_REJECT_UNAUTHORIZED: must not be 0, for nobody would check whom the secrets are sent to. Take it out; if a proxy has certificates of its own, let NODE_EXTRA_CA_CERTS name a file with its root certificate.',
      ]
    : []

/** An empty value is how a template of `.env` says "not set"; spaces and line ends around one are an accident. */
const whatIsSet = (environment: Environment): Environment =>
  Object.fromEntries(
    Object.entries(environment)
      .map(([name, value]) => [name, value?.trim()] as const)
      .filter(([, value]) => value),
  )

/** What the names begin with that no other program's settings begin with. */
const ownNames = /^(EXCHANGE_|MicrosoftApp|ToBotFromChannel|ToChannelFromBot|TEAMS_SERVICE)/i
const plain = (name: string): string => name.toLowerCase().replaceAll('_', '')

/**
 * Keys of `.env` that nobody reads but that look like ours: silently ignored, they would be believed to work.
 * @param others names that are read, though they are no settings
 */
function misspelt(file: Environment, path: string, others: string[]): string[] {
  return Object.keys(file)
    .filter((key) => !settingNames.includes(key) && !others.includes(key) && !key.startsWith('AZURE_'))
    .flatMap((key) => {
      const meant = settingNames.find((name) => plain(name) === plain(key)) ?? nearest(key, settingNames)
      if (!meant && !ownNames.test(key)) return []
      return [`${key} in ${path}: there is no such setting${meant ? `; did you mean ${meant}?` : ''}`]
    })
}

function toSettings(
  values: Values,
  file: TenantsFile | undefined,
  federatedTokenFile: string | undefined,
): Settings {
  const cloud = cloudOf(values.ChannelService, values.EXCHANGE_URL)
  const homeTenantId = values.MicrosoftAppTenantId ?? ''
  const appId = values.MicrosoftAppId ?? ''
  const { OPS_HOST, OPS_PORT } = values
  return {
    host: values.HOST,
    port: values.PORT,
    dataDir: values.DATA_DIR,
    roleMapFile: values.ROLE_MAP_FILE,
    rulesFile: values.RULES_FILE,
    pollSeconds: values.POLL_SECONDS,
    logLevel: values.LOG_LEVEL,
    entraUrl: values.ENTRA_URL ?? cloud.authority,
    graphUrl: values.GRAPH_URL ?? cloud.graphUrl,
    alertToken: values.ALERT_TOKEN,
    ops: OPS_PORT === undefined ? undefined : { host: OPS_HOST, port: OPS_PORT },
    homeTenantId,
    bot: {
      appId,
      credential: credentialOf(homeTenantId, appId, {
        secret: values.MicrosoftAppPassword,
        certificatePath: values.MicrosoftAppCertificatePath,
        federatedTokenFile: values.MicrosoftAppType === 'UserAssignedMSI' ? undefined : federatedTokenFile,
      }),
      issuer: values.ToBotFromChannelTokenIssuer ?? cloud.botIssuer,
      scope: `${(values.ToChannelFromBotOAuthScope ?? cloud.botScope).replace(/\/\.default$/, '')}/.default`,
      metadataUrl: values.ToBotFromChannelOpenIdMetadataUrl ?? cloud.botMetadata,
      extraServiceHosts: values.TEAMS_SERVICE_HOSTS,
    },
    exchange:
      values.EXCHANGE === 'simulated'
        ? { kind: 'simulated' }
        : {
            kind: 'admin-api',
            tenants: (file?.tenants ?? [onlyTenant(values, federatedTokenFile)]).map((tenant) =>
              watched(tenant, values),
            ),
          },
  }
}

/** The tenant that the EXCHANGE_ settings are about. */
function onlyTenant(values: Values, federatedTokenFile: string | undefined): NamedTenant {
  const tenantId = values.EXCHANGE_TENANT_ID ?? ''
  const organization = values.EXCHANGE_ORGANIZATION ?? tenantId
  const unblocker = values.EXCHANGE_UNBLOCK_CLIENT_ID
  return {
    name: organization,
    tenantId,
    organization,
    credential: credentialOf(tenantId, values.EXCHANGE_CLIENT_ID, {
      secret: values.EXCHANGE_CLIENT_SECRET,
      certificatePath: values.EXCHANGE_CERTIFICATE_PATH,
      federatedTokenFile,
    }),
    unblockCredential:
      unblocker === undefined
        ? undefined
        : credentialOf(tenantId, unblocker, {
            secret: values.EXCHANGE_UNBLOCK_CLIENT_SECRET,
            certificatePath: values.EXCHANGE_UNBLOCK_CERTIFICATE_PATH,
            federatedTokenFile,
          }),
  }
}

/** A tenant with what it leaves to the settings, and they to the cloud. */
function watched(
  { exchangeUrl, exchangeScope, complianceUrl, ...tenant }: NamedTenant,
  values: Values,
): WatchedTenantSettings {
  const cloud = cloudOf(values.ChannelService, exchangeUrl ?? values.EXCHANGE_URL)
  const url = exchangeUrl ?? values.EXCHANGE_URL ?? cloud.exchangeUrl
  // A scope belongs to an address: one for all must not be asked for where a tenant has an address of its own.
  const scope = exchangeScope ?? (exchangeUrl ? undefined : values.EXCHANGE_SCOPE)
  return {
    ...tenant,
    url,
    scope: scope ?? `${url}/.default`,
    complianceUrl: complianceUrl ?? values.COMPLIANCE_URL ?? cloud.complianceUrl,
  }
}

interface Proofs {
  secret: string | undefined
  certificatePath: string | undefined
  federatedTokenFile: string | undefined
}

/** A secret or a certificate if there is one, else what the platform gives: a federated token, or an identity. */
function credentialOf(
  tenantId: string,
  clientId: string | undefined,
  { secret, certificatePath, federatedTokenFile }: Proofs,
): AppCredential {
  const app = { tenantId, clientId: clientId ?? '' }
  if (certificatePath) return { ...app, certificatePath }
  if (secret) return { ...app, secret }
  return federatedTokenFile ? { ...app, federatedTokenFile } : { tenantId, clientId, managedIdentity: true }
}

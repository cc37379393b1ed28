import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { Fault, messageOf } from './errors.js'
import { nearest } from './nearest.js'

/** Whether a URL's host is this machine itself. A name that only begins like an address, 127.x.example, is not. */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)

const guid = z.guid('must be a GUID, like 159eb7c4-75d7-43e2-95fe-ced44b3e0a56')
const port = z
  .string()
  .regex(/^\d+$/, 'must be a port number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number, at most 65535')
const text = z.string().min(1)

const httpUrl = (rule: { httpsOnly: boolean }) =>
  z.string().transform((value, context) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    const fine =
      url && (url.protocol === 'https:' || (!rule.httpsOnly && url.protocol === 'http:' && isLoopback(url)))
    if (fine && !url.username && !url.password) return value.replace(/\/+$/, '')
    const allowed = rule.httpsOnly ? 'an https URL' : 'an https URL, or plain http to a loopback address'
    context.issues.push({
      code: 'custom',
      message: `must be ${allowed}, without user or password`,
      input: value,
    })
    return z.NEVER
  })
const anyUrl = httpUrl({ httpsOnly: false })
const httpsUrl = httpUrl({ httpsOnly: true })

const hostList = z.string().transform((value, context) => {
  const hosts = value
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter(Boolean)
  const bad = hosts.some((host) => !/^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d+)?$/.test(host))
  if (bad)
    context.issues.push({
      code: 'custom',
      message: 'must be hosts like host or host:port, comma-separated',
      input: value,
    })
  return hosts
})

const publicCloud = {
  authority: 'https://login.microsoftonline.com',
  issuer: 'https://api.botframework.com',
  scope: 'https://api.botframework.com/.default',
  metadata: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
}
const usGovernment = {
  authority: 'https://login.microsoftonline.us',
  issuer: 'https://api.botframework.us',
  scope: 'https://api.botframework.us/.default',
  metadata: 'https://login.botframework.azure.us/v1/.well-known/openidconfiguration',
}
const usGovernmentService = 'https://botframework.azure.us'

/** Every setting that works, by the name that operators give it. Bot Framework's own names are kept. */
const environmentSchema = z.object({
  MicrosoftAppType: z
    .literal('SingleTenant', 'must be SingleTenant: the only type that is supported so far')
    .default('SingleTenant'),
  MicrosoftAppId: guid.optional(),
  MicrosoftAppPassword: text.optional(),
  MicrosoftAppCertificatePath: text.optional(),
  MicrosoftAppTenantId: guid.optional(),
  ChannelService: z
    .literal(['', usGovernmentService], `must be empty (public cloud) or ${usGovernmentService}`)
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
  EXCHANGE_URL: anyUrl.default('https://outlook.office365.com'),
  EXCHANGE_SCOPE: text.optional(),
  ENTRA_URL: httpsUrl.optional(),
  POLL_SECONDS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number of seconds, at least 1')
    .transform(Number)
    .default(60),
  TEAMS_SERVICE_HOSTS: hostList.default([]),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})
export const settingNames = Object.keys(environmentSchema.shape)

/** An app of ours, and what it proves who it is with: a secret, or a certificate and its key in one PEM file. */
export type AppCredential = { tenantId: string; clientId: string } & (
  | { secret: string }
  | { certificatePath: string }
)

/** All settings, checked. Secrets stand under `credential` only. */
export interface Settings {
  host: string
  port: number
  dataDir: string
  roleMapFile: string
  rulesFile: string
  pollSeconds: number
  logLevel: string
  entraUrl: string
  /** The tenant that all people belong to. */
  homeTenantId: string
  /** What whoever posts to `/api/alerts` has to know; without it there is no such route. */
  alertToken?: string
  /** Where metrics and details are served; nowhere, if not set. */
  ops?: { host: string; port: number }
  bot: {
    appId: string
    credential: AppCredential
    issuer: string
    scope: string
    metadataUrl: string
    extraServiceHosts: string[]
  }
  exchange:
    | { kind: 'simulated' }
    | {
        kind: 'admin-api'
        tenant: string
        tenantId: string
        url: string
        scope: string
        credential: AppCredential
      }
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
  const problems = [
    ...misspelt(file, envFile),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...incomplete(given),
  ]
  if (problems.length > 0 || !parsed.success)
    throw new Fault(
      'settingsInvalid',
      `The settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      `Set them in the environment or in ${envFile}; .env.example explains each.`,
    )
  return toSettings(parsed.data)
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

/** Keys of `.env` that nobody reads but that look like ours: silently ignored, they would be believed to work. */
function misspelt(file: Environment, path: string): string[] {
  return Object.keys(file)
    .filter((key) => !settingNames.includes(key))
    .flatMap((key) => {
      const meant = settingNames.find((name) => plain(name) === plain(key)) ?? nearest(key, settingNames)
      if (!meant && !ownNames.test(key)) return []
      return [`${key} in ${path}: there is no such setting${meant ? `; did you mean ${meant}?` : ''}`]
    })
}

/** What each setting needs beside it. Asked of what was given, so that one bad value hides nothing that is missing. */
function incomplete(given: Environment): string[] {
  const problems: string[] = []
  const need = (name: keyof z.infer<typeof environmentSchema>, why: string) => {
    if (!given[name]) problems.push(`${name}: missing; ${why}`)
  }
  need(
    'MicrosoftAppId',
    "it is the bot's own app registration, and without it anybody could speak to the bot",
  )
  need('MicrosoftAppTenantId', 'it is the tenant that all people belong to')
  if (!given.MicrosoftAppPassword === !given.MicrosoftAppCertificatePath)
    problems.push('MicrosoftAppPassword or MicrosoftAppCertificatePath: exactly one of them is needed')
  if (given.EXCHANGE === 'admin-api') {
    need('EXCHANGE_TENANT_ID', 'it is the tenant whose connectors are watched')
    need('EXCHANGE_ORGANIZATION', 'it names that tenant, e.g. contoso.onmicrosoft.com')
    need('EXCHANGE_CLIENT_ID', 'it is the app that reads Exchange and removes blocks')
    if (!given.EXCHANGE_CLIENT_SECRET === !given.EXCHANGE_CERTIFICATE_PATH)
      problems.push('EXCHANGE_CLIENT_SECRET or EXCHANGE_CERTIFICATE_PATH: exactly one of them is needed')
  }
  return problems
}

function toSettings(values: z.infer<typeof environmentSchema>): Settings {
  const cloud = values.ChannelService === usGovernmentService ? usGovernment : publicCloud
  const homeTenantId = values.MicrosoftAppTenantId ?? ''
  const appId = values.MicrosoftAppId ?? ''
  return {
    host: values.HOST,
    port: values.PORT,
    dataDir: values.DATA_DIR,
    roleMapFile: values.ROLE_MAP_FILE,
    rulesFile: values.RULES_FILE,
    pollSeconds: values.POLL_SECONDS,
    logLevel: values.LOG_LEVEL,
    entraUrl: values.ENTRA_URL ?? cloud.authority,
    homeTenantId,
    bot: {
      appId,
      credential: credentialOf(
        homeTenantId,
        appId,
        values.MicrosoftAppPassword,
        values.MicrosoftAppCertificatePath,
      ),
      issuer: values.ToBotFromChannelTokenIssuer ?? cloud.issuer,
      scope: `${(values.ToChannelFromBotOAuthScope ?? cloud.scope).replace(/\/\.default$/, '')}/.default`,
      metadataUrl: values.ToBotFromChannelOpenIdMetadataUrl ?? cloud.metadata,
      extraServiceHosts: values.TEAMS_SERVICE_HOSTS,
    },
    exchange: values.EXCHANGE === 'simulated' ? { kind: 'simulated' } : adminApi(values),
  }
}

function adminApi(values: z.infer<typeof environmentSchema>): Settings['exchange'] {
  const tenantId = values.EXCHANGE_TENANT_ID ?? ''
  return {
    kind: 'admin-api',
    tenant: values.EXCHANGE_ORGANIZATION ?? tenantId,
    tenantId,
    url: values.EXCHANGE_URL,
    scope: values.EXCHANGE_SCOPE ?? `${values.EXCHANGE_URL}/.default`,
    credential: credentialOf(
      tenantId,
      values.EXCHANGE_CLIENT_ID ?? '',
      values.EXCHANGE_CLIENT_SECRET,
      values.EXCHANGE_CERTIFICATE_PATH,
    ),
  }
}

function credentialOf(
  tenantId: string,
  clientId: string,
  secret: string | undefined,
  certificatePath: string | undefined,
): AppCredential {
  return certificatePath
    ? { tenantId, clientId, certificatePath }
    : { tenantId, clientId, secret: secret ?? '' }
}

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { AppCredential } from './credentials.js'
import { errorCode } from './errors.js'
import { exposed, unsafe } from './file-rights.js'
import { anyUrl, guid, text } from './setting-forms.js'

/** A watched tenant as the file names it; what it leaves out, the settings say for all. */
export interface NamedTenant {
  name: string
  /** The tenant's GUID. */
  tenantId: string
  organization: string
  credential: AppCredential
  /** A second app, for the removal only. */
  unblockCredential?: AppCredential | undefined
  /** Ids of the only conversations that the tenant is shown in. */
  conversations?: string[] | undefined
  exchangeUrl?: string | undefined
  exchangeScope?: string | undefined
  complianceUrl?: string | undefined
}

export interface TenantsFile {
  tenants: NamedTenant[]
  /** All that is wrong, each with where it stands; none of them repeats a value. */
  problems: string[]
  /** The environment variables that the file says hold secrets. */
  variables: string[]
}

const proofs = [
  'secretFile',
  'secretVariable',
  'certificatePath',
  'managedIdentity',
  'federatedTokenFile',
] as const

const credentialShape = {
  clientId: guid.optional(),
  secretFile: text.optional(),
  secretVariable: text
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, never the secret itself')
    .optional(),
  certificatePath: text.optional(),
  managedIdentity: z.literal(true, 'must be true, or left out').optional(),
  federatedTokenFile: text.optional(),
}

type CredentialEntry = z.infer<z.ZodObject<typeof credentialShape>>

const provesItself = (entry: CredentialEntry): boolean =>
  proofs.filter((proof) => entry[proof] !== undefined).length === 1
const oneProof = { error: `needs exactly one of ${proofs.join(', ')}` }

const hasApp = ({ clientId, managedIdentity }: CredentialEntry): boolean =>
  clientId !== undefined || managedIdentity !== undefined
const anApp = { path: ['clientId'], error: 'missing; only a managed identity goes without' }

const conversation = text.refine((id) => !id.includes(';'), 'must be the id alone, without ;messageid=')

const tenantSchema = z
  .strictObject({
    name: text.max(100, 'must be at most 100 characters long'),
    tenantId: guid,
    organization: text,
    ...credentialShape,
    unblock: z.strictObject(credentialShape).refine(provesItself, oneProof).refine(hasApp, anApp).optional(),
    conversations: z
      .array(conversation)
      .min(
        1,
        'names none, so the tenant would be shown nowhere; leave it out to show it wherever people watch',
      )
      .optional(),
    exchangeUrl: anyUrl.optional(),
    exchangeScope: text.optional(),
    complianceUrl: anyUrl.optional(),
  })
  .refine(provesItself, oneProof)
  .refine(hasApp, anApp)

const fileSchema = z
  .strictObject({ tenants: z.array(tenantSchema).min(1, 'must name at least one tenant') })
  .superRefine(({ tenants }, context) => {
    const unique = (key: 'name' | 'tenantId') => {
      const values = tenants.map((tenant) => tenant[key].toLowerCase())
      for (const [index, value] of values.entries())
        if (values.indexOf(value) !== index)
          context.addIssue({
            code: 'custom',
            path: ['tenants', index, key],
            message: `is the same as that of tenants[${values.indexOf(value)}]`,
          })
    }
    unique('name')
    unique('tenantId')
  })

/**
 * Reads `TENANTS_FILE`, and the secrets that it refers to.
 * @param environment where the variables stand that `secretVariable` names
 */
export function readTenantsFile(path: string, environment: Record<string, string | undefined>): TenantsFile {
  const read = readGuarded(path, unsafe)
  if ('why' in read) return failed(`the file that it names cannot be used. ${read.why}`)
  const json = parseJson(read.text)
  if ('why' in json) return failed(`the file is not JSON${json.why}`)
  const problems: string[] = []
  const parsed = fileSchema.safeParse(withoutSecrets(json.value, [], problems))
  for (const { path: at, message } of parsed.error?.issues ?? []) problems.push(problemAt(at, message))
  if (!parsed.success) return { tenants: [], problems, variables: [] }
  const entries = parsed.data.tenants
  const references = { folder: dirname(path), environment, problems }
  return {
    tenants: entries.map((entry, index) => tenantOf(entry, ['tenants', index], references)),
    problems,
    variables: entries.flatMap(({ secretVariable, unblock }) =>
      [secretVariable, unblock?.secretVariable].filter((name) => name !== undefined),
    ),
  }
}

const failed = (why: string): TenantsFile => ({
  tenants: [],
  problems: [`TENANTS_FILE: ${why}`],
  variables: [],
})

type Path = readonly PropertyKey[]

/** `tenants[2].unblock.clientId`: as people would write it. */
const problemAt = (path: Path, message: string): string => {
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return `TENANTS_FILE: ${place ? `${place.replace(/^\./, '')} ` : ''}${message}`
}

/** A file's text once its rights were looked at. Never names what was asked for if there is no such file. */
function readGuarded(path: string, check: typeof unsafe): { text: string } | { why: string } {
  try {
    const why = check(path, statSync(path))
    // Windows editors put a byte order mark in front.
    return why ? { why } : { text: readFileSync(path, 'utf8').replace(/^\ufeff/, '') }
  } catch (error) {
    return { why: `It cannot be read (${errorCode(error)}).` }
  }
}

/** Of what the engine says, only the place: it quotes what stands there, which may be a secret. */
function parseJson(json: string): { value: unknown } | { why: string } {
  try {
    return { value: JSON.parse(json) }
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1]
    return { why: position ? `, from line ${json.slice(0, Number(position)).split('\n').length} on` : '' }
  }
}

const soundsLikeASecret = /secret|pass(word|phrase|wd)|pwd|credential|token|key/i
const references: readonly string[] = proofs

/** More levels than anything that the file may hold. */
const deepest = 8

/** Leaves out what looks like a secret and says so: this file is one that people copy, mail and commit. */
function withoutSecrets(json: unknown, path: Path, problems: string[]): unknown {
  if (path.length > deepest && typeof json === 'object' && json !== null) {
    problems.push(problemAt(path, 'is nested too deeply'))
    return undefined
  }
  if (Array.isArray(json)) return json.map((item, index) => withoutSecrets(item, [...path, index], problems))
  if (typeof json !== 'object' || json === null) return json
  const kept = Object.entries(json).filter(([key]) => {
    const isSecret = soundsLikeASecret.test(key) && !references.includes(key)
    if (isSecret)
      problems.push(
        problemAt(
          [...path, key],
          'must not stand in this file: no secret may. Write where it is kept instead: secretFile (a file) or secretVariable (an environment variable)',
        ),
      )
    return !isSecret
  })
  return Object.fromEntries(
    kept.map(([key, value]) => [key, withoutSecrets(value, [...path, key], problems)]),
  )
}

interface References {
  /** Relative paths start from here. */
  folder: string
  environment: Record<string, string | undefined>
  problems: string[]
}

function tenantOf(entry: z.infer<typeof tenantSchema>, at: Path, references: References): NamedTenant {
  const { name, tenantId, organization, unblock } = entry
  const { conversations, exchangeUrl, exchangeScope, complianceUrl } = entry
  return {
    name,
    tenantId,
    organization,
    credential: credentialOf(entry, tenantId, at, references),
    unblockCredential: unblock && credentialOf(unblock, tenantId, [...at, 'unblock'], references),
    conversations,
    exchangeUrl,
    exchangeScope,
    complianceUrl,
  }
}

function credentialOf(entry: CredentialEntry, tenantId: string, at: Path, from: References): AppCredential {
  const { clientId, certificatePath, federatedTokenFile } = entry
  if (entry.managedIdentity) return { tenantId, clientId, managedIdentity: true }
  const app = { tenantId, clientId: clientId ?? '' }
  if (certificatePath) return { ...app, certificatePath: resolve(from.folder, certificatePath) }
  if (federatedTokenFile) return { ...app, federatedTokenFile: resolve(from.folder, federatedTokenFile) }
  return { ...app, secret: secretOf(entry, at, from) }
}

/** The secret that is referred to; empty, with a problem noted, if there is none. */
function secretOf({ secretFile, secretVariable }: CredentialEntry, at: Path, from: References): string {
  const { folder, environment, problems } = from
  if (secretFile === undefined) {
    const secret = environment[secretVariable ?? '']?.trim()
    // Not by its name: somebody may have put the secret itself there.
    if (!secret) problems.push(problemAt([...at, 'secretVariable'], 'names a variable that is not set'))
    return secret ?? ''
  }
  const read = readGuarded(resolve(folder, secretFile), exposed)
  const secret = 'text' in read ? read.text.trim() : ''
  const why = 'why' in read ? read.why : 'It is empty.'
  if (!secret) problems.push(problemAt([...at, 'secretFile'], `names a file that cannot be used. ${why}`))
  return secret
}

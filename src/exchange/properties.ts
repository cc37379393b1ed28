import { createHash } from 'node:crypto'
import { z } from 'zod'

/**
 * A row without the type annotations that Exchange puts beside its values (`ConnectorId@data.type`), under
 * names in lower case, because their case varies between cmdlets.
 */
export function properties(row: unknown): Record<string, unknown> {
  return Object.fromEntries(sent(row).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The properties of a row under the names that Exchange gave them, without annotations. */
export const sent = (row: unknown): [name: string, value: unknown][] =>
  typeof row === 'object' && row !== null ? Object.entries(row).filter(([name]) => !name.includes('@')) : []

/** The names of a row's properties, to say what it looks like without saying what is in it. */
export const propertyNames = (row: unknown): string[] =>
  Object.keys(properties(row))
    .slice(0, 20)
    .map((name) => name.slice(0, 40))

/** A property that counts as missing if it is not of its form. */
export const optional = <Form extends z.ZodType>(form: Form) => form.optional().catch(undefined)

export const guid = z.guid().transform((id) => id.toLowerCase())

/** Text that says something, shortened. */
export const text = (most: number) =>
  optional(
    z
      .string()
      .transform((value) => value.trim().slice(0, most))
      .transform((value) => (value === '' ? undefined : value)),
  )

/** Exchange writes booleans as such, and in places as the words True and False. */
export const flag = optional(
  z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'insensitive' })]),
)

/** A whole number, also as text. */
export const whole = optional(
  z.union([
    z.int().nonnegative(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ]),
)

/** A property of any form, which may be missing. */
export const anything = z.unknown().optional()

/** The values of a property that may have several: an array, or text with commas between them. */
export const several = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value
  return typeof value === 'string' ? value.split(',') : []
}

/** A number, a text or a boolean as text; undefined for anything else. */
export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined

const mostEntries = 200
const mostCharacters = 200

/**
 * Several texts, sorted and without repeats, so that the same values read twice are the same. What is cut off leaves its
 * digest: whatever changes in it is still a change. Values that are no text stand for themselves as JSON.
 */
export function textsOf(value: unknown): string[] {
  const texts = several(value).map((entry) => (asText(entry) ?? asJson(entry)).trim())
  const whole = [...new Set(texts.filter((entry) => entry !== ''))].sort()
  if (whole.length <= mostEntries) return whole.map(shortened)
  const cut = whole.slice(mostEntries - 1)
  const rest = `and ${cut.length} more (${digestOf(cut.join('\n'))})`
  return [...whole.slice(0, mostEntries - 1).map(shortened), rest]
}

/** A value that is no text; nothing where there is nothing in it. */
const asJson = (entry: unknown): string => {
  const json = JSON.stringify(entry ?? '')
  return ['""', '{}', '[]'].includes(json) ? '' : json
}

const digestLength = 12

const shortened = (text: string): string =>
  text.length <= mostCharacters
    ? text
    : `${text.slice(0, mostCharacters - digestLength - 3)} (${digestOf(text)})`

const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digestLength)

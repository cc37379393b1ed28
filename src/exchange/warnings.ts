import type { Log } from '../log.js'
import { field, parseObject, withoutAddresses } from './error-text.js'
import { oneLine } from './exchange.js'

const mostWarnings = 20
const longestWarning = 1_000
const mostCharacters = 200
const mostRemembered = 200

/** What Exchange warned of beside an answer: in its body, or in the header `X-Warnings`. */
export function warningsIn(body: object | undefined, headers: Headers): string[] {
  const header = headers.get('x-warnings')
  const listed = [
    ...asList(field(body, '@adminapi.warnings')),
    ...asList(parseObject(header ?? '') ?? header),
  ]
  return listed
    .filter((warning) => typeof warning === 'string' && warning.trim() !== '')
    .slice(0, mostWarnings)
    .map((warning) => warning.slice(0, longestWarning))
}

const asList = (value: unknown): string[] =>
  Array.isArray(value) ? value : typeof value === 'string' ? [value] : []

/** Exchange cuts long lists with a warning beside a reply that otherwise looks whole. */
export const saysThereIsMore = (warning: string): boolean => /more results/i.test(warning)

/**
 * Logs each warning of a cmdlet once. A trace's warning quotes the command that would go on, with a recipient in
 * it, so addresses are blanked out.
 */
export function createWarningLog(
  log: Log,
  tenantId: string,
): (cmdlet: string, warnings: readonly string[]) => void {
  const told = new Set<string>()
  return (cmdlet, warnings) => {
    for (const warning of warnings.map((text) => oneLine(withoutAddresses(text), mostCharacters))) {
      const key = `${cmdlet} ${warning}`
      // Warnings that never repeat would fill the log, and the memory.
      if (told.has(key) || told.size === mostRemembered) continue
      told.add(key)
      log.info({ tenantId, cmdlet, warning }, 'Exchange warned of something')
    }
  }
}

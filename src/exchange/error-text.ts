import { parseJson } from '../http-reply.js'
import type { Command } from './invoke-command.js'

const mostCharacters = 300

/** What was sent, if it is a JSON object or list. */
export function parseObject(body: string | undefined): object | undefined {
  const parsed = parseJson(body)
  return isObject(parsed) ? parsed : undefined
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A field of what Exchange sent, whatever the case of its name: that has been seen to vary. */
export function field(from: unknown, name: string): unknown {
  if (!isObject(from)) return undefined
  return Object.entries(from).find(([key]) => key.toLowerCase() === name)?.[1]
}

/**
 * What Exchange says went wrong, from the most telling place that has something. `details` read
 * "<error id>|<exception type>|<text for people>"; the stack traces beside them are never shown.
 */
export function errorText(body: object | undefined, name: Command['name']): string | undefined {
  const error = field(body, 'error')
  const details = field(error, 'details')
  const candidates = [
    ...(Array.isArray(details) ? details.map((detail) => field(detail, 'message')) : []),
    field(field(field(error, 'innererror'), 'internalexception'), 'message'),
    field(error, 'message'),
  ]
  const text = candidates.map(lastPart).find((part) => part !== '')
  // Whoever wrote to whom is nobody's business, not even in an error.
  return name === 'Get-MessageTraceV2' && text !== undefined ? withoutAddresses(text) : text
}

function lastPart(message: unknown): string {
  if (typeof message !== 'string') return ''
  const text = message.slice(message.lastIndexOf('|') + 1)
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, mostCharacters)
}

/** The text with every mail address in it blanked out. */
export const withoutAddresses = (text: string): string =>
  text.replace(/("[^"]*"|[^\s"'<>,;:=()]+)@[^\s"'<>,;:=()]*[^\s"'<>,;:=().]/g, '(address)')

import { z } from 'zod'
import { isLoopback } from './loopback.js'

// The forms that a setting's value can have. No message repeats the value: it may be a secret in the wrong place.

export const guid = z.guid('must be a GUID, like 159eb7c4-75d7-43e2-95fe-ced44b3e0a56')

export const text = z.string().trim().min(1, 'must not be empty')

export const port = z
  .string()
  .regex(/^\d+$/, 'must be a port number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number, at most 65535')

const httpUrl = (rule: { httpsOnly: boolean }) =>
  z.string().transform((value, context) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    const fine =
      url && (url.protocol === 'https:' || (!rule.httpsOnly && url.protocol === 'http:' && isLoopback(url)))
    // Paths are put behind it.
    const isBare = fine && !url.username && !url.password && !/[?#]/.test(value)
    if (isBare) return value.replace(/\/+$/, '')
    const allowed = rule.httpsOnly ? 'an https URL' : 'an https URL, or plain http to a loopback address'
    context.issues.push({
      code: 'custom',
      message: `must be ${allowed}, without user, password, query or fragment`,
      input: value,
    })
    return z.NEVER
  })

/** Without slashes at its end. */
export const anyUrl = httpUrl({ httpsOnly: false })
export const httpsUrl = httpUrl({ httpsOnly: true })

export const hostList = z.string().transform((value, context) => {
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

const appTypes = ['SingleTenant', 'UserAssignedMSI'] as const

/** In whatever case: Microsoft's own pages write the second one in two ways. */
export const appType = z.string().transform((value, context) => {
  const known = appTypes.find((type) => type.toLowerCase() === value.toLowerCase())
  if (known) return known
  context.issues.push({ code: 'custom', message: `must be ${appTypes.join(' or ')}`, input: value })
  return z.NEVER
})

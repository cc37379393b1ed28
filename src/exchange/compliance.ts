import { z } from 'zod'
import type { AlertPolicy } from '../incident/evidence.js'
import type { Connection } from './connection.js'
import type { ReadEvidence } from './evidence.js'
import type { EvidenceReads, ReadFailure } from './exchange.js'
import { anchorMailbox, type Command } from './invoke-command.js'
import { type Rows, type Send, withToken } from './paged-read.js'
import { anything, flag, properties, several, text, whole } from './properties.js'
import type { Verdict } from './reply.js'
import { invokePath, type Service } from './service.js'
import { trustedRegion } from './trusted-url.js'
import { saysThereIsMore } from './warnings.js'

const command: Command = { name: 'Get-ProtectionAlert' }
const policyName = 'suspicious connector activity'
/** Of Microsoft's own PowerShell module, which greets in this way. */
const moduleVersion = '3.9.2'

/**
 * Security & Compliance over the twin of Exchange's admin API, as undocumented as that: a first GET is answered
 * with a redirect whose host is the tenant's region, and commands go there.
 *
 * @param look sends that first GET
 */
export function complianceService(connection: Connection, look: Send): Service {
  const { complianceUrl, tenantId, organization, tokens } = connection
  const configured = new URL(invokePath(tenantId), complianceUrl)
  const scope = connection.complianceScope ?? `${complianceUrl}/.default`
  const anchor = `UPN:${anchorMailbox}@${organization}`
  const trusts = (candidate: string) => trustedRegion(candidate, configured)
  const greeting = new URL(
    `/adminapi/beta/${tenantId}/EXOBanner('AutogenSession')?Version=${moduleVersion}`,
    complianceUrl,
  )

  return {
    scope,
    anchor,
    trusts,
    async entrance() {
      const verdict = await withToken(tokens, scope, (token) =>
        look(command, { to: greeting, token, anchor }),
      )
      return regionOf(verdict, configured)
    },
  }
}

/** Whoever answers the greeting itself is the region. */
function regionOf(verdict: Verdict, configured: URL): { ok: true; at: URL } | ReadFailure {
  if (verdict.ok) return { ok: true, at: configured }
  if (!('redirectedTo' in verdict)) return verdict.failure
  const named = trustedRegion(verdict.redirectedTo, configured)
  return named ? { ok: true, at: new URL(configured.pathname, named) } : verdict.failure
}

const policyRow = z.object({
  name: text(200),
  disabled: flag,
  notificationenabled: flag,
  notifyuser: anything,
  notifyuserthrottlethreshold: whole,
})

/**
 * The policy "Suspicious connector activity". All policies are read and the name is looked for here: asked for a
 * name that does not exist, Microsoft answers with all of them.
 */
export const createAlertPolicyRead =
  (read: ReadEvidence): EvidenceReads['alertPolicy'] =>
  async () => {
    const answer = await read(command, (row) => policyRow.parse(properties(row)))
    if (!answer.ok) return withAdvice(answer)
    const named = answer.rows.find(({ name }) => name?.toLowerCase() === policyName)
    if (!named) return isWhole(answer) ? { ok: true, policy: undefined } : unreadable
    const policy = policyOf(named)
    return policy ? { ok: true, policy } : unreadable
  }

/** Microsoft gives every tenant policies of its own: a list without any is not the list. */
const isWhole = ({ rows, warnings }: Rows<z.infer<typeof policyRow>>): boolean =>
  rows.length > 0 && rows.every(({ name }) => name !== undefined) && !warnings.some(saysThereIsMore)

function policyOf(row: z.infer<typeof policyRow>): AlertPolicy | undefined {
  const { disabled, notificationenabled, notifyuser } = row
  // What cannot be read is not taken for the best, nor for the worst.
  if (disabled === undefined || notificationenabled === undefined || notifyuser === undefined)
    return undefined
  return {
    enabled: !disabled,
    notifies: notificationenabled,
    recipients: several(notifyuser).filter((one) => one !== '').length,
    dailyLimit: row.notifyuserthrottlethreshold,
  }
}

/** What every failure of that read ends with. */
export const policyAdvice = 'Until then look in the Defender portal, under Policies & rules, Alert policy.'

/** The bot may never be let in there, and people can always look themselves. */
const withAdvice = (failure: ReadFailure): ReadFailure =>
  failure.code === 'stopping'
    ? failure
    : { ...failure, message: `${failure.message.replace(/\.?$/, '.')} ${policyAdvice}` }

const unreadable: ReadFailure = withAdvice({
  ok: false,
  code: 'unreadable',
  message:
    'The answer does not say whether the policy "Suspicious connector activity" is on and whom it tells',
  retryable: true,
})

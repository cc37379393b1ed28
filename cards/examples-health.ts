import { hourMs, type Instant, later, minuteMs } from '../src/clock.js'
import type { HealthShown } from '../src/health/due.js'
import type { TenantHealth } from '../src/health/findings.js'
import type { HealthCause, Problem } from '../src/health/problem.js'
import type { ChecksOf } from './checks/to-view.js'
import { exampleStart } from './examples.js'

// How the bot itself can be, for the examples of its cards.

const contoso = 'contoso.onmicrosoft.com'
const at = (minute: number): Instant => later(exampleStart, minute * minuteMs)
const inDays = (days: number): Instant => later(exampleStart, (days * 24 + 12) * hourMs)

const problem = (
  cause: HealthCause,
  detail?: string,
  more: Partial<Problem> = { tenant: contoso },
): Problem => ({ cause, detail, since: at(5), changedAt: at(15), ...more })

const amiss = (cause: HealthCause, ...problems: Problem[]): HealthShown => ({
  cause,
  amiss: problems,
  over: [],
})

const refused =
  'App 33333333-3333-4333-8333-333333333333 could not sign in to tenant 44444444-4444-4444-8444-444444444444. AADSTS7000222: the client secret has expired; make a new one in the app registration.'

/** One card for each way in which it can look. */
export const exampleHealth: Record<string, HealthShown> = {
  blind: amiss(
    'blind',
    problem('blind', 'unreachable'),
    problem('blind', 'timeout', { tenant: 'fabrikam.onmicrosoft.com' }),
  ),
  blindMany: amiss(
    'blind',
    ...Array.from({ length: 40 }, (_, n) =>
      problem('blind', 'unreachable', { tenant: `customer-${n + 1}.onmicrosoft.com` }),
    ),
  ),
  credentials: amiss('credentials', problem('credentials', refused)),
  certificate: amiss(
    'certificateExpiring',
    problem('certificateExpiring', `exchange ${inDays(9)}`),
    problem('certificateExpiring', `bot ${inDays(-1)}`, {}),
  ),
  auditOff: amiss('auditOff', problem('auditOff')),
  alertLimited: amiss('alertPolicyLimited', problem('alertPolicyLimited', '3')),
  conversationLost: amiss(
    'conversationLost',
    problem('conversationLost', 'Mail security', { conversation: '19:mail-security@thread.tacv2' }),
  ),
  over: {
    cause: 'blind',
    amiss: [],
    over: [problem('blind', 'unreachable', { tenant: contoso, over: { at: at(38) } })],
  },
  unwatched: {
    cause: 'blind',
    amiss: [],
    over: [problem('blind', 'unreachable', { tenant: contoso, over: { at: at(38), unwatched: true } })],
  },
}

const well: TenantHealth = {
  name: 'fabrikam.onmicrosoft.com',
  list: { lastGoodReadAt: at(39) },
  auditing: { collected: true, at: at(20), found: true },
  alertPolicy: {
    collected: true,
    at: at(20),
    found: { enabled: true, notifies: true, recipients: 3 },
  },
  certificates: [{ what: 'exchange', until: { collected: true, at: at(20), found: inDays(200) } }],
  hasUnblockApp: true,
  unblockRefused: { collected: true, at: at(20), found: undefined },
}

const troubled: TenantHealth = {
  name: contoso,
  list: { lastGoodReadAt: at(5), failing: 'unreachable', blindSince: at(5) },
  auditing: { collected: true, at: at(20), found: false },
  alertPolicy: {
    collected: false,
    at: at(20),
    cause: 'Exchange refuses Get-ProtectionAlert to this app (HTTP 403)',
  },
  certificates: [{ what: 'exchange', until: { collected: true, at: at(20), found: inDays(9) } }],
  hasUnblockApp: false,
}

const justStarted: TenantHealth = { name: contoso, list: {}, hasUnblockApp: true }

const approvers = new Map(
  [contoso, 'fabrikam.onmicrosoft.com'].map((name) => [name, { users: 3, groupsAndRoles: 1 }]),
)
const policy = { roleMapHash: '5f0c3a8d9e', approvers, rulesHash: 'absent' }
const here = {
  policy,
  own: [],
  conversation: { id: '19:mail-security@thread.tacv2', watching: true },
  botId: '22222222-2222-4222-8222-222222222222',
}

/** The answer to `checks` where all is well, where it is not, and where nothing is known yet. */
export const exampleChecks: Record<string, ChecksOf> = {
  amiss: {
    ...here,
    tenants: [well, troubled],
    problems: [problem('blind', 'unreachable'), problem('auditOff')],
  },
  well: { ...here, tenants: [well], problems: [] },
  justStarted: {
    ...here,
    tenants: [justStarted],
    problems: [
      problem('auditOff'),
      problem('alertPolicyOff'),
      problem('nobodyMayApprove'),
      problem('conversationLost', 'Mail security', { conversation: '19:mail-security@thread.tacv2' }),
    ],
    own: undefined,
  },
}

import { elapsedMs, hourMs, type Instant } from '../clock.js'
import type { AlertPolicy, Piece } from '../incident/evidence.js'
import { type HealthCause, type HealthEntry, isOpen, keyOf, type Problem } from './problem.js'

/** How the reading of one tenant's restricted list stands. */
export interface ListStatus {
  lastGoodReadAt?: Instant | undefined
  /** Constant word for why the last read failed; undefined if all is well, or nothing was read yet. */
  failing?: string | undefined
  /** The same in words for an admin. */
  message?: string | undefined
  /** Since when there was no good read, once that has lasted for too long. */
  blindSince?: Instant | undefined
}

export type CertificateUse = 'bot' | 'exchange' | 'unblock'

/** A certificate that something of ours signs in with, and until when it is good. */
export interface CertificateSeen {
  what: CertificateUse
  until: Piece<Instant>
}

/** How one watched tenant stands, as far as it was looked at. */
export interface TenantHealth {
  name: string
  list: ListStatus
  /** Whether audit logging is on. */
  auditing?: Piece<boolean> | undefined
  /** The alert policy; none found means that there is no such policy. */
  alertPolicy?: Piece<AlertPolicy | undefined> | undefined
  /** undefined until they were looked at. */
  certificates?: CertificateSeen[] | undefined
  /** Where a second app removes blocks: why Entra refuses it, if it does. */
  unblockRefused?: Piece<string | undefined> | undefined
  /** Whether there is a second app that removes blocks. */
  hasUnblockApp: boolean
}

/** How much the role map names as approvers; how many people that is, only Entra knows. */
export interface ApproversNamed {
  users: number
  groupsAndRoles: number
}

/**
 * What one look at one thing came to. `unknown` where it could not be looked at: that neither makes a problem nor
 * ends one.
 */
export interface Finding {
  cause: HealthCause
  tenant?: string | undefined
  conversation?: string | undefined
  is: 'amiss' | 'fine' | 'unknown'
  detail?: string | undefined
  since?: Instant | undefined
}

type Verdict = Pick<Finding, 'is' | 'detail' | 'since'>

const fine: Verdict = { is: 'fine' }
const unknown: Verdict = { is: 'unknown' }

/** A certificate is spoken of this long before it expires. */
export const certificateNoticeMs = 14 * 24 * hourMs

/** A conversation that is lost for so long is watched no more: nobody can say so there. */
export const lostForGoodMs = 7 * 24 * hourMs

/** Everything that is or is not amiss with one tenant. */
export function findingsOf(tenant: TenantHealth, now: Instant): Finding[] {
  const verdicts: [HealthCause, Verdict][] = [
    ...listVerdicts(tenant.list),
    ['certificateExpiring', certificateVerdict(tenant.certificates, now)],
    ['unblockCredentials', tenant.hasUnblockApp ? refusalVerdict(tenant.unblockRefused) : fine],
    ['auditOff', tenant.auditing?.collected ? amissIf(!tenant.auditing.found) : unknown],
    ...policyVerdicts(tenant.alertPolicy),
  ]
  return verdicts.map(([cause, verdict]) => ({ cause, tenant: tenant.name, ...verdict }))
}

function listVerdicts(list: ListStatus): [HealthCause, Verdict][] {
  const { failing, message, blindSince, lastGoodReadAt } = list
  const isGood = lastGoodReadAt !== undefined && blindSince === undefined && failing === undefined
  const isPartial = failing === 'rowUnreadable'
  // What makes the bot blind is spoken of in place of blindness: it has a card that says what to do.
  const isNamed = isPartial || failing === 'credentials' || failing === 'permission'
  const listed = isGood || isPartial ? fine : unknown
  return [
    ['blind', blindSince && !isNamed ? { is: 'amiss', detail: failing, since: blindSince } : listed],
    // Whoever is told that a role is missing was let in.
    [
      'credentials',
      failing === 'credentials' ? { is: 'amiss', detail: message } : failing === 'permission' ? fine : listed,
    ],
    ['permission', failing === 'permission' ? { is: 'amiss', detail: message } : listed],
    ['listIncomplete', isPartial ? { is: 'amiss' } : isGood ? fine : unknown],
  ]
}

/** What is said of a certificate, in the record: for what it is used, and until when it is good. */
const certificateDetail = ({ what }: CertificateSeen, until: Instant): string => `${what} ${until}`

/** @param detail as `certificateExpiring` has it */
export function certificateIn(detail: string | undefined): { what: CertificateUse; until: Instant } {
  const [what = '', until = ''] = (detail ?? '').split(' ')
  return { what: what as CertificateUse, until }
}

/** Of several, the one that expires first counts. */
export function certificateVerdict(seen: CertificateSeen[] | undefined, now: Instant): Verdict {
  if (!seen) return unknown
  const [first] = seen
    .flatMap((one) => (one.until.collected ? [{ one, until: one.until.found }] : []))
    .sort((a, b) => (a.until < b.until ? -1 : 1))
  if (first && elapsedMs(now, first.until) <= certificateNoticeMs)
    return { is: 'amiss', detail: certificateDetail(first.one, first.until) }
  return seen.every(({ until }) => until.collected) ? fine : unknown
}

function refusalVerdict(refused: Piece<string | undefined> | undefined): Verdict {
  if (!refused?.collected) return unknown
  return refused.found === undefined ? fine : { is: 'amiss', detail: refused.found }
}

/** Each is asked only where what it builds on is there: a policy that is off has not got its recipients back. */
function policyVerdicts(piece: TenantHealth['alertPolicy']): [HealthCause, Verdict][] {
  const policy = piece?.collected ? piece.found : undefined
  const notifies = policy?.enabled ? policy.notifies && policy.recipients > 0 : undefined
  const limit = policy?.dailyLimit
  return [
    ['alertPolicyMissing', piece?.collected ? amissIf(policy === undefined) : unknown],
    ['alertPolicyOff', policy ? amissIf(!policy.enabled) : unknown],
    ['alertPolicySilent', notifies === undefined ? unknown : amissIf(!notifies)],
    [
      'alertPolicyLimited',
      notifies ? { ...amissIf(limit !== undefined), detail: limit?.toString() } : unknown,
    ],
  ]
}

const amissIf = (condition: boolean): Verdict => (condition ? { is: 'amiss' } : fine)

/** A detail that changes again and again is not worth a line of the record each time. */
const changedAtMostEveryMs = hourMs

/**
 * What the record has to say after a look: what is newly amiss, and what is not any more. What was not looked at,
 * or could not be, stays as it is; what nobody will look at again is over.
 * @param known every problem of the record, over or not
 */
export function entriesFor(known: Problem[], findings: Finding[], now: Instant): HealthEntry[] {
  const open = new Map(known.filter(isOpen).map((problem) => [keyOf(problem), problem]))
  const entries = findings.flatMap((finding) => entryFor(finding, open.get(keyOf(finding)), now))
  const lookedAt = new Set(findings.map(keyOf))
  const left = [...open.values()].filter((problem) => !lookedAt.has(keyOf(problem)))
  return [...entries, ...left.map((problem) => cleared(problem, { unwatched: true }))]
}

function entryFor(finding: Finding, open: Problem | undefined, now: Instant): HealthEntry[] {
  const { cause, tenant, conversation, detail, is } = finding
  if (is === 'fine') return open ? [cleared(finding)] : []
  if (is === 'unknown') return []
  const hasNews = !open || (open.detail !== detail && elapsedMs(open.changedAt, now) >= changedAtMostEveryMs)
  if (!hasNews) return []
  const since = open?.since ?? finding.since ?? now
  return [{ type: 'healthRaised', cause, tenant, conversation, detail, since }]
}

const cleared = (
  { cause, tenant, conversation }: Pick<Problem, 'cause' | 'tenant' | 'conversation'>,
  how: { unwatched?: true } = {},
): HealthEntry => ({ type: 'healthCleared', cause, tenant, conversation, ...how })

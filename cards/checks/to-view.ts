import { elapsedMs, type Instant } from '../../src/clock.js'
import { wholeDays } from '../../src/health/due.js'
import {
  type ApproversNamed,
  type CertificateSeen,
  certificateNoticeMs,
  type TenantHealth,
} from '../../src/health/findings.js'
import { type HealthCause, isOpen, type Problem } from '../../src/health/problem.js'
import { openUrl } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, type Shown, show, showUnlinked } from '../escape.js'
import { onDevice } from '../times.js'
import type { CheckRow, ChecksView } from './view.js'

export interface ChecksOf {
  /** The watched tenants that are served here and that the person may see. */
  tenants: TenantHealth[]
  /** What the record says to be amiss. */
  problems: Problem[]
  /** The role map and the rules in force. */
  policy: { roleMapHash: string; approvers: ReadonlyMap<string, ApproversNamed>; rulesHash: string }
  /** Certificates of the bot itself; undefined until they were looked at. */
  own: CertificateSeen[] | undefined
  conversation: { id: string; watching: boolean }
  /** Application id of the bot. */
  botId: string
}

/** Few tenants leave room to say why in full. */
interface ChecksContext extends CardContext {
  short: (text: string) => Shown
}
const fewTenants = 4
/** As many as the card's size allows, whatever is said of each. */
const mostTenants = 10
const mostOfManyDetails = 32

type Sign = 'fine' | 'amiss' | 'unknown'

const signs: Record<Sign, { sign: string; color: CheckRow['color'] }> = {
  fine: { sign: '✓', color: 'default' },
  amiss: { sign: '!', color: 'attention' },
  unknown: { sign: '?', color: 'warning' },
}

interface Check {
  is: Sign
  words: string
}

const rowOf = ({ is, words }: Check): CheckRow => ({
  text: `**${signs[is].sign}** ${words}`,
  color: signs[is].color,
})

/** Causes that are looked up where Microsoft shows them, if the bot could not see for itself. */
const links = ['alertPolicyOff', 'credentials', 'blind'] as const

export function toChecksView(checks: ChecksOf, card: CardContext): ChecksView {
  const most = checks.tenants.length > fewTenants ? mostOfManyDetails : mostShown.text
  const context: ChecksContext = { ...card, short: (text) => showUnlinked(text, most) }
  const words = context.texts.checks
  const open = checks.problems.filter(isOpen)
  const tenants = checks.tenants
    .map((tenant) => ({ name: tenant.name, checks: checksOf(tenant, checks, open, context) }))
    .sort((one, other) => urgency(one.checks) - urgency(other.checks))
  const own = ownChecks(checks, open, context)
  const amiss = [...tenants.flatMap((tenant) => tenant.checks), ...own].filter(({ is }) => is === 'amiss')
  const summary = words.summary(amiss.length)
  const shown = tenants.slice(0, mostTenants)
  return {
    fallbackText: `${words.title}: ${summary}`,
    title: words.title,
    subtitle: words.asOf(summary, onDevice(context.now)),
    tenants: shown.map((tenant) => ({
      name: show(tenant.name, mostShown.tenant),
      rows: tenant.checks.map(rowOf),
    })),
    more: tenants.length > shown.length ? [words.more(tenants.length - shown.length)] : [],
    own: { title: words.own, rows: own.map(rowOf), ids: idsOf(checks, context) },
    buttons: shown.some((tenant) => urgency(tenant.checks) < 2) ? [{ actions: linksOf(context) }] : [],
  }
}

/** 0 where something is amiss, 1 where something is not known, 2 where all is well. */
const urgency = (checks: Check[]): number =>
  Math.min(2, ...checks.map(({ is }) => ({ amiss: 0, unknown: 1, fine: 2 })[is]))

const linksOf = ({ texts }: CardContext) =>
  links.flatMap((cause) => {
    const { link } = texts.health.causes[cause]
    return link ? [openUrl(link.title, link.url)] : []
  })

function checksOf(
  tenant: TenantHealth,
  { policy }: ChecksOf,
  open: Problem[],
  context: ChecksContext,
): Check[] {
  const of = (cause: HealthCause) =>
    open.find((problem) => problem.cause === cause && problem.tenant === tenant.name)
  return [
    listCheck(tenant, context),
    accessCheck(tenant, of('credentials') ?? of('permission'), context),
    ...unblockCheck(tenant, context),
    ...certificateChecks(tenant.certificates, context),
    auditCheck(tenant, of('auditOff'), context),
    policyCheck(tenant, open, context),
    approverCheck(policy.approvers.get(tenant.name), context),
  ]
}

function approverCheck(named: ApproversNamed | undefined, { texts }: ChecksContext): Check {
  const { users, groupsAndRoles } = named ?? { users: 0, groupsAndRoles: 0 }
  return {
    is: users + groupsAndRoles > 0 ? 'fine' : 'amiss',
    words: texts.checks.approvers(users, groupsAndRoles),
  }
}

function listCheck({ list }: TenantHealth, { texts, now }: ChecksContext): Check {
  const { checks } = texts
  const { lastGoodReadAt, failing } = list
  const age = lastGoodReadAt && checks.ago(lastGoodReadAt, now)
  if (!failing)
    return age ? { is: 'fine', words: checks.read(age) } : { is: 'unknown', words: checks.notReadYet }
  if (failing === 'rowUnreadable') return { is: 'amiss', words: checks.readInPart(age) }
  return { is: 'amiss', words: checks.notRead(texts.health.failing(failing), age) }
}

function accessCheck(
  { list }: TenantHealth,
  problem: Problem | undefined,
  { texts, short }: ChecksContext,
): Check {
  const { checks } = texts
  const refused = list.failing === 'credentials' || list.failing === 'permission'
  const why = (refused ? list.message : problem?.detail) ?? ''
  if (refused || problem) return { is: 'amiss', words: checks.refused(short(why)) }
  const answered = list.failing === 'rowUnreadable' || (list.lastGoodReadAt && !list.failing)
  return answered ? { is: 'fine', words: checks.accepted } : { is: 'unknown', words: checks.accessUnknown }
}

function unblockCheck({ hasUnblockApp, unblockRefused }: TenantHealth, context: ChecksContext): Check[] {
  const { checks } = context.texts
  if (!hasUnblockApp) return []
  if (!unblockRefused?.collected)
    return [{ is: 'unknown', words: checks.unblockUnknown(causeOf(unblockRefused, context)) }]
  const { found } = unblockRefused
  return [
    found === undefined
      ? { is: 'fine', words: checks.unblockAccepted }
      : { is: 'amiss', words: checks.unblockRefused(context.short(found)) },
  ]
}

const certificateChecks = (seen: CertificateSeen[] | undefined, context: ChecksContext): Check[] =>
  (seen ?? []).map(({ what, until }): Check => {
    const { checks, health } = context.texts
    if (!until.collected)
      return { is: 'unknown', words: checks.certificateUnknown(what, causeOf(until, context)) }
    const isSoon = elapsedMs(context.now, until.found) <= certificateNoticeMs
    const words = health.certificate(what, onDevice(until.found), wholeDays(context.now, until.found))
    return { is: isSoon ? 'amiss' : 'fine', words }
  })

function auditCheck({ auditing }: TenantHealth, known: Problem | undefined, context: ChecksContext): Check {
  const { checks } = context.texts
  if (auditing?.collected) {
    const age = checks.ago(auditing.at, context.now)
    return auditing.found
      ? { is: 'fine', words: checks.auditOn(age) }
      : { is: 'amiss', words: checks.auditOff(age) }
  }
  const why = causeOf(auditing, context)
  // What was known to be off is not on because nobody can look.
  if (known) return { is: 'amiss', words: checks.auditWasOff(onDevice(known.changedAt), why) }
  return { is: 'unknown', words: checks.auditUnknown(why) }
}

const policyCauses: readonly HealthCause[] = [
  'alertPolicyMissing',
  'alertPolicyOff',
  'alertPolicySilent',
  'alertPolicyLimited',
]

function policyCheck({ name, alertPolicy }: TenantHealth, open: Problem[], context: ChecksContext): Check {
  const { checks, health } = context.texts
  if (alertPolicy?.collected) {
    const policy = alertPolicy.found
    const age = checks.ago(alertPolicy.at, context.now)
    if (!policy) return { is: 'amiss', words: checks.policyMissing(age) }
    const good = policy.enabled && policy.notifies && policy.recipients > 0 && policy.dailyLimit === undefined
    return { is: good ? 'fine' : 'amiss', words: checks.policy(policy, age) }
  }
  const why = causeOf(alertPolicy, context)
  const known = open.find(({ cause, tenant }) => tenant === name && policyCauses.includes(cause))
  if (known)
    return {
      is: 'amiss',
      words: checks.policyWas(health.causes[known.cause].title, onDevice(known.changedAt), why),
    }
  return { is: 'unknown', words: checks.policyUnknown(why) }
}

function ownChecks({ policy, own }: ChecksOf, open: Problem[], context: ChecksContext): Check[] {
  const { checks, health } = context.texts
  const known = (...causes: HealthCause[]) => open.find(({ cause }) => causes.includes(cause))
  const file = (problem: Problem | undefined, words: string): Check => ({
    is: problem ? 'amiss' : 'fine',
    words: problem ? `${health.causes[problem.cause].title}. ${words}` : words,
  })
  const lost = open.filter(({ cause }) => cause === 'conversationLost')
  return [
    file(known('roleMapBroken'), checks.roleMap(shortHash(policy.roleMapHash))),
    file(known('rulesBroken'), checks.rules(shortHash(policy.rulesHash))),
    ...certificateChecks(own, context),
    ...(lost.length > 0 ? [{ is: 'amiss' as const, words: health.summary('conversationLost', lost) }] : []),
  ]
}

function idsOf({ conversation, botId, tenants }: ChecksOf, { texts }: ChecksContext): string[] {
  const { checks } = texts
  const names = tenants.slice(0, 3).map(({ name }) => show(name, mostShown.word))
  return [
    checks.conversation(show(conversation.id, mostShown.id), conversation.watching),
    checks.serves(names, tenants.length - names.length),
    checks.bot(show(botId, mostShown.word)),
  ]
}

/** Enough of it to tell two files apart; `absent` where there is none. */
const shortHash = (hash: string): string => show(hash.slice(0, 8), 8)

/** Why something was not found out; undefined where nobody has looked yet. */
const causeOf = (
  piece: { collected: boolean; at: Instant; cause?: string } | undefined,
  { texts, short }: ChecksContext,
): string => (piece?.cause === undefined ? texts.checks.notLookedYet : short(piece.cause))

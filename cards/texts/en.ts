import { elapsedMs, type Instant, minuteMs } from '../../src/clock.js'
import type { CertificateUse } from '../../src/health/findings.js'
import type { HealthCause, Problem } from '../../src/health/problem.js'
import type { Role } from '../../src/incident/commands.js'
import type { IncidentEvent } from '../../src/incident/events.js'
import type { AlertPolicy, ConnectorAct, ConnectorChange, Traffic } from '../../src/incident/evidence.js'
import {
  type ClearedCause,
  codeOf,
  type Incident,
  type Person,
  type RecordedEvent,
  type Status,
} from '../../src/incident/incident.js'
import type { Refusal } from '../../src/incident/refusal.js'
import {
  approverSeenHours,
  evidenceFreshMinutes,
  quorumLifeMinutes,
  reasonLength,
} from '../../src/incident/rules.js'
import type { StepId } from '../../src/incident/steps.js'
import { mentionName, mostShown, type Shown, show, showName, showUnlinked } from '../escape.js'
import { mayBeOurs, type Phase } from '../phase.js'

// Everything that people read, in English. Parameters of type `Shown` are foreign text that was made safe;
// functions that take an incident, an event or a refusal make safe what they quote of it.

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A time where Teams does not localise: previews, replies, fallback texts. */
const utc = (at: Instant): string =>
  `${at.slice(11, 16)} UTC on ${Number(at.slice(8, 10))} ${months[Number(at.slice(5, 7)) - 1]}`

const number = new Intl.NumberFormat('en').format

const count = (n: number, one: string, many: string): string => `${number(n)} ${n === 1 ? one : many}`

/** How long something took or has been going on, in at most two units; under a minute counts as one. */
function duration(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / minuteMs))
  if (minutes < 60) return `${minutes} min`
  if (minutes < 48 * 60)
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`
  return `${Math.round(minutes / 60 / 24)} days`
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const mostNamed = 5

/** Of many, the first few. */
const fewOf = (names: readonly string[]): string =>
  names.length <= mostNamed
    ? list(names)
    : `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`

const nameList = (people: readonly Person[]): string => list(people.map(showName))

const quote = (text: string, most: number = mostShown.short): string => `“${show(text, most)}”`

const connectorOf = ({ restriction }: Incident): Shown =>
  showUnlinked(restriction.connectorName?.trim() || restriction.connectorId, mostShown.connector)

const tenantOf = ({ tenant }: Incident): Shown => show(tenant, mostShown.tenant)

const roleNames: Record<Role, string> = { viewer: 'viewer', responder: 'responder', approver: 'approver' }

const buttons = {
  acknowledge: 'Acknowledge',
  done: 'Done',
  skip: 'Not applicable',
  undo: 'Undo',
  note: 'Add note',
  approve: 'Approve unblock',
  keep: 'Keep blocked',
  reopen: 'Reopen',
  retry: 'Try again',
  defender: 'Open in Defender',
  refresh: 'Refresh',
  show: 'Open',
  previousPage: 'Previous',
  nextPage: 'Next',
}

interface StepText {
  title: string
  /** What to look at, and what each finding means. */
  how: string
  links: { title: string; url: string }[]
  /** Lines of PowerShell. */
  commands: (connectorId: Shown) => string[]
}

const steps: Record<StepId, StepText> = {
  traffic: {
    title: 'Is the mail through it yours?',
    how: 'Trace the mail of the connector’s domain and IP addresses. Sudden volume, sending addresses that are not yours, sender domains that you do not own, or much that was filtered as spam: the connector is misused.',
    links: [
      { title: 'Message trace', url: 'https://admin.exchange.microsoft.com/#/messagetrace' },
      { title: 'Explorer', url: 'https://security.microsoft.com/threatexplorer' },
    ],
    commands: () => ['Get-MessageTraceV2 -FromIP <IP of the connector>'],
  },
  audit: {
    title: 'Who created or changed it?',
    how: 'Search the audit log for connectors that were created, changed or removed in the last two weeks, and ask whoever did it. A change that nobody can explain is a break-in. Entries can be more than an hour late.',
    links: [{ title: 'Audit log', url: 'https://security.microsoft.com/auditlogsearch' }],
    commands: () => [
      'Search-UnifiedAuditLog -StartDate (Get-Date).AddDays(-14) -EndDate (Get-Date) -Operations New-InboundConnector, Set-InboundConnector, Remove-InboundConnector',
    ],
  },
  revert: {
    title: 'Put the connectors right',
    how: 'Undo every change that was not meant to be. Look at all connectors, not at this one alone; turn off or remove any that nobody knows.',
    links: [{ title: 'Connectors', url: 'https://admin.exchange.microsoft.com/#/connectors' }],
    commands: (connectorId) => [
      'Get-InboundConnector | Format-List Name, Guid, Enabled, ConnectorType, Sender*, Tls*, Restrict*',
      `Set-InboundConnector -Identity ${connectorId} -Enabled $false`,
    ],
  },
  account: {
    title: 'Secure the account that changed it',
    how: 'If the change was not meant to be, the admin account behind it is in other hands: reset its password, revoke its sessions, require MFA for all admins, and look for what else it did. If nobody’s account is involved: Not applicable, with a note that says why.',
    links: [{ title: 'Users in Entra', url: 'https://entra.microsoft.com/' }],
    commands: () => ['Revoke-MgUserSignInSession -UserId <account>'],
  },
  alerting: {
    title: 'Will the next alert reach somebody?',
    how: 'The alert policy “Suspicious connector activity” should be on with recipients who read it, and audit logging should be on: without it there is no alert. The first line below is for Exchange Online PowerShell, the second for Security & Compliance PowerShell (Connect-IPPSSession).',
    links: [{ title: 'Alert policies', url: 'https://security.microsoft.com/alertpoliciesv2' }],
    commands: () => [
      'Get-AdminAuditLogConfig | Format-List Unified*',
      'Get-ProtectionAlert -Identity "Suspicious connector activity"',
    ],
  },
}

const stepTitles = (ids: readonly StepId[]): string => list(ids.map((id) => `“${steps[id].title}” (${id})`))

const statuses: Record<Status, string> = {
  open: 'blocked',
  approved: 'approved, not yet removed',
  removing: 'being unblocked',
  stuck: 'waiting for a person, because its unblock is not confirmed',
  kept: 'kept blocked',
  unblocked: 'unblocked',
  cleared: 'no longer blocked',
}

const phases: Record<Phase, string> = {
  untaken: 'Blocked · nobody is on it',
  working: 'Blocked · being worked on',
  deciding: 'Blocked · waiting for approval',
  approved: 'Unblock approved',
  removing: 'Unblocking · waiting for Exchange',
  stuck: 'Unblock not confirmed · needs a person',
  failed: 'Unblock failed · needs a person',
  kept: 'Kept blocked on purpose',
  unblocked: 'Unblocked',
  cleared: 'No longer blocked',
  replaced: 'Blocked again since',
}

const waiting: Record<Phase, string> = {
  untaken: 'waits for a responder',
  working: 'waits for the steps to be settled',
  deciding: 'waits for an approver',
  approved: 'the bot removes the block',
  removing: 'waits for Exchange',
  stuck: 'waits for an approver',
  failed: 'waits for an approver',
  kept: 'rests until an approver reopens it',
  unblocked: 'over',
  cleared: 'over',
  replaced: 'over, replaced by a newer one',
}

const incident = {
  where: (tenant: Shown, since: string) => `${tenant} · blocked since ${since}`,
  // Microsoft shows this very code to senders; support calls quote it.
  what: 'Exchange Online blocked this inbound connector because it looks misused to send spam. Its mail is refused: senders get **550 5.7.711**.',
  exchangeSays: (reason: Shown) => `Exchange’s reason: ${reason}`,
  stuckWhat: {
    notDone: 'The unblock failed: Exchange did not remove the block. Senders still get **550 5.7.711**.',
    unknownOutcome:
      'The unblock was sent, but whether Exchange did it is not known, and the connector was still listed ten minutes later. Senders may still get **550 5.7.711**.',
    stillListed:
      'The unblock was accepted by Exchange, but one hour later the connector is still listed. Senders may still get **550 5.7.711**.',
  },
  stillBlocked: 'Senders still get **550 5.7.711**.',
  again: (previous: string, ended: string, approvers: Shown[], required: number) =>
    `**Blocked again:** ${previous} of the same connector ended ${ended}${approvers.length > 0 ? `, unblocked by ${list(approvers)}` : ''}. It now takes ${count(required, 'approver', 'approvers')}.`,
  takenBy: (name: Shown, at: string) => `**On it:** ${name}, since ${at}`,
  approvedBy: (name: Shown, reason: Shown) => `**Approved** by ${name}: “${reason}”`,
  keptBy: (name: Shown, at: string, reason: Shown) =>
    `${name} decided at ${at} to keep it blocked: “${reason}”`,
  heldUp: (at: string, cause: Shown) => `**Held up** since ${at}, and the bot keeps trying: ${cause}`,
  removalSent: (at: string) => `The removal was begun at ${at} and has not been answered yet.`,
  removalAccepted: (at: string) =>
    `The removal was sent at ${at} and Exchange accepted it. Taking effect can take up to one hour.`,
  removalUnknown: (at: string) =>
    `The removal was begun at ${at}; whether Exchange did it is not known. It is not sent a second time: the bot looks whether the connector leaves the list.`,
  nextTitle: 'What to do now',
  next: {
    untaken: (required: number) =>
      `A responder presses **Acknowledge** and works through the ${count(required, 'required step', 'required steps')} below. Then an approver decides.`,
    working: (who: Shown | undefined, open: number) =>
      `${who ?? 'A responder'} settles the ${open === 1 ? 'last required step' : `${open} required steps that are left`} below. Then an approver decides.`,
    deciding: (given: number, left: number) =>
      `All required steps are settled. ${left > 1 ? `${left} approvers each give` : given > 0 ? 'Another approver gives' : 'An approver gives'} a reason below and ${left > 1 ? 'press' : 'presses'} **Approve unblock** or **Keep blocked**.`,
    approved: `Nothing. The bot checks once more and removes the block; if it cannot within ${quorumLifeMinutes} minutes, it asks for a new approval. Until the removal is sent, **Keep blocked** stops it.`,
    removing: 'Nothing. The bot keeps reading the list and says here when the connector is gone from it.',
    stuck:
      'An approver looks in Defender whether it is still blocked. If it is, give a reason below and press **Try again**.',
    failed: 'An approver puts right what stopped it, gives a reason below and presses **Try again**.',
    kept: 'Nothing. If things have changed, an approver gives a reason and presses **Reopen**.',
  },
  checklistTitle: 'Before unblocking',
  progress: (settled: number, required: number) => `${settled} of ${required} required steps settled`,
  stepRequired: (step: StepId) => `Required · ${step}`,
  stepOptional: (step: StepId) => `Optional · ${step}`,
  stepDone: (name: Shown, at: string) => `Done by ${name}, ${at}`,
  stepSkipped: (name: Shown, at: string) => `Not applicable, says ${name}, ${at}`,
  stepNote: (note: Shown) => `“${note}”`,
  how: 'How?',
  more: 'Change',
  noteLabel: 'Note (goes with Done; required for Not applicable)',
  notePlaceholder: 'What you found, in a sentence',
  decisionTitle: 'Decision',
  approvals: (given: number, required: number) => `Approvals: ${given} of ${required}`,
  approvalsAfterSteps: (open: number) =>
    `Approve unblock works once the ${open === 1 ? 'open required step is' : `${open} open required steps are`} settled. Keep blocked works at any time.`,
  vote: (name: Shown, at: string, until: string, reason: Shown) =>
    `✓ ${name} approved at ${at}, counts until ${until}: “${reason}”`,
  overrideVote: (name: Shown, at: string, until: string, reason: Shown) =>
    `✓ ${name} approved with steps left open at ${at}, counts until ${until}: “${reason}”`,
  moreVotes: (n: number) => `… and ${count(n, 'more approval', 'more approvals')}`,
  reasonLabel: `Reason (${reasonLength.least} to ${reasonLength.most} characters, kept in the record)`,
  reasonPlaceholder: {
    decide: 'Why it is safe to unblock, or why it stays blocked',
    keep: 'Why it stays blocked',
    reopen: 'What has changed',
    retry: 'What was put right',
  },
  stuckTitle: 'What is known',
  stuck: {
    known: {
      notDone: (cause: Shown | undefined) =>
        `**Known:** ${cause ? `it failed with “${cause}”` : 'it failed without an answer'}. The connector is still blocked.`,
      unknownOutcome: (cause: Shown | undefined) =>
        `**Known:** ${cause ? `the call ended with “${cause}”` : 'the answer was never learnt'}. Ten minutes later the connector was still listed.`,
      stillListed: () =>
        '**Known:** Exchange accepted the removal. One hour later the connector is still listed.',
    },
    tried: (at: string) =>
      `**Tried:** Remove-BlockedConnector, once, at ${at}. It is never sent again by itself.`,
    todo: '**Instead of Try again:** unblock it in Defender (Open in Defender, above), or with:',
    support:
      '**Instead of Try again:** unblock it in Defender (Open in Defender, above), or with the line below. If that does not help either, open a case with Microsoft support.',
    command: (connectorId: Shown, code: string) =>
      `Remove-BlockedConnector -ConnectorId ${connectorId} -Reason "${code}"`,
  },
  historyTitle: 'What happened so far',
  earlier: (n: number) => `… and ${count(n, 'earlier entry', 'earlier entries')}`,
  entry: (at: string, line: string) => `${at} · ${line}`,
  hint: (command: string) => `Buttons do not answer, as on some phones? Mention the bot and type ${command}.`,
  typed: {
    untaken: (code: string) => `**ack ${code}**`,
    working: (code: string, step: StepId) => `**done ${code} ${step}**, with a note if you like`,
    deciding: (code: string) => `**approve ${code}** or **keep ${code}**, then your reason`,
    approved: (code: string) => `**keep ${code}**, then your reason`,
    removing: (code: string) => `**note ${code}**, then what you know`,
    stuck: (code: string) => `**retry ${code}**, then your reason`,
    failed: (code: string) => `**retry ${code}**, then your reason`,
    kept: (code: string) => `**reopen ${code}**, then your reason`,
    unblocked: (code: string) => `**note ${code}**, then what you know`,
    cleared: (code: string) => `**note ${code}**, then what you know`,
    replaced: (code: string) => `**note ${code}**, then what you know`,
  } satisfies Record<Phase, (code: string, step: StepId) => string>,
}

/** Settings of a connector in plain words, by our names and by Exchange's. */
const settingNames: Record<string, string> = {
  name: 'name',
  enabled: 'on or off',
  type: 'type',
  source: 'who made it',
  senderDomains: 'sender domains',
  senderIps: 'sender addresses',
  senderIPAddresses: 'sender addresses',
  tlsCertificate: 'TLS certificate name',
  tlsSenderCertificateName: 'TLS certificate name',
  requireTls: 'TLS required',
  restrictToIps: 'restricted to its addresses',
  restrictDomainsToIPAddresses: 'restricted to its addresses',
  restrictToCertificate: 'restricted to its certificate',
  restrictDomainsToCertificate: 'restricted to its certificate',
  acceptedDomains: 'accepted domains',
  associatedAcceptedDomains: 'accepted domains',
  cloudServicesMail: 'keeps headers of hybrid mail',
  cloudServicesMailEnabled: 'keeps headers of hybrid mail',
  connectorType: 'type',
  treatAsInternal: 'treats mail as internal',
  treatMessagesAsInternal: 'treats mail as internal',
  skipIps: 'skipped addresses',
  skipLastIp: 'skips the last address',
  trustedOrganizations: 'trusted organisations',
  comment: 'comment',
  changedAt: 'something that is not shown here',
}

const settingName = (property: string): string =>
  wordFor(settingNames, property) ??
  wordFor(settingNames, property.slice(0, 1).toLowerCase() + property.slice(1)) ??
  show(property, mostShown.word)

const valueWords: Record<string, string> = { '': 'nothing', true: 'yes', false: 'no' }
const settingValue = (value: string): string => wordFor(valueWords, value) ?? `“${value}”`

/** What comes from outside may be called like something that every object has. */
const wordFor = (words: Record<string, string>, key: string): string | undefined =>
  Object.hasOwn(words, key) ? words[key] : undefined

const actWords: Record<ConnectorAct, string> = {
  'New-InboundConnector': 'created it',
  'Set-InboundConnector': 'changed it',
  'Remove-InboundConnector': 'deleted it',
  'Remove-BlockedConnector': 'removed a block of it',
}

/** How far apart a change and the block were, for the eye: the order is what matters. */
function relative({ at, blockedAt }: { at: Instant; blockedAt: Instant }): string {
  const ms = elapsedMs(at, blockedAt)
  return ms >= 0 ? `${duration(ms)} before it was blocked` : `${duration(-ms)} after it was blocked`
}

const evidence = {
  collecting: 'What the bot can find out by itself is being collected and appears on the steps.',
  tooLong: 'Not all that was found out fits on this card. The commands under **How?** show the rest.',
  sourced: (text: string, source: string, at: string) => `${text} (${source}, ${at})`,
  notCollected: (cause: Shown) => `**Not collected:** ${cause}`,
  ownReadings: 'own hourly readings',
  counted: ({ hours, addresses, leftOut, counts }: Traffic) => {
    const least = counts.atLeast ? 'at least ' : ''
    const left =
      leftOut > 0 ? `; ${count(leftOut, 'range or address', 'ranges or addresses')} not counted` : ''
    const from = addresses === 1 ? 'its address' : `${addresses} of its addresses`
    return counts.messages === 0
      ? `No mail from ${from} in the last ${hours} h${left}`
      : `**${least}${count(counts.messages, 'message', 'messages')}** from ${from} in the last ${hours} h, **${least}${number(counts.spam)} filtered as spam or quarantined**${left}`
  },
  nothingLogged: '**Audit logging is off: what is changed is not logged.** Nothing found means nothing.',
  noActsRead: (since: string) =>
    `Among what could be read there is no change of this connector since ${since}; there may be some.`,
  noActs: (since: string) => `The log has no change of this connector since ${since}.`,
  act: (
    act: ConnectorAct,
    account: Shown,
    times: { at: Instant; blockedAt: Instant },
    settings: string[],
  ) => {
    const what = [...new Set(settings.map(settingName))].slice(0, 6)
    return `**${account}** ${actWords[act]} ${relative(times)}${what.length > 0 ? `: ${what.join(', ')}` : ''}.`
  },
  moreActs: (n: number) => `… and ${count(n, 'earlier entry', 'earlier entries')}.`,
  auditEnd: (others: number, complete: boolean) =>
    `${others === 0 ? 'No change of other connectors.' : `${count(others, 'change', 'changes')} of other connectors.`}${complete ? '' : ' **Not all entries could be read.**'} Entries can be 90 minutes late`,
  noConnector:
    'No inbound connector has this id: it was removed, or Exchange lists it under another id. Details cannot be shown',
  connector: (is: {
    enabled: boolean | undefined
    type: Shown | undefined | ''
    addresses: Shown[]
    /** Undefined for all domains. */
    domains: (Shown | undefined)[]
    certificate: Shown | undefined | ''
    requireTls: boolean | undefined
    restrictToIps: boolean | undefined
    restrictToCertificate: boolean | undefined
  }) =>
    [
      is.enabled === undefined ? 'Now' : `Now turned ${is.enabled ? 'on' : 'off'}`,
      ...(is.type ? [is.type === 'OnPremises' ? 'on-premises' : is.type.toLowerCase()] : []),
      is.addresses.length > 0 ? `from ${upTo(3, is.addresses)}` : 'no sender addresses named',
      ...(is.domains.length > 0
        ? [
            `for ${upTo(
              3,
              is.domains.map((domain) => domain ?? 'all domains'),
            )}`,
          ]
        : []),
      is.certificate ? `TLS name ${is.certificate}` : 'no TLS name',
      ...yesOrNo(is.requireTls, 'TLS required', 'TLS not required'),
      ...yesOrNo(is.restrictToIps, 'held to its addresses', 'not held to its addresses'),
      ...yesOrNo(is.restrictToCertificate, 'held to its certificate', 'not held to its certificate'),
    ].join(', '),
  change: (
    kind: ConnectorChange['kind'],
    { from, to }: { from: string; to: string },
    properties: { property: string; was: Shown; is: Shown }[],
  ) => {
    if (kind === 'removed') return `Disappeared between ${from} and ${to}`
    if (kind === 'appeared') return `Appeared between ${from} and ${to}`
    const what = properties.map(({ property, was, is }) =>
      property === 'changedAt'
        ? settingName(property)
        : `${settingName(property)}: was ${settingValue(was)}, is ${settingValue(is)}`,
    )
    return `Changed between ${from} and ${to}: ${what.join('; ')}`
  },
  moreChanges: (n: number, since: string) =>
    `… and ${count(n, 'earlier change', 'earlier changes')} since watching began ${since}`,
  noChange: (since: string) => `No change seen since watching began ${since}`,
  editor: (account: Shown, at: string, whose: 'person' | 'nobody' | 'notLookedUp', mayApprove: boolean) =>
    `Last changed before the block by **${account}**, ${at}.${whoseAccount[whose]}${whose !== 'nobody' && !mayApprove ? ' Whoever that is may not approve.' : ''}`,
  editorNotFound:
    '**Editor not known:** the audit log has no change of this connector before the block (yet).',
  editorNotLogged: '**Editor not known:** audit logging is off, so nothing was logged.',
  editorNotKnown: '**Editor not known:** the audit log could not be read.',
  auditingOn: 'Audit logging is on',
  auditingOff: '**Audit logging is off:** without it there is no alert, and nobody can see who changed what',
  policy: ({ enabled, notifies, recipients, dailyLimit }: AlertPolicy) => {
    if (!enabled) return '**The alert policy is off:** nobody is told of the next one'
    if (!notifies || recipients === 0) return '**The alert policy is on, but mails nobody**'
    const limit = dailyLimit === undefined ? 'without a daily limit' : `**at most ${dailyLimit} mails a day**`
    return `The alert policy is on and mails ${count(recipients, 'recipient', 'recipients')}, ${limit}`
  },
  policyUnknown: 'Until it can be read, look under **How?**, Alert policies.',
  noPolicy: '**There is no alert policy “Suspicious connector activity”** in this tenant',
  rawToggle: 'What Exchange reported',
  rawRow: (name: Shown, value: Shown) => `${name}: ${value}`,
}

const whoseAccount = {
  person: '',
  nobody: ' No account of your organisation was found by that name.',
  notLookedUp: ' Whether it is somebody of your organisation could not be looked up.',
}

const yesOrNo = (flag: boolean | undefined, yes: string, no: string): string[] =>
  flag === undefined ? [] : [flag ? yes : no]

const upTo = (most: number, items: readonly string[]): string =>
  items.length > most ? `${items.slice(0, most).join(', ')} and ${items.length - most} more` : list(items)

const clearedCauses: Record<ClearedCause, string> = {
  connectorGone: 'The connector does not exist any more, and its block went with it.',
  removedByOther: 'Somebody else removed the block, not this bot.',
  unknown: 'The block was not removed by this bot; the cause is not known.',
}

const outcome = {
  where: (tenant: Shown, duration: string) => `${tenant} · was blocked for ${duration}`,
  removed: (at: string, until: string) =>
    `Removed from Restricted entities at ${at}; senders may see **5.7.711** until about ${until}.`,
  cleared: (cause: ClearedCause, at: string) => `${clearedCauses[cause]} Seen at ${at}.`,
  removedBy: (account: Shown, at: string | undefined) =>
    `The audit log says that **${account}** did it${at ? `, ${at}` : ''}.`,
  clearedAfterRemoval: (sent: string, at: string) =>
    `It is not listed any more, seen at ${at}. A removal that the bot began at ${sent} may have done it; so may somebody else.`,
  clearedAfterRemovalNext: 'Nothing, unless mail is still refused: then look in Defender.',
  replaced: (at: string) =>
    `At ${at} Exchange listed a newer restriction of this connector in place of this one: **it is blocked**, and has a new card.`,
  replacedNext: 'Go on with the newer incident; this one decides nothing any more.',
  clearedNext:
    'The steps were not enforced for it. Find out who unblocked it and whether the connector is safe; if it is not, it will be blocked again.',
  nextTitle: 'What to do now',
  unblockedNext: 'Nothing, unless mail is still refused after that: then look in Defender.',
  connectorGoneNext: 'Nothing, if somebody removed the connector on purpose. If nobody did, find out who.',
  approvedAfter: (name: Shown, duration: string, reason: Shown) =>
    `**Approved** by ${name} after ${duration}: “${reason}”`,
  acknowledgedAfter: (name: Shown, duration: string) => `**Acknowledged** by ${name} after ${duration}`,
  stepsTitle: 'Steps',
  stepOpen: 'Not settled',
  noteLabel: `Note (${reasonLength.least} to ${reasonLength.most} characters, kept in the record)`,
  notePlaceholder: 'What the next person should know',
}

const inDigest: Record<Phase, string> = {
  untaken: 'with nobody on it',
  working: 'being worked on',
  deciding: 'waiting for approval',
  approved: 'approved',
  removing: 'waiting for Exchange',
  stuck: 'not confirmed',
  failed: 'failed',
  kept: 'kept blocked',
  unblocked: 'unblocked',
  cleared: 'no longer blocked',
  replaced: 'blocked again since',
}

const digest = {
  title: (of: readonly Incident[]) =>
    `${of.length} connectors were blocked at once${of[0] ? ` in ${tenantOf(of[0])}` : ''}`,
  what: 'Exchange Online blocked these inbound connectors. The mail of those that still are is refused with **550 5.7.711**. So many at once can mean that an admin account is in other hands.',
  nextTitle: 'What to do now',
  next: 'Press **Open** on one of them: each has its own card, steps and decision. Work on the most important first.',
  nextOver: 'Nothing. All of them are over.',
  counts: (counts: string[]) => counts.join(' · '),
  phaseCount: (n: number, phase: Phase) => `**${n}** ${inDigest[phase]}`,
}

const listing = {
  title: 'Incidents',
  nowWatched: (tenants: Shown[]) => `Now watched here: ${fewOf(tenants)}`,
  row: (code: string, tenant: Shown) => `${code} · ${tenant}`,
  since: (since: string, waits: string) => `Since ${since}, ${waits}`,
  age: (duration: string, waits: string) => `For ${duration}, ${waits}`,
  ended: (duration: string) => `Over after ${duration}`,
  asOf: (counted: string, at: string) => `${counted}, as of ${at}`,
  filtered: (filter: Shown) => `Filter: “${filter}”`,
  counted: (n: number) => count(n, 'incident', 'incidents'),
  page: (page: number, pages: number) => `Page ${page} of ${pages}`,
  empty: 'All quiet: no blocked connector is open here.',
  emptyFiltered: 'Nothing matches. Type **list** without a filter to see all that is open.',
}

const introduction = [
  'When Exchange Online blocks an inbound connector, I post **one card** that says what happened and what to do next.',
  'People work through the **steps** on it and leave a note of what they found.',
  'An **approver** then decides: I remove the block, keep looking until Exchange really lists it no more, and say so here.',
]

const help = {
  title: 'Connector Warden',
  introduction,
  start: 'To begin, a responder types **watch** here, mentioning me. I post nothing before that.',
  needed: 'You need a role to do anything: **whoami** shows yours. Roles are set by whoever runs this bot.',
  commandsLater: '**help** lists what you can type',
  commandsTitle: 'What you can type (mention me in channels and group chats)',
  forRole: {
    everyone: 'Everyone',
    viewer: 'Viewers and up',
    responder: 'Responders and up',
    approver: 'Approvers',
  } satisfies Record<Role | 'everyone', string>,
  summary: 'Connector Warden: what I do and what you can type.',
}

const whoami = {
  title: 'What I know about you',
  id: 'Entra object id',
  conversation: (id: Shown) => `This conversation’s id: ${id}`,
  row: (tenant: Shown, role: Role | undefined) => `**${tenant}:** ${role ? roleNames[role] : 'no role'}`,
  source: (source: Shown) => `From ${source}`,
  allows: {
    none: 'You can read **help** here, and nothing else.',
    viewer: 'You can list and read incidents.',
    responder: 'You can acknowledge incidents, settle steps, add notes, and let me watch a conversation.',
    approver:
      'You can do all that responders do, and approve unblocks, keep connectors blocked, reopen and try again.',
  } satisfies Record<Role | 'none', string>,
  unverified: (personal: boolean) =>
    personal
      ? 'Teams did not confirm just now that you belong to this organisation; until it does, you cannot approve.'
      : 'Teams did not confirm just now that you are a member here; until it does, you cannot approve.',
  unasked: (cause: Shown) =>
    `Microsoft Entra did not say just now which groups and roles you are in, so below may be less than you have: ${cause}.`,
  noTenants: 'No watched tenant is served here.',
  noRoles: 'You have no role for any watched tenant. Roles are set by whoever runs this bot.',
  summary: (name: Shown) => `What Connector Warden knows about ${name}`,
}

const moved = {
  title: (code: string, tenant: Shown) => `${code} (${tenant}) has moved`,
  text: (code: string) =>
    `A newer card of ${code} is below in this conversation. This one is out of date and decides nothing any more. To bring the card here, type **show ${code}**.`,
}

interface HealthText {
  title: string
  /** The same once it is not amiss any more. */
  again: string
  /** What it means for whoever relies on the bot. */
  means: string
  /** The one thing to do about it. */
  fix: string
  command?: string
  link?: { title: string; url: string }
}

const appRegistrations = {
  title: 'App registrations',
  url: 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade',
}
const alertPolicies = { title: 'Alert policies', url: 'https://security.microsoft.com/alertpoliciesv2' }
const blindMeans = 'Connectors that get blocked are not announced while this lasts, and nothing is unblocked.'
const alertMeans =
  'I announce blocked connectors all the same; but if I fail, the mail of Microsoft’s own alert is what is left.'
const stillIn = 'What was in force before stays so for now'

const healthCauses: Record<HealthCause, HealthText> = {
  blind: {
    title: 'Exchange cannot be read',
    again: 'Exchange can be read again',
    means: blindMeans,
    fix: 'I keep trying. Look whether Exchange Online is healthy, and whether the machine that runs me can reach it.',
    link: { title: 'Service health', url: 'https://admin.microsoft.com/#/servicehealth' },
  },
  credentials: {
    title: 'I cannot sign in to Exchange',
    again: 'I can sign in to Exchange again',
    means: blindMeans,
    fix: 'Put right what is named below, in the app registration or in my settings; after a change of settings, restart me.',
    link: appRegistrations,
  },
  permission: {
    title: 'I may not read the blocked connectors',
    again: 'I may read the blocked connectors again',
    means: blindMeans,
    fix: 'Give the app for Exchange its role back: Security Reader or Global Reader. It can take 30 minutes to work.',
    link: {
      title: 'Roles in Entra',
      url: 'https://entra.microsoft.com/#view/Microsoft_AAD_IAM/AllRolesBlade',
    },
  },
  listIncomplete: {
    title: 'Part of the list cannot be read',
    again: 'The whole list can be read again',
    means:
      'Exchange lists a blocked connector in a form that I do not know, so it is not announced. Nothing is unblocked while this lasts.',
    fix: 'Look in Defender which connectors are listed, and work on what I did not announce there.',
    link: { title: 'Restricted entities', url: 'https://security.microsoft.com/restrictedentities' },
  },
  unblockCredentials: {
    title: 'I could not unblock anything',
    again: 'I could unblock again',
    means:
      'The second app, the one that removes blocks, cannot sign in. Connectors are announced all the same.',
    fix: 'Put right what is named below, in the app registration or in my settings; after a change of settings, restart me.',
    link: appRegistrations,
  },
  certificateExpiring: {
    title: 'A certificate is about to expire',
    again: 'The certificate was renewed',
    means: 'From that moment on I cannot sign in with it any more.',
    fix: 'Make a new certificate, upload it to the app registration, and put it in the place of the old file.',
    link: appRegistrations,
  },
  auditOff: {
    title: 'Audit logging is off',
    again: 'Audit logging is on again',
    means: 'Without it Microsoft raises no alert, and nobody can find out who changed a connector.',
    fix: 'Turn it on in Exchange Online PowerShell. It can take an hour to work.',
    command: 'Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true',
  },
  alertPolicyOff: {
    title: 'Microsoft’s alert is off',
    again: 'Microsoft’s alert is on again',
    means: alertMeans,
    fix: 'Turn the alert policy “Suspicious connector activity” on; CISA’s baseline asks for it (MS.EXO.16.1v1).',
    link: alertPolicies,
  },
  alertPolicySilent: {
    title: 'Microsoft’s alert reaches nobody',
    again: 'Microsoft’s alert reaches somebody again',
    means: alertMeans,
    fix: 'Give the alert policy “Suspicious connector activity” recipients who read it, and turn its mail on.',
    link: alertPolicies,
  },
  alertPolicyLimited: {
    title: 'Microsoft’s alert has a daily limit',
    again: 'Microsoft’s alert has no daily limit any more',
    means: 'Once the limit is reached, further blocked connectors of that day cause no mail.',
    fix: 'Take the daily limit off the alert policy “Suspicious connector activity”.',
    link: alertPolicies,
  },
  alertPolicyMissing: {
    title: 'Microsoft’s alert is not there',
    again: 'Microsoft’s alert is there again',
    means: alertMeans,
    fix: 'Look why there is no alert policy “Suspicious connector activity”, which Microsoft makes by itself.',
    link: alertPolicies,
  },
  conversationLost: {
    title: 'A conversation has removed me',
    again: 'I am back in the conversation',
    means: 'Blocked connectors are not announced there any more.',
    fix: 'If nobody meant to, add Connector Warden there again and mention it once. What is open is then shown there.',
  },
  nobodyMayApprove: {
    title: 'Nobody may approve',
    again: 'Somebody may approve again',
    means: 'Connectors are announced, and nobody can unblock them here.',
    fix: 'Whoever runs me names approvers in the role map (ROLE_MAP_FILE). It works at once.',
  },
  roleMapBroken: {
    title: 'The role map is broken',
    again: 'The role map is good again',
    means: `${stillIn}; 15 minutes after the edit nobody may approve any more.`,
    fix: 'Whoever runs me puts the file right (ROLE_MAP_FILE); the log says what is wrong with it.',
  },
  rulesBroken: {
    title: 'The rules are broken',
    again: 'The rules are good again',
    means: `${stillIn}.`,
    fix: 'Whoever runs me puts the file right (RULES_FILE); the log says what is wrong with it.',
  },
}

/** Why a list was not read, by the constant word for it. */
const failures: Record<string, string> = {
  credentials: 'The sign-in was refused.',
  permission: 'The app may not read the list.',
  throttled: 'Exchange is busy and takes no more requests.',
  unreachable: 'Exchange or Entra could not be reached.',
  timeout: 'Exchange did not answer in time.',
  serverError: 'Exchange failed.',
  unreadable: 'Exchange’s answer could not be read.',
  rowUnreadable: 'A row of the list could not be read.',
  stale: 'No read has ended for too long.',
}

const certificates: Record<CertificateUse, string> = {
  bot: 'The bot’s certificate for Teams',
  exchange: 'The certificate of the app for Exchange',
  unblock: 'The certificate of the app that removes blocks',
}

/** Whom or what a problem is about. */
const aboutOf = ({ tenant, cause, detail }: Problem): string =>
  tenant !== undefined
    ? show(tenant, mostShown.tenant)
    : cause === 'conversationLost' && detail
      ? show(detail, mostShown.short)
      : 'This bot'

function aboutAll(problems: Problem[]): string {
  const names = problems.slice(0, 3).map(aboutOf)
  const more = problems.length - names.length
  return list(more > 0 ? [...names, `${more} more`] : names)
}

function noticeAmiss(how: 'Again' | 'Also', cause: HealthCause, amiss: Problem[]): string {
  const [first] = amiss
  const since = first ? `, since ${utc(first.since)}` : ''
  return `**${how}:** ${healthCauses[cause].title}${since}: ${aboutAll(amiss)}.`
}

const health = {
  amiss: 'Connector Warden needs attention',
  over: 'All well again',
  unwatched: 'Not watched any more',
  causes: healthCauses,
  nextTitle: 'What to do now',
  nothingToDo: 'Nothing to do.',
  about: aboutOf,
  since: (at: string) => `Since ${at}`,
  againSince: (at: string, lasted: string) => `Well again since ${at}; it was not for ${lasted}`,
  unwatchedSince: (at: string, lasted: string) => `Not watched any more since ${at}; amiss for ${lasted}`,
  more: (n: number) => `… and ${n} more`,
  failing: (code: string | undefined): string => failures[code ?? ''] ?? 'Why is not known.',
  endsByItself: (at: string) => `If it is gone for good, this ends by itself on ${at}.`,
  limit: (limit: Shown) => `At most ${limit} a day`,
  certificate: (what: CertificateUse, at: string, days: number) =>
    days < 0
      ? `${certificates[what]} expired on ${at}.`
      : `${certificates[what]} is good until ${at}: ${days === 0 ? 'less than a day' : count(days, 'day', 'days')} left.`,
  hint: 'Mention me and type **checks** to see how everything stands.',
  /** One line for previews and for clients that cannot show the card. */
  summary: (cause: HealthCause, amiss: Problem[]) => `${healthCauses[cause].title}: ${aboutAll(amiss)}`,
  summaryOver: (cause: HealthCause, over: Problem[]) => `${healthCauses[cause].again}: ${aboutAll(over)}`,
  /** The reply in the thread of a card that had said already that it is over. */
  noticeAgain: (cause: HealthCause, amiss: Problem[]): string => noticeAmiss('Again', cause, amiss),
  /** The reply in the thread of a card that shows more than people were told of. */
  noticeAlso: (cause: HealthCause, added: Problem[]): string => noticeAmiss('Also', cause, added),
  /** The reply in the card's thread once nothing is amiss any more. */
  noticeOver: (cause: HealthCause, over: Problem[]): string => {
    const at = over
      .map((problem) => problem.over?.at ?? problem.since)
      .sort()
      .at(-1)
    const since = at ? ` since ${utc(at)}` : ''
    if (over.every((problem) => problem.over?.unwatched))
      return `**${aboutAll(over)}:** not watched any more${since}.`
    return `**${healthCauses[cause].again}**${since}: ${aboutAll(over)}.`
  },
}

const checks = {
  title: 'How everything stands',
  asOf: (summary: string, at: string) => `${summary}, as of ${at}`,
  summary: (amiss: number) => (amiss === 0 ? 'Nothing is known to be amiss' : `${amiss} amiss`),
  more: (n: number) => `… and ${count(n, 'more tenant', 'more tenants')}`,
  own: 'This bot',
  ago: (at: Instant, now: Instant): string =>
    elapsedMs(at, now) < minuteMs ? 'just now' : `${duration(elapsedMs(at, now))} ago`,
  read: (age: string) => `Blocked connectors: read ${age}, every row`,
  readInPart: (age: string | undefined) =>
    `Blocked connectors: not every row can be read, ${age ? `last time ${age}` : 'and never could since I started'}`,
  notRead: (why: string, age: string | undefined) =>
    `Blocked connectors: cannot be read, ${age ? `last time ${age}` : 'and never were since I started'}. ${why}`,
  notReadYet: 'Blocked connectors: not read yet',
  accepted: 'Sign-in and role for reading: good',
  refused: (why: Shown) => `Sign-in and role for reading: refused. ${why}`,
  accessUnknown: 'Sign-in and role for reading: not known until the list is read',
  unblockAccepted: 'Sign-in of the app that removes blocks: good',
  unblockRefused: (why: Shown) => `Sign-in of the app that removes blocks: refused. ${why}`,
  unblockUnknown: (why: string) => `Sign-in of the app that removes blocks: unknown (${why})`,
  certificateUnknown: (what: CertificateUse, why: string) => `${certificates[what]}: unknown (${why})`,
  auditOn: (age: string) => `Audit logging: on, seen ${age}`,
  auditOff: (age: string) => `Audit logging: off, seen ${age}`,
  auditWasOff: (at: string, why: string) =>
    `Audit logging: off, seen at ${at}; could not be seen now (${why})`,
  auditUnknown: (why: string) =>
    `Audit logging: unknown, look with Get-AdminAuditLogConfig in Exchange Online PowerShell (${why})`,
  policy: (
    policy: { enabled: boolean; notifies: boolean; recipients: number; dailyLimit?: number | undefined },
    age: string,
  ) => {
    const mail = policy.notifies ? count(policy.recipients, 'recipient', 'recipients') : 'sends no mail'
    const limit = policy.dailyLimit === undefined ? 'no daily limit' : `at most ${policy.dailyLimit} a day`
    return `Microsoft’s alert: ${policy.enabled ? 'on' : 'off'}, ${mail}, ${limit}, seen ${age}`
  },
  policyMissing: (age: string) => `Microsoft’s alert: there is no such policy, seen ${age}`,
  policyWas: (what: string, at: string, why: string) =>
    `Microsoft’s alert: “${what}”, seen at ${at}; could not be seen now (${why})`,
  policyUnknown: (why: string) =>
    `Microsoft’s alert: unknown, look for “Suspicious connector activity” under Alert policies (${why})`,
  notLookedYet: 'not looked at yet; ask again in a minute',
  approvers: (users: number, groupsAndRoles: number) =>
    users + groupsAndRoles === 0
      ? 'Nobody is named as approver'
      : `${count(users, 'person', 'people')} and ${count(groupsAndRoles, 'group or role', 'groups and roles')} named as approvers`,
  roleMap: (hash: string) => `Role map ${hash}`,
  rules: (hash: string) => (hash === 'absent' ? 'Rules: no file, the usual ones' : `Rules ${hash}`),
  conversation: (id: Shown, watching: boolean) =>
    `This conversation: ${id}, ${watching ? 'watches' : 'does not watch'}`,
  serves: (names: Shown[], more: number) =>
    names.length === 0
      ? 'Serves no watched tenant'
      : `Serves ${list(more > 0 ? [...names, `${more} more`] : names)}`,
  bot: (id: Shown) => `The bot: ${id}`,
}

const testCard = {
  title: 'This is a test from doctor: nothing is blocked',
  text: 'Somebody who runs this bot asked it to show that its cards arrive here. There is nothing to do.',
}

function happened(event: IncidentEvent, by: Person | undefined): string {
  const who = by ? showName(by) : 'The bot'
  switch (event.type) {
    case 'opened':
      return event.previous
        ? `Found blocked, again after CR-${event.previous.number}`
        : 'Found on Exchange’s list of restricted entities'
    case 'acknowledged':
      return `${who} acknowledged`
    case 'stepSettled':
      return `${who} settled ${event.step}: ${event.how === 'done' ? 'done' : 'not applicable'}`
    case 'stepUndone':
      return `${who} undid ${event.step}`
    case 'noted':
      return `${who} noted ${quote(event.text)}`
    case 'voted':
      return `${who} ${event.override ? 'approved with steps left open' : 'approved'}: ${quote(event.reason)}`
    case 'quorumReached':
      return `Approved by ${nameList(event.approvers)}`
    case 'votesVoided':
      return `The approval of ${nameList(event.voters)} counts no more: ${voidCauses[event.cause]}`
    case 'keptBlocked':
      return `${who} kept it blocked: ${quote(event.reason)}`
    case 'reopened':
      return `${who} reopened it: ${quote(event.reason)}`
    case 'retried':
      return `${who} wants to try again: ${quote(event.reason)}`
    case 'removalStarted':
      return 'The bot began the removal'
    case 'removalAnswered':
      return answered(event.outcome)
    case 'connectorSeen':
      return event.changed
        ? `The connector was changed: ${event.changed.length > 0 ? event.changed.map(settingName).join(', ') : 'it disappeared or is back'}`
        : 'The bot read the connector’s settings'
    case 'editorFound':
      return `Last changed before the block by ${quote(event.account)}`
    case 'causeFound':
      return `${gone[event.cause]}${event.account ? `: ${quote(event.account)}` : ''}`
    case 'heldUp':
      return `Held up: ${quote(event.cause)}`
    case 'stuck':
      return `The unblock is not confirmed: ${stuckCauses[event.cause]}`
    case 'unblocked':
      return event.replaced ? 'Listed as a newer restriction' : 'Gone from the list: unblocked'
    case 'cleared':
      return event.replaced ? 'Listed as a newer restriction' : gone[event.cause]
    default:
      return event satisfies never
  }
}

type Answer = Extract<IncidentEvent, { type: 'removalAnswered' }>['outcome']

function answered(outcome: Answer): string {
  switch (outcome.kind) {
    case 'accepted':
      return 'Exchange accepted the removal'
    case 'notDone':
      return `Exchange did not remove the block: ${quote(outcome.cause)}`
    case 'unknown':
      return `What became of the removal is not known: ${quote(outcome.cause)}`
    default:
      return outcome satisfies never
  }
}

const gone: Record<ClearedCause, string> = {
  ...clearedCauses,
  unknown: 'Gone from the list; the cause is not known',
}

const voidCauses = {
  expired: 'it expired',
  tooLate: `too much time passed before the removal (more than ${quorumLifeMinutes} minutes)`,
  roleLost: 'somebody who approved is no approver any more',
  stepUndone: 'a step was undone',
  replaced: 'a newer approval of the same person replaces it',
  connectorChanged: 'the connector was changed since',
  editorFound: 'the audit log shows that this person changed the connector last before it was blocked',
}

const stuckCauses = {
  notDone: 'Exchange did not do it',
  unknownOutcome: 'no answer, and after ten minutes still listed',
  stillListed: 'still listed one hour after Exchange accepted it',
}

const replacedNotice =
  'Exchange lists a newer restriction of this connector in its place: **it is blocked**, and has a new card.'

/**
 * The reply in the thread that makes people look at a change: what happened, and whose turn it is.
 * @param recorded an event of `incident`, one of those that `notable` picks
 */
function notice(incident: Incident, recorded: RecordedEvent): string {
  const { event, by } = recorded
  return `**${codeOf(incident)} ${connectorOf(incident)} · ${tenantOf(incident)}:** ${noticed(event, by, incident)}`
}

function noticed(event: IncidentEvent, by: Person | undefined, about: Incident): string {
  const who = by ? showName(by) : 'The bot'
  switch (event.type) {
    case 'quorumReached':
      return `approved by ${nameList(event.approvers)}. The bot removes the block now; until it is sent, Keep blocked stops it.`
    case 'votesVoided':
      return `the approval of ${nameList(event.voters)} counts no more: ${voidCauses[event.cause]}.${event.cause === 'replaced' ? '' : ' To unblock, it has to be approved again.'}`
    case 'keptBlocked':
      return `${who} keeps it blocked: ${quote(event.reason, mostShown.reason)}`
    case 'reopened':
      return `${who} reopened it: ${quote(event.reason, mostShown.reason)} It can be decided anew.`
    case 'retried':
      return `${who} wants to try again: ${quote(event.reason, mostShown.reason)}`
    case 'heldUp':
      return `held up, and the bot keeps trying: ${quote(event.cause)}`
    case 'stuck':
      return `the unblock is not confirmed: ${stuckCauses[event.cause]}. **An approver is needed**: the card says what is known and what to do.`
    case 'unblocked':
      if (event.replaced) return replacedNotice
      return `unblocked. It is gone from Restricted entities, seen at ${utc(event.absentSince)}; senders may see 5.7.711 for up to one hour more.`
    case 'cleared':
      if (event.replaced) return replacedNotice
      return `no longer blocked. ${mayBeOurs(about) ? 'A removal that the bot began may have done it.' : clearedCauses[event.cause]}`
    case 'causeFound':
      return event.account
        ? `${clearedCauses[event.cause]} The audit log names ${quote(event.account)}${event.at ? `, ${utc(event.at)}` : ''}.`
        : clearedCauses[event.cause]
    default:
      return `${happened(event, by)}.`
  }
}

/** One line for notification previews and for clients that cannot show the card. */
function summary(of: Incident): string {
  const subject = `${codeOf(of)}: ${connectorOf(of)} (${tenantOf(of)})`
  switch (of.status) {
    case 'open':
      return of.acknowledged
        ? `${subject} is blocked; ${showName(of.acknowledged.by)} is on it`
        : `${subject} is blocked since ${utc(of.openedAt)}; nobody is on it yet`
    case 'approved':
      return `${subject}: unblock approved, the bot removes the block`
    case 'removing':
      return `${subject}: removal sent, waiting for Exchange`
    case 'stuck':
      return `${subject}: unblock not confirmed, an approver is needed`
    case 'kept':
      return `${subject} is kept blocked`
    case 'unblocked':
      if (of.ended?.replaced) return `${subject} is blocked again; see its newer card`
      return `${subject} is unblocked since ${utc(of.since)}`
    case 'cleared':
      if (of.ended?.replaced) return `${subject} is blocked again; see its newer card`
      return `${subject} is no longer blocked since ${utc(of.since)}`
    default:
      return of.status satisfies never
  }
}

const justActivated =
  'If you have just activated your role in Entra (PIM), press again: a missing role is never remembered.'
const keepWithoutEntra = `Meanwhile Keep blocked works for approvers whom the role map names, and for whom Entra confirmed within the last ${approverSeenHours} hours. `

/** What a refused person is told: what was not done, why, who brought it there and when, and what to do. */
function refusal(why: Refusal, about?: Incident): string {
  const code = about ? codeOf(about) : 'this incident'
  switch (why.code) {
    case 'roleMissing':
      return `Not done: that takes the **${roleNames[why.needed]}** role${about ? ` for ${tenantOf(about)}` : ''}, and you do not have it. Nothing was changed. **whoami** shows your roles; whoever runs this bot sets them. ${justActivated}`
    case 'rolesUnknown':
      return `Not done: Microsoft Entra did not say just now whether you have the **${roleNames[why.needed]}** role that this takes. Nothing was changed. You may have it all the same: press again in a moment. ${why.needed === 'approver' ? keepWithoutEntra : ''}(What went wrong: ${show(why.cause, mostShown.reason)}.)`
    case 'notVerified':
      return 'Not done: Teams did not confirm just now that you are a member here. Nothing was changed. Try again in a minute; only Keep blocked works without that.'
    case 'reasonMissing':
      return `Not done: this takes a text of ${why.least} to ${why.most} characters. Nothing was changed. Fill in **Note** (for steps and notes) or **Reason** (for decisions) on the card and press the button again, or type it after the command.`
    case 'textTooLong':
      return `Not done: the text is longer than ${why.most} characters. Nothing was changed. Shorten it and try again.`
    case 'wrongStatus':
      return `Nothing was changed: ${code} is **${statuses[why.status]}** since ${utc(why.since)}${why.by ? `, by ${showName(why.by)}` : ''}. ${afterwards[why.status]}`
    case 'removalRunning':
      return `Too late to stop: the removal of ${code} was sent to Exchange at ${utc(why.startedAt)}. Nothing was changed. To stop the mail, turn the connector off in Exchange.`
    case 'stepsUnsettled':
      return `Not approved: ${count(why.steps.length, 'required step is', 'required steps are')} not settled yet: ${stepTitles(why.steps)}. Nothing was changed. Settle ${why.steps.length === 1 ? 'it' : 'them'} first, each with Done or Not applicable.`
    case 'stepSettled':
      return `Nothing was changed: ${showName(why.by)} already settled ${stepTitles([why.step])} as ${why.how === 'done' ? 'done' : 'not applicable'} at ${utc(why.at)}. To settle it differently, undo it first: **undo ${about ? code : 'CR-…'} ${why.step}**.`
    case 'stepNotSettled':
      return `Nothing to undo: ${stepTitles([why.step])} is not settled.`
    case 'alreadyAcknowledged':
      return `${showName(why.by)} acknowledged ${code} at ${utc(why.at)} and is on it. You can settle steps and add notes all the same.`
    case 'acknowledgerMayNotApprove':
      return 'Not approved: you acknowledged this incident, and the rules here want somebody else to approve it. Nothing was changed. Ask another approver.'
    case 'voterMayNotAcknowledge':
      return 'Not done: you approved this incident, and the rules here want somebody else to have acknowledged it. Nothing was changed.'
    case 'overrideOff':
      return 'Not approved: the rules here do not allow approving with required steps left open. Nothing was changed. Settle the steps first.'
    case 'overrideNotNeeded':
      return 'Not done: all required steps are settled, so a plain **Approve unblock** is enough. Nothing was changed.'
    case 'evidenceStale':
      return `Not approved yet: what is known of the connector is older than ${evidenceFreshMinutes} minutes, or was not read yet, so it is being read now. Nothing was changed. **Approve again in a moment.**`
    case 'editorMayNotApprove':
      return `Not approved: you (${show(why.account, mostShown.short)}) changed this connector last before it was blocked, at ${utc(why.at)}, and the rules here want somebody else to approve. Nothing was changed. Ask another approver.`
    case 'tooManyNotes':
      return `Not noted: ${code} has ${why.most} notes already, which is the most. Keep further findings elsewhere and link them from your reason.`
    case 'notDue':
      return `Nothing was changed: ${show(why.because, mostShown.text)}.`
    default:
      return why satisfies never
  }
}

/** After a click that came too late: what is possible now. */
const afterwards: Record<Status, string> = {
  open: 'The card shows what can be done now.',
  approved: 'The bot removes the block; until it is sent, Keep blocked stops it.',
  removing: 'The bot keeps looking until Exchange lists it no more.',
  stuck: 'An approver can press Try again.',
  kept: 'An approver can press Reopen.',
  unblocked: 'There is nothing left to decide; notes are still taken.',
  cleared: 'There is nothing left to decide; notes are still taken.',
}

/**
 * The text above the first card of an incident.
 * @param names display names; the entity of each has the same `<at>` with `mentionName` for its text
 */
const announceMention = (names: string[]): string =>
  `${list(names.map((name) => `<at>${mentionName(name)}</at>`))}: a connector was blocked.`

const commands = {
  help: { usage: 'help', does: 'what I do and what you can type' },
  list: { usage: 'list [text]', does: 'the open incidents, or those that match' },
  show: { usage: 'show CR-42', does: 'moves an incident’s card here' },
  ack: { usage: 'ack CR-42', does: 'tells everyone that you are on it' },
  done: {
    usage: 'done CR-42 <step> [note]',
    does: 'settles a step: traffic, audit, revert, account or alerting',
  },
  skip: { usage: 'skip CR-42 <step> <reason>', does: 'settles a step as not applicable' },
  undo: { usage: 'undo CR-42 <step>', does: 'opens a settled step again; approvals then count no more' },
  note: { usage: 'note CR-42 <text>', does: 'adds a note to the record' },
  approve: { usage: 'approve CR-42 <reason>', does: 'approves the unblock' },
  keep: { usage: 'keep CR-42 <reason>', does: 'keeps the connector blocked' },
  reopen: { usage: 'reopen CR-42 <reason>', does: 'makes a kept one open for decision again' },
  retry: { usage: 'retry CR-42 <reason>', does: 'tries a stuck unblock again; counts as your approval' },
  override: {
    usage: 'override CR-42 <reason>',
    does: 'approves with steps left open, where the rules allow it',
  },
  checks: { usage: 'checks', does: 'how everything stands that I need to see blocked connectors' },
  watch: { usage: 'watch', does: 'posts every blocked connector in this conversation' },
  unwatch: { usage: 'unwatch', does: 'stops posting here' },
  whoami: { usage: 'whoami', does: 'your roles, and where they come from' },
  simulate: { usage: 'simulate', does: 'blocks a connector of the simulated tenant' },
}

const answers = {
  incident: (of: Incident) => `${codeOf(of)} (${tenantOf(of)})`,
  unknownCommand: (typed: string, nearest: string | undefined) =>
    `I do not know ${quote(typed, mostShown.word)}.${nearest ? ` Did you mean **${nearest}**?` : ''} **help** lists what you can type.`,
  notHomeTenant: 'I only work for people of the organisation that runs me. Nothing was done.',
  guest: 'Guests cannot use me. Nothing was done.',
  notIdentified: 'Teams did not say who you are, so nothing was done. Try again from Teams itself.',
  noRole: (ask: Shown[]) =>
    `You have no role for this here, so I cannot show or do it. ${ask.length > 0 ? `Ask ${list(ask)}.` : 'Ask whoever runs this bot.'} **whoami** shows what I know about you. ${justActivated}`,
  roleNeeded: (role: Role) =>
    `Not done: that takes the **${roleNames[role]}** role, and you do not have it. **whoami** shows your roles. ${justActivated}`,
  notWatching: (id: Shown) =>
    `This conversation does not watch: nothing is posted here. A responder can type **watch** to begin. (This conversation’s id is ${id}.)`,
  nothingServed: (id: Shown) =>
    `No watched tenant is shown in this conversation: each has others to be shown in. Whoever runs this bot sets which. (This conversation’s id is ${id}.)`,
  othersToo: (others: number) =>
    `Not done: ${count(others, 'tenant is', 'tenants are')} shown in this conversation too for which you do not have the **${roleNames.responder}** role. **whoami** shows your roles. Ask somebody who has it for all of them, or whoever runs this bot to set where each is shown.`,
  watchStarted: (tenants: Shown[], open: number) =>
    `This conversation now watches ${fewOf(tenants)}: every connector that gets blocked there is posted here. ${open === 0 ? 'None is open right now.' : `${count(open, 'incident is', 'incidents are')} open and shown next.`}`,
  watchAlready: (tenants: Shown[]) => `This conversation already watches ${fewOf(tenants)}.`,
  watchStopped:
    'This conversation watches no more: new blocked connectors are not posted here. **watch** begins again.',
  watchNotOn: 'This conversation did not watch. Nothing was changed.',
  incidentUnknown: (code: string) =>
    `There is no ${show(code, mostShown.word)} here. **list** shows what is open.`,
  incidentMissing: (usage: string) => `Which incident? Type for example: ${show(usage, mostShown.text)}`,
  otherConversation: (code: string) =>
    `This card belongs to another conversation, so nothing was done. Type **show ${show(code, mostShown.word)}** to get it here.`,
  otherDigest: 'This list belongs to another conversation. Type **list** to see what is open here.',
  unreadableClick:
    'That button sent something that I cannot read, so nothing was done. Type **help** to see the commands.',
  notRecorded: (fault: string) =>
    `Not recorded, so nothing was done (${show(fault, mostShown.word)}). Try again in a minute; if it stays like this, tell whoever runs this bot.`,
  notMember: 'Teams does not list you as a member of this conversation, so nothing was done.',
  slow: 'This takes longer than usual, and what comes of it is not known yet. Press Refresh in a moment.',
  simulated: 'A connector of the simulated tenant gets blocked now. Its card appears within seconds.',
  busy: 'Several people are at this right now and yours was not recorded. Nothing was done: try again.',
  failed: (fault: string) =>
    `Something went wrong and nothing was done (${show(fault, mostShown.word)}). Try again in a minute; if it stays like this, tell whoever runs this bot.`,
  reasonMissing: (line: string) =>
    `Nothing was done: this takes a reason of ${reasonLength.least} to ${reasonLength.most} characters. Type for example: **${show(line, mostShown.text)} your reason**`,
  textMissing: (line: string) =>
    `Nothing was done: the text is missing. Type for example: **${show(line, mostShown.text)} your text**`,
  stepUnknown: (typed: string) =>
    `Nothing was done: ${quote(typed, mostShown.word)} is no step. The steps are ${list(Object.keys(steps))}.`,
  acknowledged: (code: string) => `You are on ${code}; the card shows it to everyone.`,
  settled: (code: string, step: StepId) => `Recorded: ${step} of ${code}.`,
  undone: (code: string, step: StepId) => `Undone: ${step} of ${code}.`,
  noted: (code: string) => `Noted on ${code}.`,
  approved: (code: string, left: number) =>
    left > 0
      ? `Your approval of ${code} is recorded; ${count(left, 'more approver is', 'more approvers are')} needed.`
      : `Your approval of ${code} is recorded. The bot removes the block now.`,
  kept: (code: string) => `Recorded: ${code} stays blocked.`,
  reopened: (code: string) => `${code} is open for decision again.`,
  retried: (code: string) => `${code} is tried again, and your approval counts.`,
  shown: (code: string) => `The card of ${code} is shown below.`,
}

/** Everything that people read, in English. */
export const en = {
  buttons,
  phases,
  waiting,
  steps,
  incident,
  evidence,
  outcome,
  digest,
  listing,
  help,
  whoami,
  moved,
  health,
  checks,
  testCard,
  commands,
  answers,
  roleNames,
  connectorOf,
  duration,
  between: (from: Instant, to: Instant): string => duration(elapsedMs(from, to)),
  happened,
  notice,
  summary,
  refusal,
  announceMention,
}

/** The catalogue of one language; every further one has the same form. */
export type Texts = typeof en

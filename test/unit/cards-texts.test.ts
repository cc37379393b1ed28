import { exampleIncidents, jonas, maria, opened } from '../../cards/examples.js'
import { en } from '../../cards/texts/en.js'
import type { IncidentEvent } from '../../src/incident/events.js'
import { incidentEventSchema } from '../../src/incident/events.js'
import type { Incident, RecordedEvent } from '../../src/incident/incident.js'
import type { Refusal } from '../../src/incident/refusal.js'

const at = '2026-11-22T03:12:45.678Z'
const incident = exampleIncidents.deciding

const refusals: { [Code in Refusal['code']]: Extract<Refusal, { code: Code }> } = {
  roleMissing: { code: 'roleMissing', needed: 'approver' },
  rolesUnknown: { code: 'rolesUnknown', needed: 'approver', cause: 'Microsoft Graph did not answer in time' },
  notVerified: { code: 'notVerified' },
  reasonMissing: { code: 'reasonMissing', least: 3, most: 500 },
  textTooLong: { code: 'textTooLong', most: 500 },
  wrongStatus: { code: 'wrongStatus', status: 'kept', since: at, by: maria },
  removalRunning: { code: 'removalRunning', startedAt: at },
  stepsUnsettled: { code: 'stepsUnsettled', steps: ['traffic', 'audit'] },
  stepSettled: { code: 'stepSettled', step: 'audit', how: 'done', by: maria, at },
  stepNotSettled: { code: 'stepNotSettled', step: 'audit' },
  alreadyAcknowledged: { code: 'alreadyAcknowledged', by: maria, at },
  acknowledgerMayNotApprove: { code: 'acknowledgerMayNotApprove' },
  voterMayNotAcknowledge: { code: 'voterMayNotAcknowledge' },
  overrideOff: { code: 'overrideOff' },
  overrideNotNeeded: { code: 'overrideNotNeeded' },
  evidenceStale: { code: 'evidenceStale' },
  editorMayNotApprove: { code: 'editorMayNotApprove', account: 'ann@contoso.com', at },
  tooManyNotes: { code: 'tooManyNotes', most: 200 },
  notDue: { code: 'notDue', because: 'it is not approved' },
}

const worded = (text: string) => {
  expect(text).not.toMatch(/undefined|null|NaN|\[object|\$\{/)
  expect(text).toMatch(/\S.*[.*”)]$/)
}

test.each(Object.values(refusals))(
  'the refusal $code is worded, with and without its incident',
  (refusal) => {
    worded(en.refusal(refusal))
    worded(en.refusal(refusal, incident))
  },
)

test('whoever came too late is told what really happened, who did it and when', () => {
  expect(en.refusal(refusals.wrongStatus, incident)).toBe(
    'Nothing was changed: CR-42 is **kept blocked** since 03:12 UTC on 22 Nov, by Maria Papadopoulou. An approver can press Reopen.',
  )
  expect(en.refusal(refusals.alreadyAcknowledged, incident)).toContain(
    'Maria Papadopoulou acknowledged CR-42 at 03:12 UTC',
  )
  expect(en.refusal(refusals.removalRunning, incident)).toContain('at 03:12 UTC on 22 Nov')
})

test('a missing role is named, and a missing step by its title and the word to type', () => {
  expect(en.refusal(refusals.roleMissing, incident)).toContain(
    '**approver** role for contoso.onmicrosoft.com',
  )
  expect(en.refusal(refusals.stepsUnsettled, incident)).toContain(
    '“Is the mail through it yours?” (traffic) and “Who created or changed it?” (audit)',
  )
})

test('whoever lacks a role is offered to press again after activating it', () => {
  for (const words of [
    en.refusal(refusals.roleMissing),
    en.answers.noRole([]),
    en.answers.roleNeeded('responder'),
  ]) {
    expect(words).toContain('If you have just activated your role in Entra (PIM), press again')
  }
})

test('a role that nobody could ask about is not called missing', () => {
  const words = en.refusal(refusals.rolesUnknown, incident)
  expect(words).toContain('Microsoft Entra did not say just now whether you have the **approver** role')
  expect(words).toContain('Nothing was changed')
  expect(words).toContain('press again')
  expect(words).toContain('Microsoft Graph did not answer in time')
  expect(words).not.toContain('do not have')
})

test.each(['open', 'approved', 'removing', 'stuck', 'kept', 'unblocked', 'cleared'] as const)(
  'a click that finds it %s already is answered with what can be done now',
  (status) => {
    worded(en.refusal({ code: 'wrongStatus', status, since: at }, incident))
  },
)

const person = [maria]
const basis = { rules: 'r', roleMap: 'm' }
const events: { [Type in IncidentEvent['type']]: Extract<IncidentEvent, { type: Type }> } = {
  opened,
  acknowledged: { type: 'acknowledged' },
  stepSettled: { type: 'stepSettled', step: 'audit', how: 'done' },
  stepUndone: { type: 'stepUndone', step: 'audit' },
  noted: { type: 'noted', text: 'a finding' },
  voted: { type: 'voted', reason: 'safe', expiresAt: at, required: 1, override: false, seenIn: 'x', basis },
  quorumReached: { type: 'quorumReached', required: 1, removeBy: at, approvers: [maria, jonas] },
  votesVoided: { type: 'votesVoided', cause: 'expired', voters: person },
  keptBlocked: { type: 'keptBlocked', reason: 'not safe', basis },
  reopened: { type: 'reopened', reason: 'safe now', basis },
  retried: { type: 'retried', reason: 'put right', basis },
  removalStarted: {
    type: 'removalStarted',
    removal: 'r',
    approvers: person,
    reason: 'x',
    listedInReadOf: at,
  },
  removalAnswered: { type: 'removalAnswered', outcome: { kind: 'accepted' } },
  connectorSeen: { type: 'connectorSeen', fingerprint: 'f', changed: ['senderIps'] },
  editorFound: { type: 'editorFound', account: 'ann@contoso.com', at },
  causeFound: { type: 'causeFound', cause: 'removedByOther', account: 'ann@contoso.com', at },
  heldUp: { type: 'heldUp', cause: 'Exchange could not be reached' },
  stuck: { type: 'stuck', cause: 'stillListed' },
  unblocked: { type: 'unblocked', absentSince: at },
  cleared: { type: 'cleared', cause: 'unknown', absentSince: at },
}

test('this suite knows every event that there is', () => {
  expect(Object.keys(events).sort()).toEqual(
    incidentEventSchema.options.map((one) => one.shape.type.value).sort(),
  )
})

const variants: IncidentEvent[] = [
  ...Object.values(events),
  ...(
    ['expired', 'tooLate', 'roleLost', 'stepUndone', 'replaced', 'connectorChanged', 'editorFound'] as const
  ).map((cause): IncidentEvent => ({ ...events.votesVoided, cause })),
  ...(['notDone', 'unknownOutcome', 'stillListed'] as const).map(
    (cause): IncidentEvent => ({ type: 'stuck', cause }),
  ),
  ...(['connectorGone', 'removedByOther', 'unknown'] as const).map(
    (cause): IncidentEvent => ({ ...events.cleared, cause }),
  ),
  { type: 'removalAnswered', outcome: { kind: 'notDone', cause: 'forbidden' } },
  { type: 'removalAnswered', outcome: { kind: 'unknown', cause: 'no answer' } },
  { ...events.voted, override: true },
  { type: 'connectorSeen', fingerprint: 'f' },
  { type: 'connectorSeen', fingerprint: 'missing', changed: [] },
  { type: 'causeFound', cause: 'connectorGone' },
]

const recorded = (event: IncidentEvent, by = maria): RecordedEvent => ({
  sequence: 1,
  version: 1,
  at,
  by,
  event,
})

test.each(variants)('the thread and the card have words for $type ($cause$outcome.kind)', (event) => {
  const notice = en.notice(incident, recorded(event))
  expect(notice).toMatch(/^\*\*CR-42 Athens relay \(on-premises\) · contoso\.onmicrosoft\.com:\*\* \S/)
  worded(notice)
  expect(en.happened(event, maria)).toMatch(/\S/)
  expect(en.happened(event, maria)).not.toMatch(/undefined|\[object/)
  expect(en.happened(event, undefined)).not.toContain('undefined')
})

test('the thread is told who decided, and that an approver is needed where one is', () => {
  expect(en.notice(incident, recorded(events.keptBlocked))).toContain(
    'Maria Papadopoulou keeps it blocked: “not safe”',
  )
  expect(en.notice(incident, recorded(events.quorumReached))).toContain(
    'Maria Papadopoulou and Jonas Lindqvist',
  )
  expect(en.notice(incident, recorded(events.stuck))).toContain('**An approver is needed**')
})

test('only where an approval is really lost, the thread asks for a new one', () => {
  expect(en.notice(incident, recorded(events.votesVoided))).toContain('it has to be approved again')
  expect(en.notice(incident, recorded({ ...events.votesVoided, cause: 'replaced' }))).not.toContain('again')
})

test.each(Object.entries<Incident>(exampleIncidents))(
  'the preview of an incident that is %s is one plain line',
  (_name, one) => {
    const line = en.summary(one)
    expect(line).toMatch(/^CR-4[23]: Athens relay \(on-premises\) \(contoso\.onmicrosoft\.com\)/)
    expect(line).not.toMatch(/[*\n]|undefined|\{\{/)
  },
)

test('the first post mentions people in the very form that their entities have', () => {
  expect(en.announceMention(['Maria', 'Jo<nas'])).toBe(
    '<at>Maria</at> and <at>Jo‹nas</at>: a connector was blocked.',
  )
})

test.each([
  [20_000, '1 min'],
  [59 * 60_000, '59 min'],
  [60 * 60_000, '1 h'],
  [135 * 60_000, '2 h 15 min'],
  [3 * 86_400_000, '3 days'],
])('%i ms are told as %s', (ms, told) => {
  expect(en.duration(ms)).toBe(told)
})

test('an unknown command is answered with the nearest one, and never shown raw', () => {
  expect(en.answers.unknownCommand('aprove', 'approve')).toBe(
    'I do not know “aprove”. Did you mean **approve**? **help** lists what you can type.',
  )
  expect(en.answers.unknownCommand('<at>x</at>', undefined)).toContain('“‹at›x‹/at›”')
})

test('a missing reason is answered with the line to type', () => {
  expect(en.answers.reasonMissing('approve CR-42')).toContain('**approve CR-42 your reason**')
})

import { type Instant, later, minuteMs } from '../src/clock.js'
import type { IncidentEvent } from '../src/incident/events.js'
import { evolve } from '../src/incident/evolve.js'
import type { Incident, Person } from '../src/incident/incident.js'
import type { StepId } from '../src/incident/steps.js'

// Incidents as they come about, event by event: what the cards' examples and their tests are made of.

export const maria: Person = { id: '6f1c2c1e-5a0b-4f0e-9d55-3f4f9a5b7a01', name: 'Maria Papadopoulou' }
export const jonas: Person = { id: '0b9df3a2-7c11-4c5e-8f0a-2f6f1c3b9e02', name: 'Jonas Lindqvist' }
export const aisha: Person = { id: 'c4d0a7de-92f1-4b7a-a1c3-8e5d7f6a2b03', name: 'Aisha Rahman' }

/** When the examples begin: three in the morning. */
export const exampleStart: Instant = '2026-11-22T03:05:00.000Z'

export const connectorId = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'

export type Opened = Extract<IncidentEvent, { type: 'opened' }>

export const opened: Opened = {
  type: 'opened',
  tenant: 'contoso.onmicrosoft.com',
  restriction: { connectorId, connectorName: 'Athens relay (on-premises)', createdAt: exampleStart },
}

/** Something that happens `minute` minutes after the start; without `by` it is the bot's doing. */
export type Happening = [minute: number, event: IncidentEvent, by?: Person]

/** The incident that follows from these events, each its own commit. */
export function incidentOf(number: number, ...happenings: Happening[]): Incident {
  let incident: Incident | undefined
  for (const [index, [minute, event, by]] of happenings.entries()) {
    const at = later(exampleStart, minute * minuteMs)
    incident = evolve(incident, number, { sequence: 100 + index, version: index + 1, at, by, event })
  }
  if (!incident) throw new RangeError('an incident begins with `opened`')
  return incident
}

export const done = (step: StepId, note?: string): IncidentEvent => ({
  type: 'stepSettled',
  step,
  how: 'done',
  note,
})
const skipped = (step: StepId, note: string): IncidentEvent => ({
  type: 'stepSettled',
  step,
  how: 'notApplicable',
  note,
})

const basis = { rules: 'example', roleMap: 'example' }
const safe = 'Relay password changed, connector back to our two addresses.'

export const voted = (minute: number, reason = safe, required = 1): IncidentEvent => ({
  type: 'voted',
  reason,
  expiresAt: later(exampleStart, (minute + 60) * minuteMs),
  required,
  override: false,
  seenIn: 'example',
  basis,
})

const settledBy = (person: Person): Happening[] => [
  [6, done('traffic', '4,100 messages from 203.0.113.7, which is not ours.'), person],
  [11, done('audit', 'Changed on Friday with the account svc-mailadmin; nobody had asked for it.'), person],
  [17, done('revert', 'IP list is back to 198.51.100.20 and .21.'), person],
  [21, skipped('account', 'svc-mailadmin was deleted on Saturday.'), person],
]

const editor: Happening = [
  1,
  { type: 'editorFound', account: 'svc-mailadmin@contoso.example', at: later(exampleStart, -118 * minuteMs) },
]

const worked: Happening[] = [[0, opened], editor, [2, { type: 'acknowledged' }, maria], ...settledBy(maria)]

const approved: Happening[] = [
  ...worked,
  [26, voted(26), jonas],
  [
    26,
    {
      type: 'quorumReached',
      required: 1,
      removeBy: later(exampleStart, 36 * minuteMs),
      approvers: [jonas],
    },
  ],
]

const sent: Happening[] = [
  ...approved,
  [
    27,
    {
      type: 'removalStarted',
      removal: 'example',
      approvers: [jonas],
      reason: 'CR-42, approved by Jonas Lindqvist',
      listedInReadOf: later(exampleStart, 26.5 * minuteMs),
    },
  ],
]

const answered = (outcome: Extract<IncidentEvent, { type: 'removalAnswered' }>['outcome']): Happening => [
  27,
  { type: 'removalAnswered', outcome },
]

const keptReason = 'The attacker still has access; unblocking waits for the incident team.'

/** One incident for each way in which its card can look. */
export const exampleIncidents = {
  untaken: incidentOf(42, [0, opened]),
  working: incidentOf(42, ...worked.slice(0, 5)),
  deciding: incidentOf(42, ...worked),
  changedWhileDeciding: incidentOf(
    42,
    ...worked,
    [25, { type: 'connectorSeen', fingerprint: 'as-found' }],
    [26, voted(26, safe, 2), jonas],
    [30, { type: 'connectorSeen', fingerprint: 'as-changed', changed: ['tlsCertificate'] }],
    [30, { type: 'votesVoided', cause: 'connectorChanged', voters: [jonas] }],
  ),
  blockedAgain: incidentOf(
    43,
    [
      0,
      {
        ...opened,
        restriction: {
          ...opened.restriction,
          reason: 'ExceedingLimitType=Outbound;Count=4100',
          raw: {
            ConnectorId: connectorId,
            ConnectorName: 'Athens relay (on-premises)',
            Reason: 'ExceedingLimitType=Outbound;Count=4100',
            CreatedDatetime: '2026-11-22T03:05:00.0000000+00:00',
          },
        },
        previous: {
          number: 42,
          status: 'unblocked',
          endedAt: later(exampleStart, -600 * minuteMs),
          approvers: [jonas],
        },
      },
    ],
    [2, { type: 'acknowledged' }, maria],
    ...settledBy(maria),
    [26, voted(26, safe, 2), jonas],
  ),
  approved: incidentOf(42, ...approved),
  heldUp: incidentOf(42, ...approved, [
    27,
    { type: 'heldUp', cause: 'Exchange could not be reached (connection refused)' },
  ]),
  removing: incidentOf(42, ...sent, answered({ kind: 'accepted' })),
  removingUnknown: incidentOf(42, ...sent, answered({ kind: 'unknown', cause: 'no answer within 60 s' })),
  stuckRefused: incidentOf(
    42,
    ...sent,
    answered({ kind: 'notDone', cause: 'The bot’s app may not run Remove-BlockedConnector (403)' }),
    [27, { type: 'stuck', cause: 'notDone' }],
  ),
  stuckUnknown: incidentOf(42, ...sent, answered({ kind: 'unknown', cause: 'no answer within 60 s' }), [
    37,
    { type: 'stuck', cause: 'unknownOutcome' },
  ]),
  stuckListed: incidentOf(42, ...sent, answered({ kind: 'accepted' }), [
    87,
    { type: 'stuck', cause: 'stillListed' },
  ]),
  kept: incidentOf(42, ...worked.slice(0, 5), [
    14,
    { type: 'keptBlocked', reason: keptReason, basis },
    aisha,
  ]),
  unblocked: incidentOf(42, ...sent, answered({ kind: 'accepted' }), [
    36,
    { type: 'unblocked', absentSince: later(exampleStart, 35 * minuteMs) },
  ]),
  clearedByOther: incidentOf(42, ...worked.slice(0, 4), [
    20,
    { type: 'cleared', cause: 'removedByOther', absentSince: later(exampleStart, 19 * minuteMs) },
  ]),
  clearedConnectorGone: incidentOf(42, ...worked.slice(0, 4), [
    20,
    { type: 'cleared', cause: 'connectorGone', absentSince: later(exampleStart, 19 * minuteMs) },
  ]),
  clearedAfterRemoval: incidentOf(
    42,
    ...sent,
    answered({ kind: 'unknown', cause: 'no answer within 60 s' }),
    [37, { type: 'stuck', cause: 'unknownOutcome' }],
    [40, { type: 'retried', reason: safe, basis }, jonas],
    [41, { type: 'cleared', cause: 'unknown', absentSince: later(exampleStart, 40 * minuteMs) }],
  ),
  replaced: incidentOf(42, ...sent, answered({ kind: 'accepted' }), [
    30,
    { type: 'unblocked', absentSince: later(exampleStart, 30 * minuteMs), replaced: true },
  ]),
  clearedExplained: incidentOf(
    42,
    ...worked.slice(0, 4),
    [20, { type: 'cleared', cause: 'unknown', absentSince: later(exampleStart, 19 * minuteMs) }],
    [
      60,
      {
        type: 'causeFound',
        cause: 'removedByOther',
        account: 'night.shift@contoso.example',
        at: later(exampleStart, 18 * minuteMs),
      },
    ],
  ),
  clearedUnknown: incidentOf(
    42,
    [0, opened],
    [20, { type: 'cleared', cause: 'unknown', absentSince: later(exampleStart, 19 * minuteMs) }],
  ),
} satisfies Record<string, Incident>

const sites = [
  'Athens',
  'Berlin',
  'Cork',
  'Delft',
  'Espoo',
  'Faro',
  'Ghent',
  'Hull',
  'Izmir',
  'Jena',
  'Kiel',
  'Lyon',
]

/** Twelve incidents that one read found, some of them already worked on. */
export const exampleBatch: Incident[] = sites.map((site, index) => {
  const found: Opened = {
    ...opened,
    restriction: {
      connectorId: connectorId.replace(/..$/, String(10 + index)),
      connectorName: `${site} relay`,
    },
    batch: { id: 'example', size: sites.length },
  }
  const since: Happening[] = [[1, { type: 'acknowledged' }, maria]]
  if (index === 1) since.push([9, { type: 'keptBlocked', reason: keptReason, basis }, aisha])
  return incidentOf(50 + index, [0, found], ...(index < 3 ? since : []))
})

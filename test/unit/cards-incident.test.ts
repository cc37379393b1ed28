import {
  exampleIncidents,
  exampleStart,
  type Happening,
  incidentOf,
  jonas,
  maria,
  opened,
  voted,
} from '../../cards/examples.js'
import { incidentCard } from '../../cards/index.js'
import { en } from '../../cards/texts/en.js'
import { later, minuteMs } from '../../src/clock.js'
import type { Incident } from '../../src/incident/incident.js'
import { defaultRules, rulesSchema } from '../../src/incident/rules.js'
import {
  buttonsOf,
  dataOf,
  inputsOf,
  partsOf,
  textsOf,
  titlesOf,
  transcriptOf,
} from '../support/card-parts.js'

const context = { texts: en, rules: defaultRules, now: later(exampleStart, 40 * minuteMs) }
const cardOf = (incident: Incident) => incidentCard(incident, undefined, context)
const styleOf = (incident: Incident) =>
  partsOf(cardOf(incident)).find(({ type }) => type === 'Container')?.style

const always = ['Open in Defender', 'Refresh']
const steps = ['Done', 'Not applicable']

test.each<[keyof typeof exampleIncidents, string, string[]]>([
  [
    'untaken',
    'attention',
    ['Acknowledge', ...always, ...steps, 'Add note', 'Approve unblock', 'Keep blocked'],
  ],
  ['working', 'warning', [...always, ...steps, 'Undo', 'Add note', 'Approve unblock', 'Keep blocked']],
  ['deciding', 'warning', [...always, ...steps, 'Undo', 'Add note', 'Approve unblock', 'Keep blocked']],
  ['approved', 'accent', [...always, ...steps, 'Undo', 'Add note', 'Keep blocked']],
  ['removing', 'accent', [...always, 'Add note']],
  ['removingUnknown', 'accent', [...always, 'Add note']],
  ['stuckRefused', 'attention', [...always, ...steps, 'Undo', 'Add note', 'Try again']],
  ['stuckUnknown', 'attention', [...always, ...steps, 'Undo', 'Add note', 'Try again']],
  ['stuckListed', 'attention', [...always, ...steps, 'Undo', 'Add note', 'Try again']],
  ['kept', 'emphasis', [...always, ...steps, 'Undo', 'Add note', 'Reopen']],
  ['unblocked', 'good', ['Open in Defender', 'Add note']],
  ['clearedByOther', 'emphasis', ['Open in Defender', 'Add note']],
  ['clearedConnectorGone', 'emphasis', ['Open in Defender', 'Add note']],
  ['clearedUnknown', 'emphasis', ['Open in Defender', 'Add note']],
])('an incident that is %s is tinted "%s" and offers what can be done then', (name, style, offered) => {
  const incident = exampleIncidents[name]
  const links = Object.values(en.steps).flatMap(({ links }) => links.map(({ title }) => title))
  const offers = new Set(titlesOf(cardOf(incident)).filter((title) => !links.includes(title)))
  expect([...offers].sort()).toEqual([...new Set(offered)].sort())
  expect(styleOf(incident)).toBe(style)
})

test('a stranger reads first what happened, to what, since when, and what to do', () => {
  const [status, code, connector, where, what, , next] = textsOf(cardOf(exampleIncidents.untaken))
  expect([status, code, connector]).toEqual([
    'Blocked · nobody is on it',
    'CR-42',
    'Athens relay (on-premises)',
  ])
  expect(where).toBe(
    'contoso.onmicrosoft.com · blocked since {{DATE(2026-11-22T03:05:00Z,SHORT)}} {{TIME(2026-11-22T03:05:00Z)}}',
  )
  expect(what).toContain('550 5.7.711')
  expect(next).toBe(
    'A responder presses **Acknowledge** and works through the 4 required steps below. Then an approver decides.',
  )
})

test('the button for what comes next stands out, and no other', () => {
  const foremost = (incident: Incident) =>
    buttonsOf(cardOf(incident)).flatMap(({ style, title }) => (style === 'positive' ? [title] : []))
  expect(foremost(exampleIncidents.untaken)).toEqual(['Acknowledge'])
  expect(foremost(exampleIncidents.working)).toEqual([])
  expect(foremost(exampleIncidents.deciding)).toEqual(['Approve unblock'])
  expect(foremost(exampleIncidents.stuckUnknown)).toEqual(['Try again'])
  expect(foremost(exampleIncidents.kept)).toEqual([])
})

test('a button names its verb, the incident, the version on the card and the step, and nothing else', () => {
  const card = cardOf(exampleIncidents.working)
  expect(dataOf(card, 'Approve unblock')).toEqual({ verb: 'approve', incident: 'CR-42', version: 5 })
  expect(dataOf(card, 'Done')).toEqual({ verb: 'done', incident: 'CR-42', version: 5, step: 'revert' })
  expect(dataOf(card, 'Undo')).toEqual({ verb: 'undo', incident: 'CR-42', version: 5, step: 'traffic' })
})

test('the note and the reason arrive under the names that clicks have for them', () => {
  expect(inputsOf(cardOf(exampleIncidents.untaken)).map(({ id }) => id)).toEqual(['note', 'reason'])
  expect(inputsOf(cardOf(exampleIncidents.removing)).map(({ id }) => id)).toEqual(['note'])
})

test('the block dates from when Exchange says, if that can be read, else from when it was found', () => {
  const since = (createdAt: string | undefined) => {
    const restriction = { ...opened.restriction, createdAt }
    return textsOf(cardOf(incidentOf(42, [5, { ...opened, restriction }])))[3]
  }
  expect(since('2026-11-21T22:15:30.1234567+02:00')).toContain('{{TIME(2026-11-21T20:15:30Z)}}')
  expect(since('+275760-09-13T00:00:00Z')).toContain('{{TIME(2026-11-22T03:10:00Z)}}')
  expect(since('yesterday-ish')).toContain('{{TIME(2026-11-22T03:10:00Z)}}')
  expect(since(undefined)).toContain('{{TIME(2026-11-22T03:10:00Z)}}')
})

test('a connector without a name is shown by its id', () => {
  const restriction = { connectorId: opened.restriction.connectorId, connectorName: '  ' }
  expect(textsOf(cardOf(incidentOf(42, [0, { ...opened, restriction }])))).toContain(restriction.connectorId)
})

test('where two approvers are needed, the card says who approved, until when, and that another one is asked', () => {
  const text = transcriptOf(cardOf(exampleIncidents.blockedAgain))
  expect(text).toContain('Approvals: 1 of 2')
  expect(text).toMatch(
    /✓ Jonas Lindqvist approved at .*03:31:00Z.*, counts until .*04:31:00Z.*: “Relay password/,
  )
  expect(text).toContain('Another approver gives a reason')
  expect(text).toMatch(
    /Blocked again:\*\* CR-42 .* unblocked by Jonas Lindqvist\. It now takes 2 approvers\./,
  )
})

test('an approval with steps left open is called that, and takes a second one', () => {
  const override = { ...voted(5), override: true } as Happening[1]
  const text = transcriptOf(cardOf(incidentOf(42, [0, opened], [5, override, jonas])))
  expect(text).toContain('Approvals: 1 of 2')
  expect(text).toContain('✓ Jonas Lindqvist approved with steps left open at')
})

test('an approval that has expired is not shown as one', () => {
  const card = incidentCard(exampleIncidents.blockedAgain, undefined, {
    ...context,
    now: later(exampleStart, 87 * minuteMs),
  })
  expect(transcriptOf(card)).toContain('Approvals: 0 of 2')
  expect(transcriptOf(card)).toContain('2 approvers each give')
})

test('the rules say which steps are required', () => {
  const rules = rulesSchema.parse({ checklist: { required: ['traffic', 'alerting'] } })
  const text = transcriptOf(incidentCard(exampleIncidents.untaken, undefined, { ...context, rules }))
  expect(text).toContain('0 of 2 required steps settled')
  expect(text).toContain('Required · alerting')
  expect(text).toContain('Optional · audit')
})

test('a removal is never called done, accepted or not', () => {
  expect(transcriptOf(cardOf(exampleIncidents.removing))).toContain(
    'Exchange accepted it. Taking effect can take up to one hour.',
  )
  expect(transcriptOf(cardOf(exampleIncidents.removingUnknown))).toContain(
    'whether Exchange did it is not known. It is not sent a second time',
  )
  for (const incident of [exampleIncidents.removing, exampleIncidents.removingUnknown])
    expect(transcriptOf(cardOf(incident))).not.toMatch(/(is|was|been) unblocked|Gone from/)
})

test.each([
  ['stuckRefused', 'it failed with “The bot’s app may not run Remove-BlockedConnector (403)”'],
  [
    'stuckUnknown',
    'the call ended with “no answer within 60 s”. Ten minutes later the connector was still listed',
  ],
  ['stuckListed', 'Exchange accepted the removal. One hour later the connector is still listed'],
] as const)(
  'an unblock that is %s says what is known, what was tried, and the line to type',
  (name, known) => {
    const text = transcriptOf(cardOf(exampleIncidents[name]))
    expect(text).toContain(known)
    expect(text).toContain('Remove-BlockedConnector, once, at {{TIME(2026-11-22T03:32:00Z)}}')
    expect(text).toContain(
      'Remove-BlockedConnector -ConnectorId 159eb7c4-75d7-43e2-95fe-ced44b3e0a56 -Reason "CR-42"',
    )
  },
)

test('the outcome says when it left the list and until when senders may still see the error', () => {
  const text = transcriptOf(cardOf(exampleIncidents.unblocked))
  expect(text).toContain(
    'Removed from Restricted entities at {{DATE(2026-11-22T03:40:00Z,SHORT)}} {{TIME(2026-11-22T03:40:00Z)}}; senders may see **5.7.711** until about {{TIME(2026-11-22T04:40:00Z)}}.',
  )
  expect(text).toContain('**Acknowledged** by Maria Papadopoulou after 2 min')
  expect(text).toMatch(/\*\*Approved\*\* by Jonas Lindqvist after 26 min: “Relay password changed/)
})

test.each([
  ['clearedByOther', 'Somebody else removed the block, not this bot.'],
  ['clearedConnectorGone', 'The connector does not exist any more'],
  ['clearedUnknown', 'not removed by this bot; the cause is not known'],
] as const)('a block that ended without the bot says so: %s', (name, cause) => {
  const card = cardOf(exampleIncidents[name])
  expect(textsOf(card)[0]).toBe('No longer blocked')
  expect(transcriptOf(card)).toContain(cause)
  expect(transcriptOf(card)).not.toMatch(/\*\*Approved\*\*/)
})

test('only the latest six entries are listed, oldest first, and how many came before', () => {
  const notes = [1, 2, 3, 4, 5, 6, 7].map(
    (n) =>
      [n, { type: 'noted', text: `finding ${n}` }, maria] as [
        number,
        { type: 'noted'; text: string },
        typeof maria,
      ],
  )
  const texts = textsOf(cardOf(incidentOf(42, [0, opened], ...notes)))
  const from = texts.indexOf('What happened so far')
  expect(texts[from + 1]).toBe('… and 2 earlier entries')
  expect(texts[from + 2]).toContain('“finding 2”')
  expect(texts[from + 7]).toContain('“finding 7”')
})

test('every phase names the command that does the same as the button', () => {
  const hint = (name: keyof typeof exampleIncidents) => textsOf(cardOf(exampleIncidents[name])).at(-1)
  expect(hint('untaken')).toContain('**ack CR-42**')
  expect(hint('working')).toContain('**done CR-42 revert**')
  expect(hint('deciding')).toContain('**approve CR-42** or **keep CR-42**')
  expect(hint('stuckUnknown')).toContain('**retry CR-42**')
  expect(hint('kept')).toContain('**reopen CR-42**')
})

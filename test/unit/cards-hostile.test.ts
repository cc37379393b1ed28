import {
  aisha,
  connectorId,
  done,
  exampleStart,
  type Happening,
  incidentOf,
  opened,
  voted,
} from '../../cards/examples.js'
import { checksCard, healthCard, incidentCard, listCard, movedCard, whoamiCard } from '../../cards/index.js'
import { en } from '../../cards/texts/en.js'
import { later, minuteMs } from '../../src/clock.js'
import type { TenantHealth } from '../../src/health/findings.js'
import { type HealthCause, healthCauses, type Problem } from '../../src/health/problem.js'
import type { Evidence, Piece } from '../../src/incident/evidence.js'
import type { Incident, Person } from '../../src/incident/incident.js'
import { rulesSchema } from '../../src/incident/rules.js'
import { stepIds } from '../../src/incident/steps.js'
import { bytesOf, partsOf, textsOf } from '../support/card-parts.js'

const rules = rulesSchema.parse({ approvals: { required: 10 } })
const context = { texts: en, rules, now: later(exampleStart, 40 * minuteMs) }

const poison =
  '[Approve here](https://evil.example)<at>Everyone</at>**b** `c` ${head.code} {{TIME(2026-11-22T03:05:00Z)}} \u202egnp.exe\u200b\n# Big\n- '
const hostileText = (length: number) => poison.repeat(Math.ceil(length / poison.length)).slice(0, length)

/** An incident in which everything that can come from outside is `text`, as long as it may get. */
function incidentFull(text: string, rows: number, ...ending: Happening[]): Incident {
  const person: Person = { id: text.slice(0, 36), name: text }
  const voters = Array.from({ length: 9 }, (_, n): Person => ({ id: `voter-${n}`, name: text }))
  const notes = Array.from(
    { length: 200 },
    (_, n): Happening => [3, { type: 'noted', text: `${n}${text}` }, person],
  )
  return incidentOf(
    42,
    [
      0,
      {
        ...opened,
        tenant: text,
        restriction: {
          connectorId,
          connectorName: text,
          createdAt: text,
          reason: text,
          raw: rawOf(text, rows),
        },
        previous: { number: 41, status: 'unblocked', endedAt: exampleStart, approvers: voters },
      },
    ],
    [1, { type: 'editorFound', account: text, id: text, at: exampleStart }],
    [1, { type: 'acknowledged' }, person],
    ...stepIds.map((step): Happening => [1, done(step, text), person]),
    ...voters.map((voter): Happening => [2, voted(2, text, 10), voter]),
    ...notes,
    ...ending,
  )
}

/** A row as long as an adapter lets it get. */
const rawOf = (text: string, rows: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: rows }, (_, n) => [`${n}${text.slice(0, 38)}`, text.slice(0, 200)]))

const sent = (text: string): Happening => [
  4,
  {
    type: 'removalStarted',
    removal: 'one',
    approvers: Array.from({ length: 10 }, (_, n) => ({ id: `voter-${n}`, name: text })),
    reason: text,
    listedInReadOf: exampleStart,
  },
]
const reached: Happening = [
  3,
  { type: 'quorumReached', required: 10, removeBy: later(exampleStart, 10 * minuteMs), approvers: [aisha] },
]
const endings = (text: string): Record<string, Happening[]> => ({
  open: [],
  approved: [reached],
  kept: [[4, { type: 'keptBlocked', reason: text, basis: { rules: '', roleMap: '' } }, aisha]],
  removing: [
    reached,
    sent(text),
    [5, { type: 'removalAnswered', outcome: { kind: 'unknown', cause: text } }],
  ],
  stuck: [
    reached,
    sent(text),
    [5, { type: 'removalAnswered', outcome: { kind: 'notDone', cause: text } }],
    [5, { type: 'stuck', cause: 'notDone' }],
  ],
  unblocked: [reached, sent(text), [6, { type: 'unblocked', absentSince: exampleStart }]],
  cleared: [[6, { type: 'cleared', cause: 'removedByOther', absentSince: exampleStart }]],
})
/** Everything that Exchange tells about a connector, in these words. */
function evidenceFull(text: string, entries: number): Evidence {
  const at = exampleStart
  const found = <Value>(value: Value): Piece<Value> => ({ collected: true, at, found: value })
  const connector = { id: 'x', name: text, type: text, tlsCertificate: text, comment: text, source: text }
  const lists = { senderDomains: [text, text], senderIps: [text, text], acceptedDomains: [text] }
  const act = { at, act: 'Set-InboundConnector', account: text, clientIp: text, object: text } as const
  const parameters = Array.from({ length: 40 }, () => ({ name: text, value: text }))
  const property = { property: text, was: text, is: text }
  return {
    connector: found({ ...connector, ...lists, skipIps: [text], trustedOrganizations: [text] }),
    changes: found({
      since: at,
      changes: Array.from({ length: entries }, () => ({
        kind: 'changed',
        notBefore: at,
        at,
        properties: [property, property, property, property],
      })),
    }),
    audit: found({
      from: at,
      acts: Array.from({ length: entries }, () => ({ ...act, parameters })),
      others: 9,
      complete: false,
    }),
    traffic: { collected: false, at, cause: text },
    auditing: { collected: false, at, cause: text },
    alertPolicy: { collected: false, at, cause: text },
  }
}

const statuses = Object.keys(endings(''))

test.each(statuses)('hostile names, reasons and notes change nothing on a card that is %s', (status) => {
  const harmless = incidentCard(
    incidentFull('harmless words', 2, ...(endings('harmless words')[status] ?? [])),
    evidenceFull('harmless words', 1),
    context,
  )
  const text = hostileText(500)
  const card = incidentCard(
    incidentFull(text, 2, ...(endings(text)[status] ?? [])),
    evidenceFull(text, 1),
    context,
  )
  expect(partsOf(card).map(({ type }) => type)).toEqual(partsOf(harmless).map(({ type }) => type))
  for (const shown of [...textsOf(card), String(card.fallbackText)]) expectInert(shown)
})

function expectInert(text: string) {
  // What is left is our own: bold, and the macros of real times.
  expect(text).not.toMatch(/\]\(|<at>|[`\u202e\u200b\n]|\$\{|gnp\.exe\u200b/)
  expect(text.replace(/\{\{(DATE|TIME)\(2026-11-2[129]T[\d:]{8}Z(,SHORT)?\)\}\}/g, '')).not.toContain('{{')
  expect(text.length).toBeLessThan(900)
}

test.each(statuses)(
  'with the longest texts in the widest characters, a card that is %s stays below 25 KB',
  (status) => {
    for (const text of ['😀'.repeat(250), '漢'.repeat(500), '"\\'.repeat(250), hostileText(500)]) {
      const card = incidentCard(
        incidentFull(text, 30, ...(endings(text)[status] ?? [])),
        evidenceFull(text, 5),
        context,
      )
      expect(bytesOf(card)).toBeLessThan(25_000)
    }
  },
)

test('the other cards are as deaf to what they are given', () => {
  const text = hostileText(4000)
  const cards = [
    listCard({ title: text, filter: text, incidents: [incidentFull(text, 2)], page: 1 }, context),
    whoamiCard(
      {
        name: text,
        id: text,
        tenants: [{ tenant: text, role: 'viewer', source: text }],
        conversation: text,
        problems: [text],
      },
      context,
    ),
    movedCard({ number: 42, tenant: text }, context),
  ]
  for (const card of cards)
    for (const shown of [...textsOf(card), String(card.fallbackText)]) expectInert(shown)
})

/** A problem in which all that can come from outside is `text`. */
const problemOf = (cause: HealthCause, text: string): Problem => ({
  cause,
  tenant: text,
  detail: cause === 'certificateExpiring' ? `exchange ${exampleStart}` : text,
  since: exampleStart,
  changedAt: exampleStart,
})

const tenantOf = (text: string): TenantHealth => {
  const unread = { collected: false as const, at: exampleStart, cause: text }
  return {
    name: text,
    list: { lastGoodReadAt: exampleStart, failing: 'credentials', message: text },
    auditing: unread,
    alertPolicy: unread,
    certificates: [
      { what: 'exchange', until: unread },
      { what: 'unblock', until: unread },
    ],
    hasUnblockApp: true,
    unblockRefused: { collected: true, at: exampleStart, found: text },
  }
}

const manyChecks = (text: string) => ({
  tenants: Array.from({ length: 30 }, () => tenantOf(text)),
  problems: healthCauses.map((cause) => problemOf(cause, text)),
  policy: {
    roleMapHash: text,
    approvers: new Map([[text, { users: 3, groupsAndRoles: 1 }]]),
    rulesHash: text,
  },
  own: [{ what: 'bot' as const, until: { collected: false as const, at: exampleStart, cause: text } }],
  conversation: { id: text, watching: true },
  botId: text,
})

test.each(healthCauses)('what the bot says of its own health (%s) is as deaf, amiss or over', (cause) => {
  const amiss = Array.from({ length: 30 }, () => problemOf(cause, hostileText(4000)))
  const over = amiss.map((problem) => ({ ...problem, over: { at: exampleStart } }))
  for (const shown of [
    { cause, amiss, over: [] },
    { cause, amiss: [], over },
  ]) {
    const card = healthCard(shown, context)
    for (const text of [...textsOf(card), String(card.fallbackText)]) expectInert(text)
    expectInert(en.health.noticeOver(cause, over))
    expectInert(en.health.noticeAgain(cause, amiss))
    expectInert(en.health.noticeAlso(cause, amiss))
  }
})

test('the answer to checks is as deaf', () => {
  const card = checksCard(manyChecks(hostileText(4000)), context)
  for (const text of [...textsOf(card), String(card.fallbackText)]) expectInert(text)
})

test('with the longest texts in the widest characters, cards about the bot itself stay below 25 KB', () => {
  for (const text of ['😀'.repeat(250), '漢'.repeat(500), '"\\'.repeat(250)]) {
    expect(bytesOf(checksCard(manyChecks(text), context))).toBeLessThan(25_000)
    for (const cause of healthCauses) {
      const amiss = Array.from({ length: 30 }, () => problemOf(cause, text))
      expect(bytesOf(healthCard({ cause, amiss, over: [] }, context))).toBeLessThan(25_000)
    }
  }
})

import { exampleBatch, exampleIncidents, exampleStart, maria } from '../../cards/examples.js'
import { digestCard, helpCard, listCard, movedCard, whoamiCard } from '../../cards/index.js'
import { en } from '../../cards/texts/en.js'
import { later, minuteMs } from '../../src/clock.js'
import type { Incident } from '../../src/incident/incident.js'
import { defaultRules } from '../../src/incident/rules.js'
import {
  buttonsOf,
  bytesOf,
  dataOf,
  partsOf,
  textsOf,
  titlesOf,
  transcriptOf,
} from '../support/card-parts.js'

const context = { texts: en, rules: defaultRules, now: later(exampleStart, 40 * minuteMs) }
const digest = (page: number, incidents: Incident[] = exampleBatch) =>
  digestCard({ id: 'read-7', incidents, page }, context)
const list = (page: number, filter = '', incidents: Incident[] = exampleBatch) =>
  listCard({ title: 'Incidents', filter, incidents, page }, context)
const opens = (card: ReturnType<typeof digest>) => titlesOf(card).filter((title) => title === 'Open').length

test('many at once are counted by how they stand, the most urgent first', () => {
  const [title, counts] = textsOf(digest(1))
  expect(title).toBe('12 connectors were blocked at once in contoso.onmicrosoft.com')
  expect(counts).toBe('**9** with nobody on it · **2** being worked on · **1** kept blocked')
  expect(partsOf(digest(1)).find(({ type }) => type === 'Container')?.style).toBe('attention')
})

test('each of many can be opened and so decided on its own', () => {
  expect(opens(digest(1))).toBe(10)
  expect(dataOf(digest(1), 'Open')).toEqual({ verb: 'show', incident: 'CR-50', version: 2 })
  expect(buttonsOf(digest(1)).map(({ verb }) => verb)).not.toContain('approve')
})

test('a digest is paged, and a page that does not exist is the nearest one', () => {
  expect(dataOf(digest(1), 'Next')).toEqual({ verb: 'page', page: 2, batch: 'read-7' })
  expect(titlesOf(digest(1))).not.toContain('Previous')
  expect(opens(digest(2))).toBe(2)
  expect(dataOf(digest(2), 'Previous')).toEqual({ verb: 'page', page: 1, batch: 'read-7' })
  expect(digest(99)).toEqual(digest(2))
  expect(digest(0)).toEqual(digest(1))
})

test('a digest stays right while nobody draws it again: it holds no ages', () => {
  const hourLater = { ...context, now: later(context.now, 60 * minuteMs) }
  expect(digestCard({ id: 'read-7', incidents: exampleBatch, page: 1 }, hourLater)).toEqual(digest(1))
})

test('a digest of which all is over asks for nothing any more', () => {
  expect(transcriptOf(digest(1, [exampleIncidents.unblocked]))).toContain('Nothing. All of them are over.')
})

test('a list says how each stands, for how long, and who is waited for', () => {
  const text = transcriptOf(list(1))
  expect(text).toContain('12 incidents, as of {{DATE(')
  expect(text).toContain(
    'Delft relay\nBlocked · nobody is on it\nCR-53 · contoso.onmicrosoft.com\nFor 40 min, waits for a responder\n[Open]',
  )
  expect(transcriptOf(list(1, '', [exampleIncidents.unblocked]))).toContain('Over after 36 min')
})

test('the pages of a filtered list keep the filter', () => {
  expect(dataOf(list(1, 'relay'), 'Next')).toEqual({ verb: 'page', page: 2, list: 'relay' })
  expect(transcriptOf(list(1, 'relay'))).toContain('Filter: “relay”')
})

test('a list of ten needs no pages, an empty one has kind words', () => {
  expect(titlesOf(list(1, '', exampleBatch.slice(0, 10)))).not.toContain('Next')
  expect(transcriptOf(list(1, '', []))).toContain('All quiet')
  expect(transcriptOf(list(1, 'nope', []))).toContain('Nothing matches')
})

test('a full page of long names stays small enough for Teams', () => {
  const long = exampleBatch.map((incident) => ({
    ...incident,
    tenant: '😀'.repeat(300),
    restriction: { ...incident.restriction, connectorName: '😀'.repeat(300) },
  }))
  expect(bytesOf(digest(1, long))).toBeLessThan(25_000)
  expect(bytesOf(list(1, '😀'.repeat(300), long))).toBeLessThan(25_000)
})

test('help lists each command under the role that it takes', () => {
  const commands = [
    { ...en.commands.approve, role: 'approver' },
    { ...en.commands.help, role: 'everyone' },
  ] as const
  const texts = textsOf(helpCard({ commands: [...commands], introduction: false }, context))
  expect(texts.slice(-6)).toEqual([
    'Everyone',
    'help',
    'what I do and what you can type',
    'Approvers',
    'approve CR-42 <reason>',
    'approves the unblock',
  ])
})

test('only the introduction says how to begin', () => {
  const text = (introduction: boolean) => transcriptOf(helpCard({ commands: [], introduction }, context))
  expect(text(true)).toContain('types **watch** here')
  expect(text(false)).not.toContain('types **watch** here')
})

test('whoami shows each tenant with the role, its source and what it allows', () => {
  const card = whoamiCard(
    {
      ...maria,
      tenants: [{ tenant: 'contoso', role: 'viewer', source: 'users' }, { tenant: 'fabrikam' }],
      conversation: '19:mail@thread.tacv2',
      problems: [],
    },
    context,
  )
  const text = transcriptOf(card)
  expect(text).toContain('This conversation’s id: 19:mail@thread.tacv2')
  expect(text).toContain('**contoso:** viewer\nFrom users\nYou can list and read incidents.')
  expect(text).toContain('**fabrikam:** no role\nYou can read **help** here, and nothing else.')
  expect(text).toContain(maria.id)
})

test('whoami says what it could not find out, and that no tenant is served', () => {
  const text = transcriptOf(
    whoamiCard(
      { ...maria, tenants: [], conversation: '19:x', problems: ['Teams did not answer.', 'Nor did Entra.'] },
      context,
    ),
  )
  expect(text).toContain('Teams did not answer.\nNor did Entra.\nNo watched tenant is served here.')
})

test('a card that moved points to the newer one and decides nothing', () => {
  const card = movedCard({ number: 42, tenant: 'contoso' }, context)
  expect(transcriptOf(card)).toContain('CR-42 (contoso) has moved')
  expect(transcriptOf(card)).toContain('**show CR-42**')
  expect(buttonsOf(card)).toEqual([])
})

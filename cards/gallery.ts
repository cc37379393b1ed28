import { later, minuteMs } from '../src/clock.js'
import type { Evidence } from '../src/incident/evidence.js'
import { type Incident, isFinal } from '../src/incident/incident.js'
import { defaultRules } from '../src/incident/rules.js'
import type { Card, CardContext, CardKind } from './card.js'
import { checksKind } from './checks/card.js'
import { toChecksView } from './checks/to-view.js'
import { digestKind } from './digest/card.js'
import { toDigestView } from './digest/to-view.js'
import { mostShown, show } from './escape.js'
import { missingEvidence, quietEvidence, tellingEvidence } from './evidence-examples.js'
import { exampleBatch, exampleIncidents, exampleStart, maria } from './examples.js'
import { exampleChecks, exampleHealth } from './examples-health.js'
import { healthKind } from './health/card.js'
import { toHealthView } from './health/to-view.js'
import { helpKind } from './help/card.js'
import { type HelpOf, toHelpView } from './help/to-view.js'
import { incidentKind } from './incident/card.js'
import { toIncidentView } from './incident/to-view.js'
import { listKind } from './list/card.js'
import { toListView } from './list/to-view.js'
import { movedKind } from './moved/card.js'
import { toMovedView } from './moved/to-view.js'
import { outcomeKind } from './outcome/card.js'
import { toOutcomeView } from './outcome/to-view.js'
import { testCardKind } from './test-card/card.js'
import { toTestCardView } from './test-card/to-view.js'
import { en, type Texts } from './texts/en.js'
import { whoamiKind } from './whoami/card.js'
import { toWhoamiView, type WhoamiOf } from './whoami/to-view.js'

/** A kind of card with its examples, each as the view and as the card made of it. */
export interface Exhibit {
  kind: Pick<CardKind<unknown>, 'name' | 'schema' | 'template'>
  examples: { name: string; view: unknown; card: Card }[]
}

/** Every kind of card there is, with examples: for the pictures, and for the tests that hold all cards. */
export function gallery(texts: Texts = en): Exhibit[] {
  const context: CardContext = { texts, rules: defaultRules, now: later(exampleStart, 40 * minuteMs) }
  const { open, over } = incidents()
  return [
    exhibit(
      incidentKind,
      Object.fromEntries(
        Object.entries(open).map(([name, incident]) => [
          name,
          toIncidentView(incident, exampleEvidence[name], context),
        ]),
      ),
    ),
    exhibit(
      outcomeKind,
      mapValues(over, (incident) => toOutcomeView(incident, context)),
    ),
    exhibit(digestKind, {
      digest: toDigestView({ id: 'example', incidents: exampleBatch, page: 1 }, context),
    }),
    exhibit(listKind, {
      list: toListView({ title: texts.listing.title, filter: '', incidents: exampleBatch, page: 2 }, context),
      listEmpty: toListView({ title: texts.listing.title, filter: '', incidents: [], page: 1 }, context),
    }),
    exhibit(
      healthKind,
      mapValues(exampleHealth, (shown) => toHealthView(shown, context)),
    ),
    exhibit(
      checksKind,
      mapValues(exampleChecks, (checks) => toChecksView(checks, context)),
    ),
    exhibit(helpKind, {
      help: toHelpView({ commands: commandsOf(texts), introduction: false }, context),
      introduction: toHelpView({ commands: commandsOf(texts).slice(0, 3), introduction: true }, context),
    }),
    exhibit(whoamiKind, { whoami: toWhoamiView(whoExample, context) }),
    exhibit(movedKind, { moved: toMovedView({ number: 42, tenant: 'contoso.onmicrosoft.com' }, context) }),
    exhibit(testCardKind, { testCard: toTestCardView(context) }),
  ]
}

const whoExample: WhoamiOf = {
  ...maria,
  tenants: [
    {
      tenant: 'contoso.onmicrosoft.com',
      role: 'approver',
      source: 'role map, approver: directory role Security Administrator',
    },
    { tenant: 'fabrikam.onmicrosoft.com' },
  ],
  conversation: '19:mail-security@thread.tacv2',
  problems: [en.whoami.unasked(show('Microsoft Graph did not answer in time', mostShown.reason))],
}

/** What was found out in which example; nothing yet in the others. */
const exampleEvidence: Record<string, Evidence> = {
  working: tellingEvidence,
  deciding: tellingEvidence,
  changedWhileDeciding: quietEvidence,
  blockedAgain: quietEvidence,
  stuckRefused: missingEvidence,
  kept: missingEvidence,
}

const mapValues = <Value, Result>(record: Record<string, Value>, map: (value: Value) => Result) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))

function incidents() {
  const all = Object.entries<Incident>(exampleIncidents)
  return {
    open: Object.fromEntries(all.filter(([, incident]) => !isFinal(incident))),
    over: Object.fromEntries(all.filter(([, incident]) => isFinal(incident))),
  }
}

const exhibit = <View>(kind: CardKind<View>, views: Record<string, View>): Exhibit => ({
  kind,
  examples: Object.entries(views).map(([name, view]) => ({ name, view, card: kind.render(view) })),
})

const commandsOf = ({ commands }: Texts): HelpOf['commands'] => [
  { ...commands.help, role: 'everyone' },
  { ...commands.whoami, role: 'everyone' },
  { ...commands.list, role: 'viewer' },
  { ...commands.show, role: 'viewer' },
  { ...commands.checks, role: 'viewer' },
  { ...commands.ack, role: 'responder' },
  { ...commands.done, role: 'responder' },
  { ...commands.skip, role: 'responder' },
  { ...commands.undo, role: 'responder' },
  { ...commands.note, role: 'responder' },
  { ...commands.watch, role: 'responder' },
  { ...commands.unwatch, role: 'responder' },
  { ...commands.approve, role: 'approver' },
  { ...commands.keep, role: 'approver' },
  { ...commands.reopen, role: 'approver' },
  { ...commands.retry, role: 'approver' },
]

import type { HealthShown } from '../src/health/due.js'
import type { Evidence } from '../src/incident/evidence.js'
import { type Incident, isFinal } from '../src/incident/incident.js'
import type { Card, CardContext } from './card.js'
import { checksKind } from './checks/card.js'
import { type ChecksOf, toChecksView } from './checks/to-view.js'
import { digestKind } from './digest/card.js'
import { type DigestOf, toDigestView } from './digest/to-view.js'
import { healthKind } from './health/card.js'
import { toHealthView } from './health/to-view.js'
import { helpKind } from './help/card.js'
import { type HelpOf, toHelpView } from './help/to-view.js'
import { incidentKind } from './incident/card.js'
import { fitting } from './incident/fit.js'
import { toIncidentView } from './incident/to-view.js'
import { listKind } from './list/card.js'
import { type ListOf, toListView } from './list/to-view.js'
import { movedKind } from './moved/card.js'
import { toMovedView } from './moved/to-view.js'
import { outcomeKind } from './outcome/card.js'
import { toOutcomeView } from './outcome/to-view.js'
import { testCardKind } from './test-card/card.js'
import { toTestCardView } from './test-card/to-view.js'
import { whoamiKind } from './whoami/card.js'
import { toWhoamiView, type WhoamiOf } from './whoami/to-view.js'

// What the bot shows. Every function is pure: the same things in, the same card out.

export type { Card, CardContext } from './card.js'
export type { ChecksOf } from './checks/to-view.js'

/**
 * The card of an incident: the one to work on, or the outcome once it is over.
 * @param evidence undefined while nothing was found out yet
 */
export const incidentCard = (
  incident: Incident,
  evidence: Evidence | undefined,
  context: CardContext,
): Card =>
  isFinal(incident)
    ? outcomeKind.render(toOutcomeView(incident, context))
    : fitting(toIncidentView(incident, evidence, context), incidentKind.render, context)

/** The card of many incidents that one read found; a page that does not exist becomes the nearest one. */
export const digestCard = (batch: DigestOf, context: CardContext): Card =>
  digestKind.render(toDigestView(batch, context))

/** The answer to `list`; a page that does not exist becomes the nearest one. */
export const listCard = (list: ListOf, context: CardContext): Card =>
  listKind.render(toListView(list, context))

export const helpCard = (help: HelpOf, context: CardContext): Card =>
  helpKind.render(toHelpView(help, context))

export const whoamiCard = (who: WhoamiOf, context: CardContext): Card =>
  whoamiKind.render(toWhoamiView(who, context))

/** The card of what is amiss with the bot itself, or was. */
export const healthCard = (shown: HealthShown, context: CardContext): Card =>
  healthKind.render(toHealthView(shown, context))

/** The answer to `checks`. */
export const checksCard = (checks: ChecksOf, context: CardContext): Card =>
  checksKind.render(toChecksView(checks, context))

/** What an older copy of an incident's card is replaced with. */
export const movedCard = (incident: Parameters<typeof toMovedView>[0], context: CardContext): Card =>
  movedKind.render(toMovedView(incident, context))

/** What the doctor posts when it is asked to. */
export const testCard = (context: Pick<CardContext, 'texts'>): Card =>
  testCardKind.render(toTestCardView(context))

import { type Instant, later } from '../../src/clock.js'
import { type HealthShown, named, wholeDays } from '../../src/health/due.js'
import { certificateIn, lostForGoodMs } from '../../src/health/findings.js'
import type { HealthCause, Problem } from '../../src/health/problem.js'
import { openUrl } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showUnlinked } from '../escape.js'
import type { ContainerStyle } from '../phase.js'
import { onDevice } from '../times.js'
import type { HealthView } from './view.js'

/** What of a connector's trouble would go unnoticed is red; what only may get worse is amber. */
const styles: Record<HealthCause, ContainerStyle> = {
  blind: 'attention',
  credentials: 'attention',
  permission: 'attention',
  listIncomplete: 'attention',
  unblockCredentials: 'warning',
  certificateExpiring: 'warning',
  auditOff: 'attention',
  alertPolicyOff: 'warning',
  alertPolicySilent: 'warning',
  alertPolicyLimited: 'warning',
  alertPolicyMissing: 'warning',
  conversationLost: 'warning',
  nobodyMayApprove: 'warning',
  roleMapBroken: 'warning',
  rulesBroken: 'warning',
}

/** The card of one cause: of what is amiss, or, once nothing is any more, of what was. */
export function toHealthView(shown: HealthShown, context: CardContext): HealthView {
  return shown.amiss.length > 0 ? amissView(shown, context) : overView(shown, context)
}

function amissView({ cause, amiss }: HealthShown, context: CardContext): HealthView {
  const { health } = context.texts
  const words = health.causes[cause]
  const { command, link } = words
  return {
    fallbackText: health.summary(cause, amiss),
    style: styles[cause],
    status: health.amiss,
    title: words.title,
    what: words.means,
    next: [
      {
        title: health.nextTitle,
        text: words.fix,
        commands: command ? [command] : [],
        buttons: link ? [{ actions: [openUrl(link.title, link.url)] }] : [],
      },
    ],
    rows: named(amiss).map((problem) => ({
      name: health.about(problem),
      state: health.since(onDevice(problem.since)),
      details: detailOf(problem, context),
    })),
    more: moreOf(amiss, context),
    hint: health.hint,
  }
}

function overView({ cause, over }: HealthShown, context: CardContext): HealthView {
  const { health, between } = context.texts
  const isUnwatched = over.every((problem) => problem.over?.unwatched)
  return {
    fallbackText: health.summaryOver(cause, over),
    style: isUnwatched ? 'emphasis' : 'good',
    status: isUnwatched ? health.unwatched : health.over,
    title: isUnwatched ? health.causes[cause].title : health.causes[cause].again,
    what: health.nothingToDo,
    next: [],
    rows: named(over).map((problem) => {
      const at = problem.over?.at ?? problem.since
      const ended = problem.over?.unwatched ? health.unwatchedSince : health.againSince
      return {
        name: health.about(problem),
        state: ended(onDevice(at), between(problem.since, at)),
        details: [],
      }
    }),
    more: moreOf(over, context),
    hint: health.hint,
  }
}

const moreOf = (problems: Problem[], { texts }: CardContext): string[] => {
  const more = problems.length - named(problems).length
  return more > 0 ? [texts.health.more(more)] : []
}

const mostOfDetail = 200

function detailOf({ cause, detail, since }: Problem, { texts, now }: CardContext): string[] {
  const { health } = texts
  switch (cause) {
    case 'blind':
      return [health.failing(detail)]
    case 'certificateExpiring':
      return [certificateOf(detail, texts, now)]
    case 'alertPolicyLimited':
      return detail ? [health.limit(show(detail, mostShown.word))] : []
    // Its detail is the conversation's name, which the row has for its own.
    case 'conversationLost':
      return [health.endsByItself(onDevice(later(since, lostForGoodMs)))]
    default:
      return detail ? [showUnlinked(detail, mostOfDetail)] : []
  }
}

function certificateOf(detail: string | undefined, { health }: CardContext['texts'], now: Instant): string {
  const { what, until } = certificateIn(detail)
  return health.certificate(what, onDevice(until), wholeDays(now, until))
}

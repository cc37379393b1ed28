import { codeOf, type Incident } from '../../src/incident/incident.js'
import { approvalsRequired } from '../../src/incident/requirements.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showName, showUnlinked } from '../escape.js'
import { usedVotes } from '../parts.js'
import { onDevice } from '../times.js'

/** What somebody who sees the incident for the first time has to know, the most important first. */
export const whatHappened = (incident: Incident, context: CardContext): string[] => [
  ...howItStands(incident, context),
  ...heldUp(incident, context),
  ...reasonOf(incident, context),
  ...linkedTo(incident, context),
  ...takenBy(incident, context),
]

function howItStands(incident: Incident, context: CardContext): string[] {
  const words = context.texts.incident
  switch (incident.status) {
    case 'removing':
      return [removalLine(incident, context), ...approvals(incident, context), words.stillBlocked]
    case 'kept':
      return [...keptBy(incident, context), words.stillBlocked]
    case 'stuck':
      return [incident.stuck ? words.stuckWhat[incident.stuck] : words.stillBlocked]
    default:
      return [words.what]
  }
}

const heldUp = ({ heldUp, openedAt }: Incident, { texts }: CardContext): string[] =>
  heldUp
    ? [texts.incident.heldUp(onDevice(heldUp.since, openedAt), showUnlinked(heldUp.cause, mostShown.text))]
    : []

function removalLine({ removal, since, openedAt }: Incident, { texts }: CardContext): string {
  const words = texts.incident
  const at = onDevice(removal?.startedAt ?? since, openedAt)
  switch (removal?.outcome?.kind) {
    case 'accepted':
      return words.removalAccepted(at)
    case undefined:
      return words.removalSent(at)
    default:
      return words.removalUnknown(at)
  }
}

const approvals = (incident: Incident, { texts }: CardContext): string[] =>
  usedVotes(incident).map(({ by, reason }) =>
    texts.incident.approvedBy(showName(by), show(reason, mostShown.reason)),
  )

const keptBy = ({ kept, openedAt }: Incident, { texts }: CardContext): string[] =>
  kept
    ? [
        texts.incident.keptBy(
          showName(kept.by),
          onDevice(kept.at, openedAt),
          show(kept.reason, mostShown.reason),
        ),
      ]
    : []

function reasonOf({ restriction }: Incident, { texts }: CardContext): string[] {
  // Exchange reports `Key=Value;Key=Value`, which no line can be broken in.
  const reason = showUnlinked((restriction.reason ?? '').replace(/;(?=\S)/g, '; '), mostShown.text)
  return reason ? [texts.incident.exchangeSays(reason)] : []
}

const mostNamed = 3

function linkedTo(incident: Incident, { texts, rules }: CardContext): string[] {
  const { previous } = incident
  if (!previous) return []
  const approvers = previous.approvers.slice(0, mostNamed).map(showName)
  const required = approvalsRequired(incident, rules)
  return [texts.incident.again(codeOf(previous), onDevice(previous.endedAt), approvers, required)]
}

const takenBy = ({ acknowledged, openedAt }: Incident, { texts }: CardContext): string[] =>
  acknowledged ? [texts.incident.takenBy(showName(acknowledged.by), onDevice(acknowledged.at, openedAt))] : []

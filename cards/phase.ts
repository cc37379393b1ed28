import type { Instant } from '../src/clock.js'
import type { Incident, Status, Vote } from '../src/incident/incident.js'
import { unsettledSteps } from '../src/incident/requirements.js'
import type { Rules } from '../src/incident/rules.js'

/**
 * A status; for an open incident also how far people have got, for a stuck one whether the removal is known not
 * to have been done (`failed`), for one that is over whether it is so only because a newer restriction took its
 * place (`replaced`): what a reader has to know within seconds.
 */
export type Phase = Exclude<Status, 'open'> | 'untaken' | 'working' | 'deciding' | 'failed' | 'replaced'

/** How far an incident has got. Under way also counts where somebody settled a step without acknowledging. */
export function phaseOf(incident: Incident, rules: Rules): Phase {
  if (incident.ended?.replaced) return 'replaced'
  if (incident.stuck === 'notDone' && incident.status === 'stuck') return 'failed'
  if (incident.status !== 'open') return incident.status
  if (unsettledSteps(incident, rules).length === 0) return 'deciding'
  const underWay = incident.acknowledged !== undefined || Object.keys(incident.steps).length > 0
  return underWay ? 'working' : 'untaken'
}

/** How a container of the card is tinted; the words beside it say the same. */
export type ContainerStyle = 'default' | 'emphasis' | 'accent' | 'good' | 'attention' | 'warning'
export type TextColor = 'default' | 'accent' | 'good' | 'attention' | 'warning'

interface Look {
  style: ContainerStyle
  color: TextColor
}

/** Red: a person must act and nobody is on it. Amber: people are on it. Blue: the bot is. */
export const looks: Record<Phase, Look> = {
  untaken: { style: 'attention', color: 'attention' },
  working: { style: 'warning', color: 'warning' },
  deciding: { style: 'warning', color: 'warning' },
  approved: { style: 'accent', color: 'accent' },
  removing: { style: 'accent', color: 'accent' },
  stuck: { style: 'attention', color: 'attention' },
  failed: { style: 'attention', color: 'attention' },
  kept: { style: 'emphasis', color: 'default' },
  unblocked: { style: 'good', color: 'good' },
  cleared: { style: 'emphasis', color: 'default' },
  replaced: { style: 'emphasis', color: 'default' },
}

/** Those that need a person most come first. */
export const phasesByUrgency: readonly Phase[] = [
  'failed',
  'stuck',
  'untaken',
  'deciding',
  'working',
  'removing',
  'approved',
  'kept',
  'replaced',
  'cleared',
  'unblocked',
]

/** The votes that still count at `now`; the record drops an expired one a little later. */
export const votesAt = (incident: Incident, now: Instant): Vote[] =>
  incident.votes.filter(({ expiresAt }) => now < expiresAt)

/** Whether a removal that the bot began may be what took it off the list, though nobody can know. */
export const mayBeOurs = ({ removal }: Incident): boolean =>
  removal !== undefined && removal.outcome?.kind !== 'notDone'

import type { Incident, Vote } from '../../src/incident/incident.js'
import { approvalsRequired, unsettledSteps } from '../../src/incident/requirements.js'
import type { Rules } from '../../src/incident/rules.js'
import { type Action, clickOn, execute, foremost } from '../actions.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showName } from '../escape.js'
import { phaseOf, votesAt } from '../phase.js'
import type { Texts } from '../texts/en.js'
import { onDevice } from '../times.js'
import type { DecisionView } from './view.js'

const mostVotes = 4

/** The decision that people can take now, with the approvals given so far; none while the removal runs. */
export function decisionOf(incident: Incident, context: CardContext): DecisionView[] {
  const words = context.texts.incident
  const choice = choiceOf(incident, context)
  if (!choice) return []
  return [
    {
      title: words.decisionTitle,
      lines: approvalLines(incident, context),
      label: words.reasonLabel,
      ...choice,
    },
  ]
}

type Choice = Pick<DecisionView, 'placeholder' | 'actions'>

function choiceOf(incident: Incident, { texts, rules }: CardContext): Choice | undefined {
  const { reasonPlaceholder } = texts.incident
  const button = (verb: 'approve' | 'keep' | 'reopen' | 'retry'): Action =>
    execute(texts.buttons[verb], clickOn(incident, verb))
  switch (incident.status) {
    case 'open': {
      const approve = button('approve')
      const settled = phaseOf(incident, rules) === 'deciding'
      return {
        placeholder: reasonPlaceholder.decide,
        actions: [settled ? foremost(approve) : approve, button('keep')],
      }
    }
    case 'approved':
      return { placeholder: reasonPlaceholder.keep, actions: [button('keep')] }
    case 'stuck':
      return { placeholder: reasonPlaceholder.retry, actions: [foremost(button('retry'))] }
    case 'kept':
      return { placeholder: reasonPlaceholder.reopen, actions: [button('reopen')] }
    default:
      return undefined
  }
}

function approvalLines(incident: Incident, { texts, rules, now }: CardContext): string[] {
  const words = texts.incident
  if (incident.status !== 'open' && incident.status !== 'approved') return []
  const votes = votesAt(incident, now)
  const open = unsettledSteps(incident, rules).length
  return [
    words.approvals(votes.length, required(incident, votes, rules)),
    ...votes.slice(0, mostVotes).map((vote) => voteLine(vote, incident, texts)),
    ...(votes.length > mostVotes ? [words.moreVotes(votes.length - mostVotes)] : []),
    ...(open > 0 ? [words.approvalsAfterSteps(open)] : []),
  ]
}

/** As decided, once the quorum is reached; an approval with steps left open always takes a second one. */
function required(incident: Incident, votes: Vote[], rules: Rules): number {
  const least = votes.some(({ override }) => override) ? 2 : 1
  return incident.quorum?.required ?? Math.max(least, approvalsRequired(incident, rules))
}

function voteLine(vote: Vote, { openedAt }: Incident, { incident: words }: Texts): string {
  const [at, until] = [onDevice(vote.at, openedAt), onDevice(vote.expiresAt, openedAt)]
  const worded = vote.override ? words.overrideVote : words.vote
  return worded(showName(vote.by), at, until, show(vote.reason, mostShown.reason))
}

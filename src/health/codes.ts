import { type HealthCause, isOpen, type Problem } from './problem.js'

/** Causes that `/readyz` has a code for already, by the state of things themselves rather than by the record. */
const toldOtherwise: readonly HealthCause[] = [
  'credentials',
  'permission',
  'listIncomplete',
  'conversationLost',
  'nobodyMayApprove',
  'roleMapBroken',
  'rulesBroken',
]

/** Constant words for what else the record says to be amiss; they hold no names. */
export function codesOf(problems: Problem[]): string[] {
  const causes = new Set(problems.filter(isOpen).map(({ cause }) => cause))
  return [...causes].filter((cause) => !toldOtherwise.includes(cause))
}

import { join } from 'node:path'
import { secondMs } from '../../src/clock.js'
import type { SimulatedRestriction } from '../../src/exchange/simulated-rows.js'
import type { FakePerson } from './fake-teams.js'
import { unlawfulRemovals } from './oracle.js'
import { type Answered, cast, type Story } from './story.js'

export const requiredSteps = ['traffic', 'audit', 'revert', 'account']
export const reason = 'Change reverted, account secured'

/** A connector gets restricted, and its card is there. */
export async function restricted(story: Story, code = 'CR-1'): Promise<SimulatedRestriction> {
  const restriction = story.exchange.restrict()
  await story.pass(story.settings().pollSeconds * secondMs)
  await story.card(code)
  return restriction
}

/** The required steps of an incident are settled by the responder. */
export async function settled(story: Story, code = 'CR-1'): Promise<void> {
  for (const step of requiredSteps) await story.press(cast.rae, await story.card(code), 'Done', { step })
  await story.cardShows(code, '4 of 4')
}

/** Somebody presses the button of a decision, with a reason. */
export async function decide(
  story: Story,
  title: 'Approve unblock' | 'Keep blocked' | 'Try again' | 'Reopen',
  who: FakePerson = cast.ann,
  code = 'CR-1',
): Promise<Answered> {
  return story.press(who, await story.card(code), title, { reason })
}

/** A restricted connector up to the point where an approver decides. */
export async function readyToDecide(story: Story): Promise<SimulatedRestriction> {
  const restriction = await restricted(story)
  await settled(story)
  return restriction
}

/** Ends a story; whatever it was about, nothing may have been removed that was not allowed to be. */
export async function endLawfully(story: Story): Promise<void> {
  const stopped = story.bot.stop()
  // What still waits for its time is cut short after eight seconds, and the test's clock stands still.
  story.clock.advance(8 * secondMs)
  await stopped
  const unlawful = await unlawfulRemovals(join(story.folder, 'data', 'journal.jsonl'), ...story.exchanges)
  await story.end()
  expect(unlawful).toEqual([])
}

/** What `/readyz` says. */
export async function readiness(story: Story): Promise<{ status: number; degraded: string[] }> {
  const response = await fetch(`http://127.0.0.1:${story.bot.port}/readyz`)
  const { degraded } = (await response.json()) as { degraded: string[] }
  return { status: response.status, degraded }
}

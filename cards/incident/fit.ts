import type { Card, CardContext } from '../card.js'
import type { IncidentView, StepView } from './view.js'

/** Teams takes 28 KB for a message; what stands around a card needs some of it. */
const mostBytes = 24_500

/**
 * The fullest form of a card that Teams takes. What people need to decide comes first: the row as Exchange reported it
 * goes, then all but the first line of evidence of each step, then the evidence, and the card says so.
 */
export function fitting(
  view: IncidentView,
  render: (view: IncidentView) => Card,
  { texts }: CardContext,
): Card {
  const note = [texts.evidence.tooLong]
  const withSteps = (evidenceOf: (step: StepView) => string[]): IncidentView => ({
    ...view,
    raw: [],
    checklist: {
      ...view.checklist,
      collecting: note,
      steps: view.checklist.steps.map((step) => ({ ...step, evidence: evidenceOf(step) })),
    },
  })
  const forms = [
    () => view,
    () => ({ ...view, raw: [] }),
    () => withSteps(({ evidence }) => evidence.slice(0, 1)),
  ]
  for (const form of forms) {
    const card = render(form())
    if (Buffer.byteLength(JSON.stringify(card)) <= mostBytes) return card
  }
  return render(withSteps(() => []))
}

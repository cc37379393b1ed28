import { codeOf, type Incident } from '../../src/incident/incident.js'
import type { CardContext } from '../card.js'
import { mostShown, type Shown, show, showUnlinked } from '../escape.js'
import { onDevice } from '../times.js'
import type { StuckView } from './view.js'

/** What is known of an unblock that did not work out, what was tried, and what else can be done. */
export function stuckOf(incident: Incident, { texts }: CardContext): StuckView[] {
  const { stuck, removal, restriction, openedAt, since } = incident
  if (incident.status !== 'stuck' || !stuck) return []
  const words = texts.incident.stuck
  return [
    {
      title: texts.incident.stuckTitle,
      lines: [
        words.known[stuck](causeOf(incident)),
        words.tried(onDevice(removal?.startedAt ?? since, openedAt)),
        stuck === 'stillListed' ? words.support : words.todo,
      ],
      command: words.command(show(restriction.connectorId, mostShown.word), codeOf(incident)),
    },
  ]
}

/** What Exchange, or the way to it, said. */
function causeOf({ removal }: Incident): Shown | undefined {
  if (!removal?.outcome || !('cause' in removal.outcome)) return undefined
  return showUnlinked(removal.outcome.cause, mostShown.text) || undefined
}

import { codeOf, type Incident } from '../../src/incident/incident.js'
import type { CardContext } from '../card.js'
import { mostShown, show } from '../escape.js'
import type { MovedView } from './view.js'

export function toMovedView(
  incident: Pick<Incident, 'number' | 'tenant'>,
  { texts }: CardContext,
): MovedView {
  const code = codeOf(incident)
  const title = texts.moved.title(code, show(incident.tenant, mostShown.tenant))
  return {
    fallbackText: title,
    title,
    text: texts.moved.text(code),
  }
}

import type { CardContext } from '../card.js'
import { mostShown, show } from '../escape.js'
import type { MovedView } from './view.js'

/** @param code the incident's, e.g. CR-42 */
export function toMovedView(code: string, { texts }: CardContext): MovedView {
  const shown = show(code, mostShown.word)
  return {
    fallbackText: texts.moved.title(shown),
    title: texts.moved.title(shown),
    text: texts.moved.text(shown),
  }
}

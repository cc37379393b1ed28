import type { CardContext } from '../card.js'
import type { TestCardView } from './view.js'

export const toTestCardView = ({ texts }: Pick<CardContext, 'texts'>): TestCardView => ({
  fallbackText: texts.testCard.title,
  title: texts.testCard.title,
  text: texts.testCard.text,
})

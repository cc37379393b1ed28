import type { Card } from '../../cards/card.js'

type Node = Record<string, unknown>

/** Every object on a card, the card itself included, in reading order. */
export function partsOf(card: unknown): Node[] {
  if (Array.isArray(card)) return card.flatMap(partsOf)
  if (typeof card !== 'object' || card === null) return []
  return [card as Node, ...Object.values(card).flatMap(partsOf)]
}

const ofType = (card: Card, ...types: string[]): Node[] =>
  partsOf(card).filter(({ type }) => types.includes(String(type)))

/** Everything on a card that people read as text, in reading order. */
export const textsOf = (card: Card): string[] =>
  ofType(card, 'TextBlock', 'TextRun').map(({ text }) => String(text))

/** The buttons of a card, without those that only fold something open. */
export const buttonsOf = (card: Card): Node[] => ofType(card, 'Action.Execute', 'Action.OpenUrl')

export const titlesOf = (card: Card): string[] => buttonsOf(card).map(({ title }) => String(title))

/** What the button with this title sends; the first one, where several have it. */
export function dataOf(card: Card, title: string): unknown {
  const button = buttonsOf(card).find((one) => one.title === title)
  if (!button) throw new Error(`there is no button "${title}", only: ${titlesOf(card).join(', ')}`)
  return button.data
}

export const inputsOf = (card: Card): Node[] => ofType(card, 'Input.Text')

/** A card as a transcript: what a screen reader would say of it. */
export const transcriptOf = (card: Card): string =>
  ofType(card, 'TextBlock', 'TextRun', 'Input.Text', 'Action.Execute', 'Action.OpenUrl')
    .map(({ type, text, label, title }) =>
      text !== undefined ? String(text) : type === 'Input.Text' ? `(${String(label)})` : `[${String(title)}]`,
    )
    .join('\n')

/** The size that counts against Teams' limits. */
export const bytesOf = (card: Card): number => Buffer.byteLength(JSON.stringify(card))

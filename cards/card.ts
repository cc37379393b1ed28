import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import type { Instant } from '../src/clock.js'
import type { Rules } from '../src/incident/rules.js'
import { Template } from './templating.js'
import type { Texts } from './texts/en.js'

/** An Adaptive Card, ready to attach. */
export type Card = Record<string, unknown>

/** What every card is made with: in whose words, under which rules, and when. */
export interface CardContext {
  texts: Texts
  rules: Rules
  now: Instant
}

/** One kind of card: a template, and the schema of the view that fills it. */
export interface CardKind<View> {
  name: string
  schema: z.ZodType<View>
  template: unknown
  /** Throws if the view is not exactly what the schema says: the template engine would not notice. */
  render(view: View): Card
}

/**
 * Reads a card's template once and keeps it parsed: making a Template takes some thirteen milliseconds,
 * expanding one less than a millisecond.
 * @param url the template, beside the module that defines the card
 */
export function defineCard<View extends object>(
  name: string,
  schema: z.ZodType<View>,
  url: URL,
): CardKind<View> {
  const template: unknown = JSON.parse(readFileSync(url, 'utf8'))
  const kept = new Template(template)
  return { name, schema, template, render: (view) => kept.expand({ $root: schema.parse(view) }) }
}

import { z } from 'zod'
import { stepIdSchema } from '../src/incident/steps.js'

/** Everything a button can ask for. */
export const clickVerbs = [
  'acknowledge',
  'done',
  'skip',
  'undo',
  'note',
  'approve',
  'keep',
  'reopen',
  'retry',
  'refresh',
  'show',
  'page',
] as const

const stepVerbs: readonly string[] = ['done', 'skip', 'undo']
const typed = z.string().max(4000)

/**
 * What a button sends, and all that it may send: the buttons are built with this schema and incoming clicks
 * are parsed with it. It names what the click is about and says nothing of who clicks, in which tenant or what
 * they may do; `version` serves to word a stale answer, nothing more. Teams merges the card's inputs into it,
 * so `reason` and `note` arrive with every button.
 */
export const clickSchema = z
  .strictObject({
    verb: z.enum(clickVerbs),
    incident: z
      .string()
      .regex(/^CR-[1-9]\d{0,8}$/)
      .optional(),
    version: z.int().min(0).optional(),
    step: stepIdSchema.optional(),
    page: z.int().min(1).max(10_000).optional(),
    /** The digest that is paged through. */
    batch: z.string().min(1).max(100).optional(),
    /** The filter of the list that is paged through; empty for all that are open. */
    list: z.string().max(200).optional(),
    reason: typed.optional(),
    note: typed.optional(),
  })
  .refine(({ verb, incident }) => verb === 'page' || incident !== undefined, {
    path: ['incident'],
    error: 'names no incident',
  })
  .refine(({ verb, step }) => !stepVerbs.includes(verb) || step !== undefined, {
    path: ['step'],
    error: 'names no step',
  })
  .refine(
    ({ verb, page, batch, list }) =>
      verb !== 'page' || (page !== undefined && (batch === undefined) !== (list === undefined)),
    { path: ['page'], error: 'names no page of one digest or list' },
  )

export type Click = z.infer<typeof clickSchema>

import { z } from 'zod'
import type { Instant } from '../src/clock.js'
import { codeOf, type Incident, type Person, type RecordedEvent } from '../src/incident/incident.js'
import { actionSchema, clickOn, execute } from './actions.js'
import type { CardContext } from './card.js'
import { looks, phaseOf } from './phase.js'
import { onDevice } from './times.js'

// What the cards about one incident have in common.

/** Text that may not be empty: an empty TextBlock still takes up room. */
export const line = z.string().min(1)
export const actions = z.array(actionSchema).min(1)
/** A part of a card that is there or is not: none or one of it. */
export const optional = <Part extends z.ZodType>(part: Part) => z.array(part).max(1)

export const styleSchema = z.enum(['default', 'emphasis', 'accent', 'good', 'attention', 'warning'])
export const colorSchema = z.enum(['default', 'accent', 'good', 'attention', 'warning'])

export const headSchema = z.strictObject({
  // The colour is the background's alone: coloured words on it are hard to read in some clients.
  style: styleSchema,
  status: line,
  code: line,
  connector: line,
  where: line,
})
export type Head = z.infer<typeof headSchema>

export const nextSchema = z.strictObject({ title: line, text: line })

export const noteSchema = z.strictObject({ label: line, placeholder: line, actions })

/** How a step stands: a sign, a colour, words, and the note it was settled with. */
export const settledStepSchema = z.strictObject({
  mark: line,
  color: colorSchema,
  title: line,
  state: line,
  notes: optional(line),
})

export const historySchema = z.strictObject({ title: line, lines: z.array(line) })

/** The top of a card: which incident this is and how it stands, in words and colour. */
export function headOf(incident: Incident, { texts, rules }: CardContext, where: string): Head {
  const phase = phaseOf(incident, rules)
  return {
    style: looks[phase].style,
    status: texts.phases[phase],
    code: codeOf(incident),
    connector: texts.connectorOf(incident),
    where,
  }
}

/** The input for notes with the button that adds one. */
export const noteOf = (
  incident: Incident,
  { texts }: CardContext,
  words: { noteLabel: string; notePlaceholder: string },
): z.infer<typeof noteSchema> => ({
  label: words.noteLabel,
  placeholder: words.notePlaceholder,
  actions: [execute(texts.buttons.note, clickOn(incident, 'note'))],
})

const mostEntries = 6

/** The vote that made the quorum says the same as the quorum; that the connector was read is shown on its step. */
const isTold = (event: RecordedEvent['event']): boolean =>
  event.type !== 'quorumReached' && !(event.type === 'connectorSeen' && event.changed === undefined)

/** The latest entries of the record, oldest first. */
export function historyOf({ history, openedAt }: Incident, { texts }: CardContext) {
  const told = history.filter(({ event }) => isTold(event))
  const entries = told.slice(-mostEntries)
  const lines = entries.map(({ at, by, event }) =>
    texts.incident.entry(onDevice(at, openedAt), texts.happened(event, by)),
  )
  const earlier = told.length - entries.length
  return {
    title: texts.incident.historyTitle,
    lines: earlier > 0 ? [texts.incident.earlier(earlier), ...lines] : lines,
  }
}

/** Where the block is listed and can be lifted by hand. */
export const restrictedEntities = 'https://security.microsoft.com/restrictedentities'

/** An approval that was used up by the removal. */
export interface UsedVote {
  by: Person
  at: Instant
  reason: string
}

const mostVotes = 4

/** With which approvals the removal was sent: at most four of them, for the card's size. */
export const usedVotes = ({ removal, history }: Incident): UsedVote[] =>
  (removal?.approvers ?? []).slice(0, mostVotes).flatMap((by) => {
    const vote = history.findLast((recorded) => recorded.event.type === 'voted' && recorded.by?.id === by.id)
    return vote?.event.type === 'voted' ? [{ by, at: vote.at, reason: vote.event.reason }] : []
  })

import type { Texts } from '../cards/texts/en.js'
import type { Role } from '../src/incident/commands.js'
import { roleNeeded } from '../src/incident/commands.js'
import { type StepId, stepIdSchema } from '../src/incident/steps.js'
import { nearest } from '../src/nearest.js'
import type { Act } from './acts.js'
import type { HelpLine, Request } from './requests.js'

/** What was typed, understood; or what to answer because it was not. */
export type Typed = { ok: true; request: Request } | { ok: false; answer: string }

export interface Command {
  name: keyof Texts['commands']
  role: Role | 'everyone'
  /** One of the ten that the Teams app offers while somebody types. */
  suggested: boolean
  parse(rest: string, texts: Texts): Typed
}

const understood = (request: Request): Typed => ({ ok: true, request })

const alone = (verb: 'help' | 'whoami' | 'checks' | 'watch' | 'unwatch' | 'simulate') => (): Typed =>
  understood({ verb })

const incidentCode = /^cr-?([1-9]\d{0,8})$/i

/** A command that begins with an incident's number; `then` makes the request from what follows. */
const onIncident =
  (name: keyof Texts['commands'], then: (incident: number, rest: string, texts: Texts) => Typed) =>
  (typed: string, texts: Texts): Typed => {
    const [code = '', rest = ''] = firstWord(typed)
    const number = incidentCode.exec(code)?.[1]
    return number
      ? then(Number(number), rest, texts)
      : { ok: false, answer: texts.answers.incidentMissing(texts.commands[name].usage) }
  }

const withText = (name: keyof Texts['commands'], verb: Extract<Act, { text: string }>['verb']) =>
  onIncident(name, (incident, rest) => understood({ verb, incident, text: rest } as Request))

/** A command on one step of an incident; what follows the step is the note or the reason. */
const onStep = (name: 'done' | 'skip' | 'undo') =>
  onIncident(name, (incident, typed, texts) => {
    const [word = '', rest = ''] = firstWord(typed)
    const step = stepIdSchema.safeParse(word.toLowerCase())
    if (!step.success) return { ok: false, answer: texts.answers.stepUnknown(word) }
    return understood(stepRequest(name, incident, step.data, rest))
  })

const stepRequest = (
  verb: 'done' | 'skip' | 'undo',
  incident: number,
  step: StepId,
  text: string,
): Request => (verb === 'undo' ? { verb, incident, step } : { verb, incident, step, text })

/** Everything that can be typed: `help`, the Teams app's suggestions and the parser all read this table. */
export const commands: readonly Command[] = [
  { name: 'help', role: 'everyone', suggested: true, parse: alone('help') },
  {
    name: 'list',
    role: 'viewer',
    suggested: true,
    parse: (rest) => understood({ verb: 'list', filter: rest.slice(0, 200), page: 1 }),
  },
  {
    name: 'show',
    role: 'viewer',
    suggested: true,
    parse: onIncident('show', (incident) => understood({ verb: 'show', incident })),
  },
  {
    name: 'ack',
    role: roleNeeded.acknowledge,
    suggested: true,
    parse: onIncident('ack', (incident) => understood({ verb: 'acknowledge', incident })),
  },
  { name: 'done', role: roleNeeded.done, suggested: true, parse: onStep('done') },
  { name: 'skip', role: roleNeeded.skip, suggested: false, parse: onStep('skip') },
  { name: 'undo', role: roleNeeded.undo, suggested: false, parse: onStep('undo') },
  { name: 'note', role: roleNeeded.note, suggested: true, parse: withText('note', 'note') },
  { name: 'approve', role: roleNeeded.approve, suggested: true, parse: withText('approve', 'approve') },
  { name: 'keep', role: roleNeeded.keep, suggested: true, parse: withText('keep', 'keep') },
  { name: 'reopen', role: roleNeeded.reopen, suggested: false, parse: withText('reopen', 'reopen') },
  { name: 'retry', role: roleNeeded.retry, suggested: false, parse: withText('retry', 'retry') },
  { name: 'override', role: roleNeeded.override, suggested: false, parse: withText('override', 'override') },
  { name: 'checks', role: 'viewer', suggested: false, parse: alone('checks') },
  { name: 'watch', role: 'responder', suggested: true, parse: alone('watch') },
  { name: 'unwatch', role: 'responder', suggested: false, parse: alone('unwatch') },
  { name: 'whoami', role: 'everyone', suggested: true, parse: alone('whoami') },
]

/** What only the demo offers besides. */
export const demoCommands: readonly Command[] = [
  { name: 'simulate', role: 'everyone', suggested: false, parse: alone('simulate') },
]

/** Understands a typed message; words that nobody knows are answered with the nearest command. */
export function understand(message: string, table: readonly Command[], texts: Texts): Typed {
  const typed = message.replace(/\s+/g, ' ').trim()
  if (typed === '') return understood({ verb: 'help' })
  const [word = '', rest = ''] = firstWord(typed)
  const command = table.find(({ name }) => name === word.toLowerCase())
  if (command) return command.parse(rest, texts)
  const names = table.map(({ name }) => name)
  return { ok: false, answer: texts.answers.unknownCommand(word, nearest(word, names)) }
}

export const helpLines = (table: readonly Command[], texts: Texts): HelpLine[] =>
  table.map(({ name, role }) => ({ ...texts.commands[name], role }))

function firstWord(typed: string): [string, string] {
  const [, word = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(typed.trim()) ?? []
  return [word, rest.trim()]
}

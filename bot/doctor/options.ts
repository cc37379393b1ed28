import { parseArgs } from 'node:util'
import { messageOf } from '../../src/errors.js'

export const usage = `npm run doctor [-- --json] [--test-card]

Looks at everything that the bot needs, and changes nothing: settings, role map and rules, tokens, roles,
certificates, Exchange, Microsoft Graph, Teams, this machine, and the running bot. Works before the first start, and
beside the running bot. Run it as the bot's own user, in the bot's folder.

  --json       one JSON object for scripts (npm run --silent doctor -- --json)
  --test-card  also posts a card that says that it is a test, to every conversation that watches
  --help       these words

Each line says ok, warn or fail, and what to do unless it is ok. Ends with 0 if nothing failed, with 1 if something
did, and with 2 if it was called in another way than this.
`

export type Options = { kind: 'run'; json: boolean; testCard: boolean } | { kind: 'help' }

/** @returns why they make no sense, if they do not */
export function readOptions(args: string[]): Options | { kind: 'wrong'; why: string } {
  const flag = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({ args, options: { json: flag, 'test-card': flag, help: flag } })
    if (values.help) return { kind: 'help' }
    return { kind: 'run', json: values.json, testCard: values['test-card'] }
  } catch (problem) {
    return { kind: 'wrong', why: messageOf(problem) }
  }
}

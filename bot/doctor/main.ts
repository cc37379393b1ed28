import { explain } from '../../src/errors.js'
import { examine } from './examination.js'
import { readOptions, usage } from './options.js'
import { asJson, asText, exitCodeOf } from './report.js'

// `npm run doctor`. It stands in bot/ because it goes the bot's own ways to Teams, Graph and Exchange.

const wipe = '\r\u001b[K'

/** On a terminal only, and beside what is printed in the end. */
function showProgress(what: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(what ? `${wipe}Looking at: ${what}`.slice(0, process.stderr.columns) : wipe)
}

async function run(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options.kind === 'help') return print(usage, 0)
  if (options.kind === 'wrong') {
    process.stderr.write(`${options.why}\n\n${usage}`)
    return 2
  }
  const { json, testCard } = options
  const findings = await examine(process.env, '.env', { testCard, progress: showProgress })
  showProgress('')
  const colourful = process.stdout.isTTY && !process.env.NO_COLOR
  return print(json ? `${asJson(findings)}\n` : asText(findings, colourful), exitCodeOf(findings))
}

const print = (text: string, code: number): Promise<number> =>
  new Promise((resolve) => process.stdout.write(text, () => resolve(code)))

run().then(
  // What still waits for an answer is not waited for.
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  },
)

import { secondMs } from '../src/clock.js'
import { explain } from '../src/errors.js'
import { readSettings } from '../src/settings.js'
import { compose } from './compose.js'

const drainWithinMs = 10 * secondMs

/** Starts the bot from the settings, and ends it cleanly when it is told to. */
async function main(): Promise<void> {
  const settings = readSettings(process.env, '.env')
  const bot = await compose(settings)
  console.error(`Connector Warden listens on http://${settings.host}:${bot.port}/api/messages`)

  let stopping = false
  const stop = () => {
    // Whoever asks twice means it.
    if (stopping) process.exit(1)
    stopping = true
    setTimeout(() => process.exit(1), drainWithinMs).unref()
    bot.stop().then(
      () => process.exit(0),
      (error) => fail(error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function fail(error: unknown): void {
  console.error(explain(error))
  process.exit(1)
}

main().catch(fail)

import { parseArgs, parseEnv } from 'node:util'
import { z } from 'zod'
import { Fault, messageOf } from '../src/errors.js'

/** What `npm run package` needs to know. */
export interface PackageSettings {
  botId: string
  appId: string
  website: string
}

/** Where the settings come from: what was typed, and what the bot itself reads. */
export interface SettingsSources {
  args: string[]
  env: NodeJS.ProcessEnv
  /** The text of `.env`; empty if there is none. */
  dotEnv: string
}

const usage = 'npm run package -- --bot-id <GUID> [--app-id <GUID>] [--website <https URL>]'

// GUIDs as Teams takes them: any version, upper or lower case.
const form = z.object({
  botId: z.guid({ error: 'the bot id is no GUID' }),
  appId: z.guid({ error: 'the app id is no GUID' }).optional(),
  website: z.url({ protocol: /^https$/, error: 'the website is no https URL' }),
})

/**
 * The bot id is taken from `--bot-id`, else from `MicrosoftAppId` in the environment, else from `.env`; the
 * app's own id is the bot's unless `--app-id` names another.
 * @throws Fault `packageSettings` for an unknown option, a missing bot id, or a value of the wrong form
 */
export function packageSettings({ args, env, dotEnv }: SettingsSources): PackageSettings {
  const typed = options(args)
  const botId = typed['bot-id'] || env.MicrosoftAppId || parseEnv(dotEnv).MicrosoftAppId
  if (!botId) throw unusable('no bot id was given, and neither the environment nor .env holds MicrosoftAppId')
  const settings = form.safeParse({
    botId,
    appId: typed['app-id'],
    website: typed.website ?? 'https://www.example.com/connector-warden',
  })
  if (!settings.success) throw unusable(settings.error.issues.map((issue) => issue.message).join(', '))
  return { ...settings.data, appId: settings.data.appId ?? settings.data.botId }
}

function options(args: string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({ args, options: { 'bot-id': text, 'app-id': text, website: text } }).values
  } catch (problem) {
    throw unusable(messageOf(problem))
  }
}

const unusable = (why: string) =>
  new Fault(
    'packageSettings',
    `The Teams app package was not written: ${why}.`,
    `${usage}\n  The bot id is the Application (client) ID of the bot's app registration in Entra.`,
  )

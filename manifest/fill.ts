import { z } from 'zod'
import { Fault } from '../src/errors.js'
import { commandLists, type SuggestedCommand } from './command-list.js'

/** What the manifest's template leaves open. */
export interface ManifestValues {
  /** The bot's Entra application id, a GUID. */
  botId: string
  /** The id of the Teams app, a GUID. */
  appId: string
  /** Semantic version; Teams takes an update only if it is higher than the installed one. */
  version: string
  /** An http(s) page about this installation: Teams links it as website, privacy and terms. */
  website: string
}

const templateForm = z.looseObject({ bots: z.array(z.looseObject({})) })

/**
 * The app manifest with everything filled in.
 * @param template the text of `manifest.json`
 * @param commands what Teams suggests to people who type to the bot
 * @throws Fault `manifestTemplate` if the template is damaged or asks for a value that nobody has
 */
export function fillManifest(template: string, values: ManifestValues, commands: SuggestedCommand[]) {
  const form = templateForm.safeParse(parsed(template, new Map(Object.entries(values))))
  if (!form.success) throw damaged('does not list its bots')
  const { bots, ...rest } = form.data
  return { ...rest, bots: bots.map((bot) => ({ ...bot, commandLists: commandLists(commands) })) }
}

function parsed(template: string, values: Map<string, string>): unknown {
  const fill = (text: string) => text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => given(name, values))
  try {
    return JSON.parse(template, (_, value: unknown) => (typeof value === 'string' ? fill(value) : value))
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw damaged('is no valid JSON', cause)
  }
}

function given(name: string, values: Map<string, string>): string {
  const value = values.get(name)
  if (value !== undefined) return value
  throw damaged(`asks for the unknown value {{${name}}}`)
}

const damaged = (how: string, cause?: unknown) =>
  new Fault(
    'manifestTemplate',
    `manifest/manifest.json ${how}.`,
    'Restore manifest/manifest.json from the repository.',
    { cause },
  )

import { type Role, roles } from '../../src/incident/commands.js'
import type { CardContext } from '../card.js'
import type { HelpView } from './view.js'

export interface HelpOf {
  /** From the table of commands: our own words, nothing foreign. */
  commands: { usage: string; does: string; role: Role | 'everyone' }[]
  /** Whether the bot introduces itself, rather than being asked. */
  introduction: boolean
}

export function toHelpView({ commands, introduction }: HelpOf, { texts }: CardContext): HelpView {
  const { help } = texts
  return {
    fallbackText: help.summary,
    title: help.title,
    lines: [...help.introduction, ...(introduction ? [help.start] : []), help.needed],
    commandsTitle: commands.length > 0 ? help.commandsTitle : help.commandsLater,
    groups: (['everyone', ...roles] as const)
      .map((role) => ({
        role: help.forRole[role],
        commands: commands
          .filter((command) => command.role === role)
          .map(({ usage, does }) => ({ usage, does })),
      }))
      .filter((group) => group.commands.length > 0),
  }
}

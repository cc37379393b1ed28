/** A text command as the manifest presents it: its name, how it is typed, and what it does. */
export interface SuggestedCommand {
  name: string
  usage: string
  does: string
}

/** One entry of the manifest's `commandLists`. */
export interface CommandList {
  scopes: string[]
  commands: { title: string; description: string }[]
}

const scopes = ['team', 'personal', 'groupChat']

/** The manifest's `commandLists`: the same commands everywhere, one list per scope, as the schema asks for. */
export const commandLists = (commands: SuggestedCommand[]): CommandList[] =>
  scopes.map((scope) => ({ scopes: [scope], commands: commands.map(listed) }))

// Choosing a suggestion puts its title into the message: an example in it would be sent to a real incident.
const listed = ({ name, usage, does }: SuggestedCommand) => ({
  title: name,
  description: usage === name ? does : `${usage}: ${does}`,
})

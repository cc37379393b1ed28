import type { Role } from '../../src/incident/commands.js'
import type { CardContext } from '../card.js'
import { mostShown, show, showName } from '../escape.js'
import type { WhoamiView } from './view.js'

export interface WhoamiOf {
  name: string
  /** Entra object id. */
  id: string
  /** The watched tenants that the conversation serves; `source` says which entry of the role map it is. */
  tenants: { tenant: string; role?: Role | undefined; source?: string | undefined }[]
  /** Id of the conversation where it is asked: what `conversations` of a tenant lists. */
  conversation: string
  /** Why this may be incomplete, e.g. that Teams did not answer. */
  problems: string[]
}

const mostTenants = 15
const longestProblem = 360

export function toWhoamiView(who: WhoamiOf, { texts }: CardContext): WhoamiView {
  const { whoami } = texts
  const name = showName(who)
  const problems = who.tenants.length === 0 ? [...who.problems, whoami.noTenants] : who.problems
  return {
    fallbackText: whoami.summary(name),
    title: whoami.title,
    name,
    idLabel: `${whoami.id} `,
    id: show(who.id, mostShown.word),
    conversation: whoami.conversation(show(who.conversation, mostShown.id)),
    problems: problems.map((problem) => show(problem, longestProblem)),
    tenants: who.tenants.slice(0, mostTenants).map(({ tenant, role, source }) => ({
      role: whoami.row(show(tenant, mostShown.tenant), role),
      sources: source ? [whoami.source(show(source, mostShown.text))] : [],
      allows: whoami.allows[role ?? 'none'],
    })),
  }
}

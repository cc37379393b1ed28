import type { Instant } from '../clock.js'
import type { AuditedAct, AuditTrail } from '../incident/evidence.js'

/** By what the audit log may call a connector: its id, and every name that it has or had. */
export type Names = readonly string[]

/**
 * Whether an act was done to this connector. Exchange writes the object as a GUID, as a name, or as a path that ends
 * in one of them; the parameters name it as well.
 */
export function isAbout(act: AuditedAct, names: Names): boolean {
  const wanted = new Set(names.map(plain).filter((name) => name !== ''))
  return calledIn(act).some((name) => wanted.has(name))
}

/** In which words an act names what it was done to: as a whole, and what follows the last separator of a path. */
const calledIn = ({ object, parameters }: AuditedAct): string[] =>
  [object, ...parameters.filter(({ name }) => isIdentity(name)).map(({ value }) => value)].flatMap((text) => [
    plain(text),
    plain(text.slice(text.search(/[^\\/]*$/))),
  ])

const plain = (name: string): string => name.trim().toLowerCase()
const isIdentity = (parameter: string): boolean => /^(Identity|ConnectorId|Guid)$/i.test(parameter)

/**
 * The names together with those from before a renaming: whoever renames a connector while changing it is found
 * under its old name alone.
 */
function withFormer(names: Names, acts: readonly AuditedAct[]): string[] {
  const all = new Set(names.map(plain))
  const renamings = acts.filter(({ parameters }) => parameters.some(({ name }) => /^Name$/i.test(name)))
  for (let known = 0; known < all.size; ) {
    known = all.size
    for (const act of renamings)
      if (act.parameters.some(({ name, value }) => /^Name$/i.test(name) && all.has(plain(value))))
        for (const former of calledIn(act)) all.add(former)
  }
  return [...all]
}

const isRemovalOfBlock = ({ act }: AuditedAct): boolean => act === 'Remove-BlockedConnector'

/**
 * What the audit log has on one connector, the latest first, and how much on others. Our own removal is left out: it
 * is in our record, and the log names the app, not the people.
 * @param ourReasons what our own removals told Exchange, by which they are known
 */
export function trailOf(
  { acts: all, complete, from }: { acts: AuditedAct[]; complete: boolean; from: Instant },
  names: Names,
  ourReasons: readonly string[] = [],
): AuditTrail {
  const acts = all.filter((act) => !ourReasons.some((reason) => isOurs(act, reason)))
  const allNames = withFormer(names, acts)
  const own = acts.filter((act) => isAbout(act, allNames))
  const others = acts.filter((act) => !own.includes(act) && !isRemovalOfBlock(act))
  const latestFirst = own.toSorted((one, other) => (one.at < other.at ? 1 : -1))
  return { from, acts: latestFirst, others: others.length, complete }
}

/** Who made or changed the connector last before the given time; undefined where the log has nobody. */
export function lastEditor({ acts }: AuditTrail, before: Instant): AuditedAct | undefined {
  return acts.find((act) => act.at <= before && /^(New|Set)-InboundConnector$/.test(act.act))
}

/** The removal of the block by somebody else than this bot, if the log has one since `since`. */
export const removalByOther = ({ acts }: AuditTrail, since: Instant): AuditedAct | undefined =>
  acts.find((act) => isRemovalOfBlock(act) && act.at >= since)

/** What is kept of a parameter may be shorter than the reason; a mere beginning of it would be easy to borrow. */
const isOurs = (act: AuditedAct, ourReason: string): boolean =>
  isRemovalOfBlock(act) &&
  act.parameters.some(
    ({ name, value }) =>
      /^Reason$/i.test(name) &&
      value.length >= Math.min(100, ourReason.length) &&
      ourReason.startsWith(value),
  )

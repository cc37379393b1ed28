import type { Instant } from '../clock.js'
import type { AuditedAct, AuditTrail, InboundConnector } from '../incident/evidence.js'

/** What is known of a connector's names: the audit log may call it by its id or by its name. */
export interface Names {
  id: string
  name?: string | undefined
}

/**
 * Whether an act was done to this connector. Exchange writes the object as a GUID, as a name, or as a path that ends
 * in one of them; the parameters name it as well.
 */
export function isAbout({ object, parameters }: AuditedAct, { id, name }: Names): boolean {
  const wanted = [id, name].filter((one) => one !== undefined && one !== '').map((one) => one?.toLowerCase())
  const named = parameters
    .filter((parameter) => /^(Identity|ConnectorId|Guid)$/i.test(parameter.name))
    .map(({ value }) => value)
  return [object, ...named].some((text) => wanted.includes(lastPart(text)))
}

const lastPart = (text: string): string =>
  text
    .slice(text.search(/[^\\/]*$/))
    .trim()
    .toLowerCase()

const isRemovalOfBlock = ({ act }: AuditedAct): boolean => act === 'Remove-BlockedConnector'

/**
 * What the audit log has on one connector, the latest first, and how much on others. Our own removal is left out: it
 * is in our record, and the log names the app, not the people.
 * @param ourReason what our own removal told Exchange, by which it is known
 */
export function trailOf(
  { acts: all, complete, from }: { acts: AuditedAct[]; complete: boolean; from: Instant },
  names: Names,
  ourReason?: string,
): AuditTrail {
  const acts = all.filter((act) => !isOurs(act, ourReason))
  const own = acts.filter((act) => isAbout(act, names))
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
const isOurs = (act: AuditedAct, ourReason: string | undefined): boolean =>
  ourReason !== undefined &&
  isRemovalOfBlock(act) &&
  act.parameters.some(
    ({ name, value }) =>
      /^Reason$/i.test(name) &&
      value.length >= Math.min(100, ourReason.length) &&
      ourReason.startsWith(value),
  )

/** The name of a connector, where one is known. */
export const namesOf = (id: string, connector: InboundConnector | undefined, name?: string): Names => ({
  id,
  name: connector?.name ?? name,
})

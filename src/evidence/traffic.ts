import { isIP } from 'node:net'
import { hourMs, type Instant, later } from '../clock.js'
import type { ReadFailure } from '../exchange/exchange.js'
import type { InboundConnector, Traffic, TrafficCounts } from '../incident/evidence.js'

const hours = 24
/** Microsoft allows 100 traces in five minutes in a tenant, for all who trace there. */
const mostAddresses = 4

type Answer = { ok: true; counts: TrafficCounts } | ReadFailure
type Result = { ok: true; traffic: Traffic } | { ok: false; cause: string; failure?: ReadFailure }

/**
 * Counts what came from a connector's sender addresses in the last day. A trace knows no connectors, only
 * addresses: ranges are left out, and who else sends from the same address is counted with it.
 * @param ask traces one address
 */
export async function trafficOf(
  connector: InboundConnector | undefined,
  ask: (ip: string, from: Instant) => Promise<Answer>,
  until: Instant,
): Promise<Result> {
  if (!connector) return { ok: false, cause: 'No connector has this id, so its addresses are not known' }
  const addresses = connector.senderIps.filter((entry) => isIP(entry) !== 0).slice(0, mostAddresses)
  const leftOut = connector.senderIps.length - addresses.length
  if (addresses.length === 0) return { ok: false, cause: whyNone(connector) }
  const from = later(until, -hours * hourMs)
  const counts: TrafficCounts = { messages: 0, spam: 0, atLeast: false }
  for (const ip of addresses) {
    const answer = await ask(ip, from)
    if (!answer.ok) return { ok: false, cause: answer.message, failure: answer }
    counts.messages += answer.counts.messages
    counts.spam += answer.counts.spam
    counts.atLeast ||= answer.counts.atLeast
  }
  return { ok: true, traffic: { hours, addresses: addresses.length, leftOut, counts } }
}

const whyNone = ({ senderIps }: InboundConnector): string =>
  senderIps.length > 0
    ? 'The connector names address ranges only, and a trace takes single addresses'
    : 'The connector names no sender addresses, and a trace knows no connectors'

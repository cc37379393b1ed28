import { elapsedMs, type Instant, later } from '../clock.js'
import type { SimulatedConnector, SimulatedTraffic } from './simulated-connectors.js'
import { exchangeDate, type Row } from './simulated-rows.js'

/** What a trace asks for. */
export interface TraceSearch {
  ip: string
  from: Instant
  until: Instant
  most: number
}

/** Rows of `Get-MessageTraceV2`, the newest first, and the warning that comes when there are more. */
export function traceRows(
  connectors: readonly SimulatedConnector[],
  search: TraceSearch,
): { rows: Row[]; warnings: string[] } {
  const found = connectors
    .flatMap(({ senderIps, traffic = [] }) => traffic.filter(({ ip = senderIps[0] }) => ip === search.ip))
    .flatMap(messagesOf)
    .filter(({ at }) => at >= search.from && at <= search.until)
    .sort((one, other) => (one.at < other.at ? 1 : -1))
  const rows = found.slice(0, search.most).map((message) => traceRow(message, search.ip))
  return { rows, warnings: found.length > search.most ? [moreThan(search)] : [] }
}

interface Message {
  at: Instant
  number: number
  isSpam: boolean
}

/** Thousands, and asked for page by page. */
const spread = new WeakMap<SimulatedTraffic, Message[]>()

function messagesOf(traffic: SimulatedTraffic): Message[] {
  const messages = spread.get(traffic) ?? spreadEvenly(traffic)
  spread.set(traffic, messages)
  return messages
}

/** So that a part of the time has its part of the messages, and of the spam. */
function spreadEvenly({ from, until, messages, spam }: SimulatedTraffic): Message[] {
  const everyMs = elapsedMs(from, until) / messages
  const spamUpTo = (number: number) => Math.floor((number * spam) / messages)
  return Array.from({ length: messages }, (_, number) => ({
    at: later(from, Math.floor((number + 0.5) * everyMs)),
    number,
    isSpam: spamUpTo(number + 1) > spamUpTo(number),
  }))
}

/** Who wrote to whom about what: all of it made up, and none of it may ever be seen on a card or in a log. */
const traceRow = ({ at, number, isSpam }: Message, ip: string): Row => ({
  MessageTraceId: `00000000-0000-4000-b000-${String(number).padStart(12, '0')}`,
  MessageId: `<${number}.trace-canary@relay.contoso.example>`,
  Received: exchangeDate(at),
  SenderAddress: `sender-canary-${number % 7}@contoso.example`,
  RecipientAddress: `recipient-canary-${number % 211}@fabrikam.example`,
  Subject: `Subject canary ${number}`,
  Status: isSpam ? (number % 3 === 0 ? 'Quarantined' : 'FilteredAsSpam') : 'Delivered',
  FromIP: ip,
  ToIP: null,
  Size: 18_000 + (number % 50) * 100,
})

const moreThan = ({ from, until, most }: TraceSearch): string =>
  `There are more results, use the following command to get more. Get-MessageTraceV2 -StartDate "${from}" -EndDate "${until}" -ResultSize ${most} -StartingRecipientAddress "recipient-canary-5@fabrikam.example"`

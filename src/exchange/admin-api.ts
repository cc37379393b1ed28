import type { Restriction } from '../incident/incident.js'
import type { Log } from '../log.js'
import type { Connection } from './connection.js'
import type { Exchange, InboundConnector, RestrictedList } from './exchange.js'
import { createInvokeCommand } from './invoke-command.js'
import { oneAtATime } from './one-at-a-time.js'
import { createPagedRead, type Rows } from './paged-read.js'
import { createRemoval } from './removal.js'
import { propertyNames, readConnector, readRestriction } from './rows.js'

/**
 * Exchange over the admin API's `InvokeCommand`. Reads of a tenant queue up and are not tried again in here,
 * but for one renewal of a token that was not accepted; a removal is sent once, whatever becomes of it.
 */
export function createAdminApi(connection: Connection): Exchange {
  const invoke = createInvokeCommand(connection)
  const pages = createPagedRead(connection, invoke)
  const toList = createListReader(connection.log)
  const inTurn = oneAtATime()

  return {
    restricted: () =>
      inTurn(async () => {
        const answer = await pages.read({ name: 'Get-BlockedConnector' })
        return answer.ok ? toList(answer) : answer
      }),
    inboundConnectors: () =>
      inTurn(async () => {
        const answer = await pages.read({ name: 'Get-InboundConnector' })
        return answer.ok ? { ok: true, connectors: connectorsIn(answer) } : answer
      }),
    readyRemoval: createRemoval(connection, invoke, pages.endpoint),
  }
}

const connectorsIn = ({ rows }: Rows): InboundConnector[] =>
  rows.map(readConnector).filter((connector) => connector !== undefined)

/** Says once, until a read is whole again, why a read of restrictions is not. */
function createListReader(log: Log): (answer: Rows) => RestrictedList {
  let told = false
  return ({ rows, warnings }) => {
    const read = rows.map(readRestriction)
    const unread = rows.find((_, at) => read[at] === undefined)
    const complete = unread === undefined && !warnings.some(saysThereIsMore)
    if (!complete && !told)
      log.warn(
        { cmdlet: 'Get-BlockedConnector', properties: propertyNames(unread), warnings: warnings.slice(0, 3) },
        'The list of restricted connectors could not be read completely: nothing counts as unblocked until it can',
      )
    told = !complete
    return { ok: true, rows: withoutRepeats(read.filter((row) => row !== undefined)), complete }
  }
}

/** Exchange cuts long lists with a warning beside a reply that otherwise looks whole. */
const saysThereIsMore = (warning: string): boolean => /more results/i.test(warning)

/** A list that changes while its pages are read can show a row twice: the later one is the newer. */
const withoutRepeats = (rows: Restriction[]): Restriction[] => [
  ...new Map(rows.map((row) => [row.connectorId, row])).values(),
]

import { z } from 'zod'
import type { Restriction } from '../incident/incident.js'
import { asText, guid, properties, sent, text } from './properties.js'

const mostCharacters = 500
const mostRawProperties = 30
const mostRawCharacters = 200
const mostNameCharacters = 60

/**
 * Microsoft documents no property of these rows; only the id is certain. Other names are those of the sibling
 * `Get-BlockedSenderAddress` and of what others have seen.
 */
const restrictionRow = z.object({
  connectorid: guid,
  connectorname: text(mostCharacters),
  name: text(mostCharacters),
  createddatetime: text(mostCharacters),
  createdtime: text(mostCharacters),
  whencreatedutc: text(mostCharacters),
  reason: text(mostCharacters),
})

/** The properties of such a row that are read, in lower case: only the first has to be there. */
export const readProperties = Object.keys(restrictionRow.shape)

/** A row of `Get-BlockedConnector`; undefined without a valid ConnectorId. Ids come out in lower case. */
export function readRestriction(row: unknown): Restriction | undefined {
  const read = restrictionRow.safeParse(properties(row))
  if (!read.success) return undefined
  const { connectorid, connectorname, name, createddatetime, createdtime, whencreatedutc, reason } = read.data
  return {
    connectorId: connectorid,
    connectorName: connectorname ?? name,
    createdAt: createddatetime ?? createdtime ?? whencreatedutc,
    reason,
    raw: asSent(row),
  }
}

/** The row as Exchange sent it, within bounds: for people who want to see what nobody has documented. */
const asSent = (row: unknown): Record<string, string> =>
  Object.fromEntries(
    sent(row)
      .flatMap(([name, value]): [string, string][] => {
        const words = asText(value)
        return words === undefined
          ? []
          : [[name.slice(0, mostNameCharacters), words.slice(0, mostRawCharacters)]]
      })
      .slice(0, mostRawProperties),
  )

import { type Clock, later } from '../clock.js'
import { Fault } from '../errors.js'
import type { SimulatedConnector } from './simulated-connectors.js'
import { connectorRow, restrictionRow, type SimulatedRestriction } from './simulated-rows.js'

/** What a cmdlet does in the simulated organisation. */
export type CmdletResult =
  | { kind: 'rows'; rows: object[] }
  | { kind: 'refused'; status: number; code: string; text: string }
  | { kind: 'unknownCmdlet' }

/** The connectors of a simulated organisation and which of them are restricted. */
export class SimulatedOrganisation {
  private restrictions: SimulatedRestriction[] = []

  constructor(
    private readonly clock: Clock,
    public lagMs: number,
    public connectors: SimulatedConnector[],
  ) {}

  restricted(): SimulatedRestriction[] {
    const now = this.clock.now()
    this.restrictions = this.restrictions.filter(({ listedUntil }) => !listedUntil || now < listedUntil)
    return [...this.restrictions]
  }

  restrict(wanted?: string): SimulatedRestriction {
    const connector = this.pick(wanted)
    this.release(connector.id)
    const restriction: SimulatedRestriction = {
      connectorId: connector.id,
      connectorName: connector.name,
      createdAt: this.clock.now(),
      reason: 'ExceedingLimitType=Spam;InternalRecipientCountToday=12;ExternalRecipientCountToday=4180',
    }
    this.restrictions.push(restriction)
    return restriction
  }

  release(connectorId: string): void {
    this.restrictions = this.restrictions.filter((row) => row.connectorId !== connectorId)
  }

  run(cmdlet: string, parameters: Record<string, unknown>): CmdletResult {
    switch (cmdlet) {
      case 'Get-BlockedConnector':
        return { kind: 'rows', rows: this.restricted().map(restrictionRow) }
      case 'Get-InboundConnector':
        return { kind: 'rows', rows: this.connectors.map(connectorRow) }
      case 'Remove-BlockedConnector':
        return this.remove(parameters.ConnectorId)
      default:
        return { kind: 'unknownCmdlet' }
    }
  }

  private pick(wanted: string | undefined): SimulatedConnector {
    const listed = new Set(this.restricted().map(({ connectorId }) => connectorId))
    const found =
      wanted === undefined
        ? this.connectors.find(({ id }) => !listed.has(id))
        : this.connectors.find(({ id, name }) => id === wanted || name === wanted)
    if (found) return found
    throw new Fault(
      'simulatedConnectorMissing',
      wanted === undefined
        ? 'All connectors of the simulated tenant are restricted already.'
        : `The simulated tenant has no connector "${wanted}".`,
      `Its connectors are: ${this.connectors.map(({ name }) => name).join(', ')}.`,
    )
  }

  /** Whether Exchange answers this way for a connector that is not listed is not known; somebody has to guess. */
  private remove(connectorId: unknown): CmdletResult {
    if (typeof connectorId !== 'string') {
      const text = 'Cannot process command because of one or more missing mandatory parameters: ConnectorId.'
      return { kind: 'refused', status: 400, code: 'BadRequest', text }
    }
    const row = this.restricted().find((listed) => isSameId(listed.connectorId, connectorId))
    if (!row) {
      const text = `The operation couldn't be performed because object '${connectorId}' couldn't be found.`
      return { kind: 'refused', status: 404, code: 'NotFound', text }
    }
    row.listedUntil ??= later(this.clock.now(), this.lagMs)
    return { kind: 'rows', rows: [] }
  }
}

const isSameId = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

import { type Clock, later } from '../clock.js'
import { Fault } from '../errors.js'
import { alertPolicyRows, type SimulatedAlertPolicy, usualAlertPolicy } from './simulated-alert-policies.js'
import { auditRows, type SimulatedAct } from './simulated-audit.js'
import type { SimulatedConnector } from './simulated-connectors.js'
import { contosoActs, contosoConnectors, suspect } from './simulated-contoso.js'
import { traceRows } from './simulated-mail.js'
import {
  auditConfigRow,
  connectorRow,
  type Row,
  restrictionRow,
  type SimulatedRestriction,
} from './simulated-rows.js'

/** What a cmdlet does in the simulated organisation. */
export type CmdletResult =
  | { kind: 'rows'; rows: Row[]; warnings?: string[] }
  | { kind: 'refused'; status: number; code: string; text: string }
  | { kind: 'unknownCmdlet' }

/** What people can change about a connector. */
export type ConnectorChange = Partial<Omit<SimulatedConnector, 'id' | 'createdAt' | 'changedAt' | 'traffic'>>

/** As what Microsoft's audit log names an app. */
const ownApp = 'ServicePrincipal_3b9f5c1e-7d24-4a86-9c0b-58e1f2a6d7c4'

/** The connectors of a simulated organisation, which of them are restricted, and what is on record about them. */
export class SimulatedOrganisation {
  connectors: SimulatedConnector[]
  auditing = true
  alertPolicy: SimulatedAlertPolicy | undefined = usualAlertPolicy
  readonly acts: SimulatedAct[]
  private restrictions: SimulatedRestriction[] = []

  constructor(
    private readonly clock: Clock,
    public lagMs: number,
    public auditLagMs: number,
    connectors?: SimulatedConnector[],
  ) {
    this.connectors = connectors ?? contosoConnectors(clock.now())
    this.acts = connectors ? [] : contosoActs(clock.now())
  }

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

  change(connectorId: string, change: ConnectorChange, by = suspect): void {
    const connector = this.connector(connectorId)
    this.record('Set-InboundConnector', by, connector.name, {
      Identity: connector.id,
      ...parametersOf(change),
    })
    Object.assign(connector, change, { changedAt: this.clock.now() })
  }

  removeConnector(connectorId: string, by = suspect): void {
    const { id, name } = this.connector(connectorId)
    this.record('Remove-InboundConnector', by, name, { Identity: name })
    this.connectors = this.connectors.filter((one) => one.id !== id)
    this.release(id)
  }

  unblock(connectorId: string, by: string): void {
    this.liftBlock(this.connector(connectorId).id, by, '')
  }

  run(cmdlet: string, parameters: Record<string, unknown>): CmdletResult {
    const [from, until] = [String(parameters.StartDate), String(parameters.EndDate)]
    const most = Number(parameters.ResultSize ?? 1_000)
    switch (cmdlet) {
      case 'Get-BlockedConnector':
        return { kind: 'rows', rows: this.restricted().map(restrictionRow) }
      case 'Get-InboundConnector':
        return { kind: 'rows', rows: this.connectors.map(connectorRow) }
      case 'Remove-BlockedConnector':
        return this.removeBlock(parameters)
      case 'Search-UnifiedAuditLog': {
        const operations = [parameters.Operations].flat().map(String)
        const shown = { now: this.clock.now(), lagMs: this.auditLagMs }
        return { kind: 'rows', rows: auditRows(this.acts, { from, until, operations, most }, shown) }
      }
      case 'Get-MessageTraceV2':
        return {
          kind: 'rows',
          ...traceRows(this.connectors, { ip: String(parameters.FromIP), from, until, most }),
        }
      case 'Get-AdminAuditLogConfig':
        return { kind: 'rows', rows: [auditConfigRow(this.auditing)] }
      case 'Get-ManagementRole':
        // Which roles Microsoft put the cmdlet into is not known; somebody has to guess.
        return { kind: 'rows', rows: [{ Name: 'Transport Hygiene', RoleType: 'TransportHygiene' }] }
      default:
        return { kind: 'unknownCmdlet' }
    }
  }

  /** Security & Compliance has cmdlets of its own, and says of audit logging always that it is off. */
  runCompliance(cmdlet: string): CmdletResult {
    switch (cmdlet) {
      case 'Get-ProtectionAlert':
        return { kind: 'rows', rows: alertPolicyRows(this.alertPolicy) }
      case 'Get-AdminAuditLogConfig':
        return { kind: 'rows', rows: [auditConfigRow(false)] }
      default:
        return { kind: 'unknownCmdlet' }
    }
  }

  private pick(wanted: string | undefined): SimulatedConnector {
    if (wanted !== undefined) return this.connector(wanted)
    const listed = new Set(this.restricted().map(({ connectorId }) => connectorId))
    const found = this.connectors.find(({ id }) => !listed.has(id))
    if (found) return found
    throw this.missing('All connectors of the simulated tenant are restricted already.')
  }

  /** By id or by name. */
  private connector(wanted: string): SimulatedConnector {
    const found = this.connectors.find(({ id, name }) => id === wanted || name === wanted)
    if (found) return found
    throw this.missing(`The simulated tenant has no connector "${wanted}".`)
  }

  private missing(what: string): Fault {
    const names = this.connectors.map(({ name }) => name).join(', ')
    return new Fault('simulatedConnectorMissing', what, `Its connectors are: ${names}.`)
  }

  /** Whether Exchange answers this way for a connector that is not listed is not known; somebody has to guess. */
  private removeBlock({ ConnectorId, Reason }: Record<string, unknown>): CmdletResult {
    if (typeof ConnectorId !== 'string') {
      const text = 'Cannot process command because of one or more missing mandatory parameters: ConnectorId.'
      return { kind: 'refused', status: 400, code: 'BadRequest', text }
    }
    if (this.liftBlock(ConnectorId, ownApp, String(Reason ?? ''))) return { kind: 'rows', rows: [] }
    const text = `The operation couldn't be performed because object '${ConnectorId}' couldn't be found.`
    return { kind: 'refused', status: 404, code: 'NotFound', text }
  }

  /** Whether there was one. */
  private liftBlock(connectorId: string, by: string, reason: string): boolean {
    const row = this.restricted().find((listed) => isSameId(listed.connectorId, connectorId))
    if (!row) return false
    row.listedUntil ??= later(this.clock.now(), this.lagMs)
    this.record('Remove-BlockedConnector', by, '', { ConnectorId: row.connectorId, Reason: reason })
    return true
  }

  private record(
    operation: string,
    account: string,
    object: string,
    parameters: SimulatedAct['parameters'],
  ): void {
    const clientIp = '203.0.113.9:51844'
    if (this.auditing)
      this.acts.push({ at: this.clock.now(), operation, account, clientIp, object, parameters })
  }
}

const isSameId = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** What `Set-InboundConnector` calls the properties. */
const parameterNames: Record<keyof ConnectorChange, string> = {
  name: 'Name',
  enabled: 'Enabled',
  type: 'ConnectorType',
  source: 'ConnectorSource',
  senderDomains: 'SenderDomains',
  senderIps: 'SenderIPAddresses',
  tlsCertificate: 'TlsSenderCertificateName',
  comment: 'Comment',
}

/** The audit log writes lists with semicolons and booleans as words. */
const parametersOf = (change: ConnectorChange): Record<string, string> =>
  Object.fromEntries(
    Object.entries(change).map(([name, value]) => [
      parameterNames[name as keyof ConnectorChange],
      typeof value === 'boolean' ? (value ? 'True' : 'False') : [value].flat().join(';'),
    ]),
  )

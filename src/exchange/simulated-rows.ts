import type { Instant } from '../clock.js'
import type { SimulatedConnector } from './simulated-connectors.js'

/** A block as the simulated tenant holds it. */
export interface SimulatedRestriction {
  connectorId: string
  connectorName: string
  createdAt: Instant
  reason: string
  /** After a removal: until when the row stays listed all the same. */
  listedUntil?: Instant
}

/** A row without Exchange's annotations, which it gets when it is sent. */
export type Row = Record<string, unknown>

/** A row of `Get-BlockedConnector`. Only ConnectorId is certain; the rest is modelled on a sibling cmdlet. */
export const restrictionRow = (restriction: SimulatedRestriction): Row => ({
  ConnectorId: restriction.connectorId,
  ConnectorName: restriction.connectorName,
  Reason: restriction.reason,
  CreatedDatetime: exchangeDate(restriction.createdAt),
  ChangedDatetime: exchangeDate(restriction.createdAt),
})

/** A row of `Get-InboundConnector`. */
export const connectorRow = (connector: SimulatedConnector): Row => ({
  Identity: connector.name,
  Guid: connector.id,
  Name: connector.name,
  Enabled: connector.enabled,
  ConnectorType: connector.type,
  ConnectorSource: connector.source,
  SenderDomains: connector.senderDomains,
  SenderIPAddresses: connector.senderIps,
  TlsSenderCertificateName: connector.tlsCertificate ?? null,
  RequireTls: connector.tlsCertificate !== undefined,
  RestrictDomainsToIPAddresses: connector.senderIps.length > 0,
  RestrictDomainsToCertificate: connector.tlsCertificate !== undefined,
  CloudServicesMailEnabled: connector.source === 'HybridWizard',
  TreatMessagesAsInternal: false,
  AssociatedAcceptedDomains: [],
  EFSkipIPs: [],
  EFSkipLastIP: false,
  TrustedOrganizations: [],
  Comment: connector.comment ?? null,
  WhenCreatedUTC: exchangeDate(connector.createdAt),
  WhenChangedUTC: exchangeDate(connector.changedAt),
})

/** Exchange writes seven digits after the second, and a zone offset where others write Z. */
export const exchangeDate = (at: Instant): string => at.replace('Z', '0000+00:00')

/** Puts Exchange's annotations beside the values whose type JSON does not show. */
export function annotated(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) => [
      ...typeAnnotations(value).map(([kind, type]): [string, unknown] => [`${name}@${kind}`, type]),
      [name, value],
    ]),
  )
}

function typeAnnotations(value: unknown): [kind: string, type: string][] {
  if (Array.isArray(value)) return [['odata.type', '#Collection(String)']]
  if (typeof value === 'boolean') return [['data.type', 'System.Boolean']]
  if (typeof value !== 'string') return []
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value))
    return [
      ['data.type', 'System.Guid'],
      ['odata.type', '#Guid'],
    ]
  return /^\d{4}-\d\d-\d\dT/.test(value) ? [['data.type', 'System.DateTime']] : []
}

/** The row of `Get-AdminAuditLogConfig`. */
export const auditConfigRow = (auditing: boolean): Row => ({
  Name: 'Admin Audit Log Settings',
  AdminAuditLogEnabled: true,
  AdminAuditLogAgeLimit: '90.00:00:00',
  UnifiedAuditLogIngestionEnabled: auditing,
})

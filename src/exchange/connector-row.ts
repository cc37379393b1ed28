import { z } from 'zod'
import type { InboundConnector } from '../incident/evidence.js'
import { anything, flag, guid, properties, text, textsOf } from './properties.js'

const line = text(500)

const connectorRow = z.object({
  guid,
  name: line,
  enabled: flag,
  connectortype: line,
  connectorsource: line,
  senderdomains: anything,
  senderipaddresses: anything,
  tlssendercertificatename: line,
  requiretls: flag,
  restrictdomainstoipaddresses: flag,
  restrictdomainstocertificate: flag,
  associatedaccepteddomains: anything,
  cloudservicesmailenabled: flag,
  treatmessagesasinternal: flag,
  efskipips: anything,
  efskiplastip: flag,
  trustedorganizations: anything,
  comment: line,
  whencreatedutc: line,
  whenchangedutc: line,
})

/** A row of `Get-InboundConnector`; undefined without a valid Guid or a name. */
export function readConnector(row: unknown): InboundConnector | undefined {
  const read = connectorRow.safeParse(properties(row))
  if (!read.success || read.data.name === undefined) return undefined
  const sent = read.data
  return {
    id: sent.guid,
    name: read.data.name,
    enabled: sent.enabled,
    type: sent.connectortype,
    source: sent.connectorsource,
    senderDomains: textsOf(sent.senderdomains),
    senderIps: textsOf(sent.senderipaddresses),
    tlsCertificate: sent.tlssendercertificatename,
    requireTls: sent.requiretls,
    restrictToIps: sent.restrictdomainstoipaddresses,
    restrictToCertificate: sent.restrictdomainstocertificate,
    acceptedDomains: textsOf(sent.associatedaccepteddomains),
    cloudServicesMail: sent.cloudservicesmailenabled,
    treatAsInternal: sent.treatmessagesasinternal,
    skipIps: textsOf(sent.efskipips),
    skipLastIp: sent.efskiplastip,
    trustedOrganizations: textsOf(sent.trustedorganizations),
    comment: sent.comment,
    createdAt: sent.whencreatedutc,
    changedAt: sent.whenchangedutc,
  }
}

import { type Instant, later, minuteMs } from '../src/clock.js'
import type { Evidence, Piece } from '../src/incident/evidence.js'
import { connectorId, exampleStart } from './examples.js'

// What the bot may have found out about the examples' connector: what the cards' examples and their tests show.

const minute = (n: number): Instant => later(exampleStart, n * minuteMs)
const asked = minute(1)
const found = <Value>(value: Value): Piece<Value> => ({ collected: true, at: asked, found: value })
const not = (cause: string): Piece<never> => ({ collected: false, at: asked, cause })

/** Somebody changed the connector two hours before it was blocked, and spam went through it. */
export const tellingEvidence: Evidence = {
  connector: found({
    id: connectorId,
    name: 'Athens relay (on-premises)',
    enabled: true,
    type: 'OnPremises',
    source: 'Default',
    senderDomains: ['smtp:*;1'],
    senderIps: ['198.51.100.20', '203.0.113.7'],
    tlsCertificate: 'mail.fabrikam.example',
    acceptedDomains: [],
    skipIps: [],
    trustedOrganizations: [],
  }),
  changes: found({
    since: minute(-20_000),
    changes: [
      {
        kind: 'changed',
        notBefore: minute(-150),
        at: minute(-90),
        properties: [
          { property: 'tlsCertificate', was: 'relay.contoso.com', is: 'mail.fabrikam.example' },
          { property: 'senderIps', was: '198.51.100.20', is: '198.51.100.20, 203.0.113.7' },
        ],
      },
    ],
  }),
  audit: found({
    from: minute(-20_160),
    acts: [
      {
        at: minute(-118),
        act: 'Set-InboundConnector',
        account: 'svc-mailadmin@contoso.example',
        clientIp: '203.0.113.7',
        object: 'Athens relay (on-premises)',
        parameters: [
          { name: 'Identity', value: connectorId },
          { name: 'SenderIPAddresses', value: '198.51.100.20;203.0.113.7' },
          { name: 'TlsSenderCertificateName', value: 'mail.fabrikam.example' },
        ],
      },
    ],
    others: 2,
    complete: true,
  }),
  traffic: found({
    hours: 24,
    addresses: 2,
    leftOut: 0,
    counts: { messages: 4_100, spam: 3_120, atLeast: false },
  }),
  auditing: found({ on: true }),
  alertPolicy: found({ enabled: true, notifies: true, recipients: 1, dailyLimit: undefined }),
}

/** Nothing found that is amiss, and nothing that says that all is well. */
export const quietEvidence: Evidence = {
  ...tellingEvidence,
  changes: found({ since: minute(-20_000), changes: [] }),
  audit: found({ from: minute(-20_160), acts: [], others: 0, complete: true }),
  traffic: found({ hours: 24, addresses: 1, leftOut: 2, counts: { messages: 0, spam: 0, atLeast: false } }),
  alertPolicy: found({ enabled: true, notifies: true, recipients: 2, dailyLimit: 5 }),
}

/** No read got through but one, and that one found no such connector. */
export const missingEvidence: Evidence = {
  connector: found(undefined),
  changes: found({
    since: minute(-20_000),
    changes: [{ kind: 'removed', notBefore: minute(-60), at: minute(1), properties: [] }],
  }),
  audit: not('Exchange refuses Search-UnifiedAuditLog to this app (HTTP 403)'),
  traffic: not('No connector has this id, so its addresses are not known'),
  auditing: found({ on: false }),
  alertPolicy: not('Security & Compliance could not be reached'),
}

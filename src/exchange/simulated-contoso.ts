import { hourMs, type Instant, later, minuteMs } from '../clock.js'
import type { SimulatedAct } from './simulated-audit.js'
import type { SimulatedConnector, SimulatedTraffic } from './simulated-connectors.js'

const dayMs = 24 * hourMs
const changedBefore = 2 * hourMs
const weekMs = 7 * dayMs

const relay = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'
/** Who changed what should not have been changed. */
export const suspect = 'svc-mailadmin@contoso.example'

/**
 * Contoso, which exists nowhere: its addresses are from the ranges reserved for documentation. Two hours ago
 * somebody let another address into the first connector, and since then a flood of spam has come from there.
 */
export const contosoConnectors = (now: Instant): SimulatedConnector[] => [
  {
    id: relay,
    name: 'Contoso headquarters relay',
    enabled: true,
    type: 'OnPremises',
    source: 'Default',
    senderDomains: ['smtp:*;1'],
    senderIps: ['203.0.113.24', '198.51.100.77'],
    tlsCertificate: 'smtp-out.contoso-mail.example',
    comment: 'Printers, ticket system and ERP at headquarters',
    createdAt: '2023-03-14T08:20:11.120Z',
    changedAt: later(now, -changedBefore),
    traffic: [
      { ...lastWeek(now), messages: 2_240, spam: 9 },
      {
        from: later(now, -changedBefore + 10 * minuteMs),
        until: now,
        messages: 4_180,
        spam: 2_930,
        ip: '198.51.100.77',
      },
    ],
  },
  {
    id: '7c1f0be2-9a54-4d0e-8f3b-2d6f5a90c417',
    name: 'Inbound from hybrid Exchange',
    enabled: true,
    type: 'OnPremises',
    source: 'HybridWizard',
    senderDomains: ['smtp:*;1'],
    senderIps: [],
    tlsCertificate: 'mail.contoso.com',
    createdAt: '2021-09-02T13:05:40.000Z',
    changedAt: '2025-06-17T09:12:05.731Z',
  },
  {
    id: 'e3a8d6b0-41c9-4f67-b7de-0c95812fa3d4',
    name: 'Warehouse scanners and label printers',
    enabled: true,
    type: 'OnPremises',
    source: 'Default',
    senderDomains: ['smtp:warehouse.contoso.com;1'],
    senderIps: ['198.51.100.16/28'],
    createdAt: '2022-11-30T16:44:19.560Z',
    changedAt: '2024-02-08T10:31:27.250Z',
    traffic: [{ ...lastWeek(now), messages: 630, spam: 0, ip: '198.51.100.18' }],
  },
  {
    id: '0b5d92f7-6e18-4ac3-93a1-f84e7c2056bd',
    name: 'Fabrikam payroll (partner)',
    enabled: true,
    type: 'Partner',
    source: 'Default',
    senderDomains: ['smtp:payroll.fabrikam.com;1'],
    senderIps: ['192.0.2.75'],
    tlsCertificate: '*.fabrikam.com',
    createdAt: '2024-07-22T07:58:02.000Z',
    changedAt: '2024-07-22T07:58:02.000Z',
    traffic: [{ ...lastWeek(now), messages: 280, spam: 1 }],
  },
]

/** What Contoso's audit log holds of the last days. */
export const contosoActs = (now: Instant): SimulatedAct[] => [
  {
    at: later(now, -6 * dayMs),
    operation: 'Set-InboundConnector',
    account: 'megan.bowen@contoso.example',
    clientIp: '203.0.113.9:51844',
    object: 'Warehouse scanners and label printers',
    parameters: { Identity: 'e3a8d6b0-41c9-4f67-b7de-0c95812fa3d4', Comment: 'Reviewed, no change needed' },
  },
  {
    at: later(now, -changedBefore),
    operation: 'Set-InboundConnector',
    account: suspect,
    clientIp: '192.0.2.201:40112',
    object: 'Contoso headquarters relay',
    parameters: {
      Identity: relay,
      SenderIPAddresses: '203.0.113.24;198.51.100.77',
      TlsSenderCertificateName: 'smtp-out.contoso-mail.example',
    },
  },
]

function lastWeek(now: Instant): Pick<SimulatedTraffic, 'from' | 'until'> {
  return { from: later(now, -weekMs), until: now }
}

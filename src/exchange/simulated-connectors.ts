import { hourMs, type Instant, later } from '../clock.js'

/** An inbound connector of the simulated organisation. */
export interface SimulatedConnector {
  id: string
  name: string
  enabled: boolean
  type: 'OnPremises' | 'Partner'
  source: 'Default' | 'HybridWizard'
  senderDomains: string[]
  senderIps: string[]
  tlsCertificate?: string
  createdAt: Instant
  changedAt: Instant
}

/**
 * Contoso, which exists nowhere: its addresses are from the ranges reserved for documentation. Somebody changed
 * the first connector a few hours ago.
 */
export const contosoConnectors = (now: Instant): SimulatedConnector[] => [
  {
    id: '159eb7c4-75d7-43e2-95fe-ced44b3e0a56',
    name: 'Contoso headquarters relay',
    enabled: true,
    type: 'OnPremises',
    source: 'Default',
    senderDomains: ['smtp:*;1'],
    senderIps: ['203.0.113.24'],
    createdAt: '2023-03-14T08:20:11.120Z',
    changedAt: later(now, -5 * hourMs),
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
  },
]

import type { Instant } from '../clock.js'

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
  comment?: string
  createdAt: Instant
  changedAt: Instant
  /** What came through it. */
  traffic?: SimulatedTraffic[]
}

/** Messages that came through a connector, evenly spread over a time, with the spam among them. */
export interface SimulatedTraffic {
  from: Instant
  until: Instant
  messages: number
  spam: number
  /** The connector's first sender address, if not given. */
  ip?: string
}

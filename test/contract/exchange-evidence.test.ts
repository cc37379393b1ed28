import { pino } from 'pino'
import { hourMs, later, minuteMs } from '../../src/clock.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { adapters, tenantId } from '../support/exchange-adapters.js'
import { TestClock } from '../support/test-clock.js'

const now = '2026-11-22T03:00:00.000Z'
const dayAgo = later(now, -24 * hourMs)
const weekAgo = later(now, -7 * 24 * hourMs)

describe.each(adapters)('evidence through $name', ({ make }) => {
  let clock: TestClock
  let tenant: SimulatedTenant
  let exchange: Exchange
  let lines: string[]

  beforeEach(async () => {
    clock = new TestClock(now)
    lines = []
    tenant = createSimulatedTenant({ tenantId, clock, lagMs: 0 })
    await tenant.start()
    const log = pino({ level: 'trace' }, { write: (line) => lines.push(line) })
    exchange = make(tenant, clock, { log })
  })

  afterEach(() => tenant.stop())

  const [relay = '', , scanners = ''] = [
    '159eb7c4-75d7-43e2-95fe-ced44b3e0a56',
    '7c1f0be2-9a54-4d0e-8f3b-2d6f5a90c417',
    'e3a8d6b0-41c9-4f67-b7de-0c95812fa3d4',
  ]

  describe('the inbound connectors', () => {
    test('come with all that matters about them', async () => {
      const listed = await exchange.inboundConnectors()
      expect(listed).toMatchObject({ ok: true, complete: true })
      expect(listed.ok && listed.connectors).toHaveLength(4)
      expect(listed.ok && listed.connectors[0]).toEqual({
        id: relay,
        name: 'Contoso headquarters relay',
        enabled: true,
        type: 'OnPremises',
        source: 'Default',
        senderDomains: ['smtp:*;1'],
        senderIps: ['198.51.100.77', '203.0.113.24'],
        tlsCertificate: 'smtp-out.contoso-mail.example',
        requireTls: true,
        restrictToIps: true,
        restrictToCertificate: true,
        acceptedDomains: [],
        cloudServicesMail: false,
        treatAsInternal: false,
        skipIps: [],
        skipLastIp: false,
        trustedOrganizations: [],
        comment: 'Printers, ticket system and ERP at headquarters',
        createdAt: '2023-03-14T08:20:11.1200000+00:00',
        changedAt: '2026-11-22T01:00:00.0000000+00:00',
      })
    })

    test('are read to the end of a list that is longer than a page', async () => {
      const [model] = tenant.connectors
      if (!model) throw new Error('the simulated tenant has no connector')
      tenant.connectors = Array.from({ length: 2_500 }, (_, at) => ({
        ...model,
        id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      }))
      const listed = await exchange.inboundConnectors()
      expect(listed.ok && new Set(listed.connectors.map(({ id }) => id)).size).toBe(2_500)
    })

    test('show what somebody changed, and not what somebody deleted', async () => {
      tenant.change(relay, { enabled: false, senderIps: ['203.0.113.24'] })
      tenant.removeConnector(scanners)
      const listed = await exchange.inboundConnectors()
      expect(listed.ok && listed.connectors).toHaveLength(3)
      expect(listed.ok && listed.connectors[0]).toMatchObject({
        enabled: false,
        senderIps: ['203.0.113.24'],
        changedAt: '2026-11-22T03:00:00.0000000+00:00',
      })
    })
  })

  describe('the audit log', () => {
    test('tells who changed which connector, when, from where and what', async () => {
      expect(await exchange.connectorAudit(dayAgo, now)).toEqual({
        ok: true,
        complete: true,
        acts: [
          {
            at: '2026-11-22T01:00:00.000Z',
            act: 'Set-InboundConnector',
            account: 'svc-mailadmin@contoso.example',
            clientIp: '192.0.2.201:40112',
            object: 'Contoso headquarters relay',
            parameters: [
              { name: 'Identity', value: relay },
              { name: 'SenderIPAddresses', value: '203.0.113.24;198.51.100.77' },
              { name: 'TlsSenderCertificateName', value: 'smtp-out.contoso-mail.example' },
            ],
          },
        ],
      })
    })

    test('gives acts in the order of time, within the time that was asked for', async () => {
      clock.advance(hourMs)
      tenant.change(scanners, { name: 'Scanners' }, 'ann@contoso.example')
      clock.advance(hourMs)
      tenant.removeConnector(scanners, 'ben@contoso.example')
      const accounts = async (from: string, until: string) => {
        const audit = await exchange.connectorAudit(from, until)
        return audit.ok ? audit.acts.map(({ account, act }) => [account, act]) : audit
      }
      expect(await accounts(weekAgo, clock.now())).toEqual([
        ['megan.bowen@contoso.example', 'Set-InboundConnector'],
        ['svc-mailadmin@contoso.example', 'Set-InboundConnector'],
        ['ann@contoso.example', 'Set-InboundConnector'],
        ['ben@contoso.example', 'Remove-InboundConnector'],
      ])
      expect(await accounts(later(now, 1), later(now, 90 * minuteMs))).toEqual([
        ['ann@contoso.example', 'Set-InboundConnector'],
      ])
    })

    test('names whoever removed a block, also where the entry names its object only in a parameter', async () => {
      tenant.restrict(relay)
      tenant.unblock(relay, 'ben@contoso.example')
      expect(await exchange.connectorAudit(now, now)).toMatchObject({
        complete: true,
        acts: [{ act: 'Remove-BlockedConnector', account: 'ben@contoso.example', object: relay }],
      })
    })

    test('is late, and keeps nothing while audit logging is off', async () => {
      tenant.auditLagMs = 60 * minuteMs
      tenant.change(scanners, { enabled: false })
      const seen = async () => {
        const audit = await exchange.connectorAudit(now, clock.now())
        return audit.ok ? audit.acts.length : audit
      }
      expect(await seen()).toBe(0)
      clock.advance(60 * minuteMs)
      expect(await seen()).toBe(1)
      tenant.auditing = false
      tenant.change(scanners, { enabled: true })
      clock.advance(60 * minuteMs)
      expect(await seen()).toBe(1)
    })

    test('with more than it gives at once is not complete', async () => {
      for (let at = 0; at < 5_001; at++) tenant.change(scanners, { enabled: at % 2 === 0 })
      const audit = await exchange.connectorAudit(now, now)
      expect(audit).toMatchObject({ ok: true, complete: false })
      expect(audit.ok && audit.acts).toHaveLength(5_000)
    })
  })

  describe('traffic', () => {
    test('is counted for one address and one time, with the spam in it', async () => {
      expect(await exchange.traffic('198.51.100.77', dayAgo, now)).toEqual({
        ok: true,
        counts: { messages: 4_180, spam: 2_930, atLeast: false },
      })
      expect(await exchange.traffic('203.0.113.24', dayAgo, now)).toMatchObject({
        counts: { messages: 320, atLeast: false },
      })
      expect(await exchange.traffic('192.0.2.1', dayAgo, now)).toMatchObject({
        counts: { messages: 0, spam: 0, atLeast: false },
      })
    })

    test('of more than 5,000 messages is a lower bound', async () => {
      const [connector] = tenant.connectors
      if (connector)
        connector.traffic = [{ from: dayAgo, until: now, messages: 6_000, spam: 6_000, ip: '192.0.2.9' }]
      expect(await exchange.traffic('192.0.2.9', dayAgo, now)).toEqual({
        ok: true,
        counts: { messages: 5_000, spam: 5_000, atLeast: true },
      })
    })

    test('never tells who wrote to whom about what: not in an answer, not in a warning, not in an error', async () => {
      const [connector] = tenant.connectors
      if (connector)
        connector.traffic = [{ from: dayAgo, until: now, messages: 6_000, spam: 6_000, ip: '192.0.2.9' }]
      const counted = await exchange.traffic('192.0.2.9', dayAgo, now)
      tenant.faults.next('Get-MessageTraceV2', {
        kind: 'answer',
        status: 400,
        body: JSON.stringify({
          error: { message: 'Nothing goes on from "recipient-canary-5@fabrikam.example" here.' },
        }),
      })
      const refused = await exchange.traffic('192.0.2.9', dayAgo, now)
      expect(refused).toMatchObject({ ok: false, message: expect.stringContaining('(address)') })
      expect(lines.join()).toContain('There are more results')
      for (const text of [JSON.stringify(counted), JSON.stringify(refused), lines.join()])
        expect(text).not.toMatch(/canary|fabrikam/i)
    })
  })

  describe('audit logging', () => {
    test('is on, or off', async () => {
      expect(await exchange.auditing()).toEqual({ ok: true, on: true })
      tenant.auditing = false
      expect(await exchange.auditing()).toEqual({ ok: true, on: false })
    })
  })

  describe('the alert policy', () => {
    test('as Microsoft sets it up is on and tells the admins', async () => {
      expect(await exchange.alertPolicy()).toEqual({
        ok: true,
        policy: { enabled: true, notifies: true, recipients: 1, dailyLimit: undefined },
      })
    })

    test('shows what somebody made of it', async () => {
      tenant.alertPolicy = { enabled: false, notifies: false, recipients: [], dailyLimit: 3 }
      expect(await exchange.alertPolicy()).toEqual({
        ok: true,
        policy: { enabled: false, notifies: false, recipients: 0, dailyLimit: 3 },
      })
    })

    test('that does not exist is not mistaken for one of the others', async () => {
      tenant.alertPolicy = undefined
      expect(await exchange.alertPolicy()).toEqual({ ok: true, policy: undefined })
    })
  })

  test('while Exchange is down each read fails with a cause, and none of them looks clean', async () => {
    await tenant.stop()
    for (const answer of [
      await exchange.inboundConnectors(),
      await exchange.connectorAudit(dayAgo, now),
      await exchange.traffic('192.0.2.9', dayAgo, now),
      await exchange.auditing(),
      await exchange.alertPolicy(),
    ])
      expect(answer).toMatchObject({
        ok: false,
        code: 'unreachable',
        message: expect.stringContaining('could not be reached'),
      })
  })
})

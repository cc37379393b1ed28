import { pino } from 'pino'
import { later, minuteMs } from '../../src/clock.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import { faults, type SimulatedFault } from '../../src/exchange/simulated-faults.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { answering, connectionTo, tenantId } from '../support/exchange-adapters.js'
import { TestClock } from '../support/test-clock.js'

const id = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'
const until = '2026-11-22T03:00:00.000Z'
const from = later(until, -minuteMs)

let clock: TestClock
let tenant: SimulatedTenant
let lines: Record<string, unknown>[]

beforeEach(async () => {
  clock = new TestClock(until)
  lines = []
  tenant = createSimulatedTenant({ tenantId, clock, lagMs: 0 })
  await tenant.start()
})

afterEach(() => tenant.stop())

const exchange = () =>
  createAdminApi({
    ...connectionTo(tenant, clock),
    log: pino({}, { write: (line) => lines.push(JSON.parse(line)) }),
  })

const listing = (...rows: unknown[]): SimulatedFault => answering(200, { value: rows })

describe('a row of Get-InboundConnector', () => {
  async function connector(properties: object) {
    tenant.faults.next('Get-InboundConnector', listing({ Guid: id, Name: 'Relay', ...properties }))
    const listed = await exchange().inboundConnectors()
    if (!listed.ok) throw new Error(listed.message)
    return listed.connectors[0]
  }

  test.each<[string, object, object]>([
    [
      'names in any case',
      { senderIPADDRESSES: ['192.0.2.1'], ENABLED: true },
      { senderIps: ['192.0.2.1'], enabled: true },
    ],
    [
      'a list as text',
      { SenderIPAddresses: '192.0.2.2, 192.0.2.1' },
      { senderIps: ['192.0.2.1', '192.0.2.2'] },
    ],
    ['a list that repeats itself', { SenderDomains: ['b', 'a', 'b', ' '] }, { senderDomains: ['a', 'b'] }],
    ['a list that is null', { SenderDomains: null }, { senderDomains: [] }],
    ['a list with something that is no text', { EFSkipIPs: ['a', {}, null] }, { skipIps: ['a'] }],
    ['words for booleans', { Enabled: 'False', RequireTls: 'True' }, { enabled: false, requireTls: true }],
    [
      'what is no boolean',
      { Enabled: 'perhaps', RequireTls: 1 },
      { enabled: undefined, requireTls: undefined },
    ],
    [
      'blank text',
      { Comment: '  ', TlsSenderCertificateName: '' },
      { comment: undefined, tlsCertificate: undefined },
    ],
  ])('understands %s', async (_, properties, expected) => {
    expect(await connector(properties)).toMatchObject(expected)
  })

  test('has lists of at most 200 entries of at most 200 characters', async () => {
    const many = Array.from({ length: 500 }, (_, at) => `${at}`.padStart(4, '0') + 'x'.repeat(300))
    const { senderIps = [] } = (await connector({ SenderIPAddresses: many })) ?? {}
    expect(senderIps).toHaveLength(200)
    expect(Math.max(...senderIps.map(({ length }) => length))).toBe(200)
    const changed = [...many.slice(0, -1), `${many.at(-1)}y`]
    // What is cut off is still told apart: an address at the end of a long list may be the attacker's.
    expect((await connector({ SenderIPAddresses: changed }))?.senderIps).not.toEqual(senderIps)
  })

  test('reads the same, in whatever order Exchange sends what it lists', async () => {
    const ips = ['192.0.2.3', '192.0.2.1', '192.0.2.2']
    const one = await connector({ SenderIPAddresses: ips })
    expect(await connector({ SenderIPAddresses: [...ips].reverse() })).toEqual(one)
  })

  test.each<[string, unknown]>([
    ['without a Guid', { Name: 'A' }],
    ['without a name', { Guid: id }],
    ['that is none', null],
  ])('%s is left out, and the read is not complete', async (_, row) => {
    tenant.faults.next('Get-InboundConnector', listing(row, { Guid: id.toUpperCase(), Name: 'Relay' }))
    expect(await exchange().inboundConnectors()).toMatchObject({
      ok: true,
      complete: false,
      connectors: [{ id, name: 'Relay' }],
    })
  })

  test('is read as often as it comes, and shown once', async () => {
    tenant.faults.next('Get-InboundConnector', listing({ Guid: id, Name: 'old' }, { Guid: id, Name: 'new' }))
    const listed = await exchange().inboundConnectors()
    expect(listed.ok && listed.connectors.map(({ name }) => name)).toEqual(['new'])
  })

  test('may be missing where Exchange says that it has cut the list', async () => {
    const warning = 'There are more results available than are currently displayed.'
    for (const fault of [
      answering(200, { '@adminapi.warnings': [warning], value: [] }),
      answering(200, { value: [] }, { 'x-warnings': warning }),
    ]) {
      tenant.faults.next('Get-InboundConnector', fault)
      expect(await exchange().inboundConnectors()).toMatchObject({ ok: true, complete: false })
    }
  })
})

describe('a row of Search-UnifiedAuditLog', () => {
  const data = {
    Id: 'a1',
    CreationTime: '2026-11-22T01:00:00',
    Operation: 'Set-InboundConnector',
    UserId: 'ann@contoso.example',
    ObjectId: 'Relay',
    ResultStatus: 'True',
    Parameters: [{ Name: 'Enabled', Value: 'False' }],
  }
  const rowOf = (changes: object = {}, around: object = {}) => ({
    ...around,
    AuditData: JSON.stringify({ ...data, ...changes }),
  })

  async function audited(...rows: unknown[]) {
    tenant.faults.next('Search-UnifiedAuditLog', listing(...rows))
    const audit = await exchange().connectorAudit(from, until)
    if (!audit.ok) throw new Error(audit.message)
    return audit
  }

  test('is asked for by time, operation and a session of its own', async () => {
    const api = exchange()
    await api.connectorAudit(from, until)
    await api.connectorAudit(from, until)
    const [first, second] = tenant.log.map(({ parameters }) => parameters)
    expect(first).toEqual({
      StartDate: from,
      EndDate: until,
      Operations: [
        'New-InboundConnector',
        'Set-InboundConnector',
        'Remove-InboundConnector',
        'Remove-BlockedConnector',
      ],
      ResultSize: 5000,
      SessionCommand: 'ReturnLargeSet',
      SessionId: expect.stringMatching(/^[\da-f-]{36}$/),
    })
    expect(second?.SessionId).not.toBe(first?.SessionId)
  })

  test.each([
    ['2026-11-22T01:00:00', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22T01:00:00Z', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22T01:00:00.1234567', '2026-11-22T01:00:00.123Z'],
    ['2026-11-22T02:00:00.0000000+01:00', '2026-11-22T01:00:00.000Z'],
  ])('of %s is of %s', async (CreationTime, at) => {
    expect(await audited(rowOf({ CreationTime }))).toMatchObject({ complete: true, acts: [{ at }] })
  })

  test('takes from around its AuditData what that leaves out', async () => {
    const around = {
      CreationDate: '2026-11-22T01:30:00',
      UserIds: 'ben@contoso.example',
      Operations: 'New-InboundConnector',
    }
    const row = rowOf({ CreationTime: undefined, UserId: undefined, Operation: undefined }, around)
    expect((await audited(row)).acts).toMatchObject([
      { at: '2026-11-22T01:30:00.000Z', account: 'ben@contoso.example', act: 'New-InboundConnector' },
    ])
  })

  test.each<[string, unknown]>([
    ['without AuditData', { Operations: 'Set-InboundConnector' }],
    ['whose AuditData is not JSON', { AuditData: '{"Id":' }],
    ['without a time', rowOf({ CreationTime: undefined })],
    ['of a time that is none', rowOf({ CreationTime: 'yesterday' })],
    ['of nobody', rowOf({ UserId: '' })],
    ['on nothing that it names', rowOf({ ObjectId: '' })],
    ['that is no row', 7],
  ])('%s makes the audit incomplete, and hides no other', async (_, row) => {
    expect(await audited(row, rowOf())).toMatchObject({ complete: false, acts: [{ account: data.UserId }] })
  })

  test.each(['False', 'false', 'Failed'])('whose result is %s did not happen', async (ResultStatus) => {
    expect(await audited(rowOf({ ResultStatus }))).toEqual({ ok: true, complete: true, acts: [] })
  })

  test('of another operation is of no interest', async () => {
    expect(await audited(rowOf({ Operation: 'Set-Mailbox' }))).toEqual({ ok: true, complete: true, acts: [] })
  })

  test('is told once, however often it comes, and in the order of time', async () => {
    const later = rowOf({ Id: 'a2', CreationTime: '2026-11-22T02:00:00', UserId: 'later' })
    const { acts } = await audited(later, rowOf(), rowOf(), later)
    expect(acts.map(({ account }) => account)).toEqual([data.UserId, 'later'])
  })

  test('without an id is told once as well', async () => {
    expect((await audited(rowOf({ Id: undefined }), rowOf({ Id: undefined }))).acts).toHaveLength(1)
  })

  test('has parameters within bounds, whatever their values are', async () => {
    const Parameters = [
      { Name: 'Enabled', Value: true },
      { Name: 'SenderIPAddresses', Value: ['192.0.2.1', '192.0.2.2'] },
      'nonsense',
      { Name: 'Comment', Value: 'x'.repeat(1_000) },
      ...Array.from({ length: 100 }, (_, at) => ({ Name: `P${at}`, Value: at })),
    ]
    const parameters = (await audited(rowOf({ Parameters }))).acts[0]?.parameters ?? []
    expect(parameters.slice(0, 4)).toEqual([
      { name: 'Enabled', value: 'true' },
      { name: 'SenderIPAddresses', value: '192.0.2.1, 192.0.2.2' },
      { name: 'Comment', value: 'x'.repeat(200) },
      { name: 'P0', value: '0' },
    ])
    expect(parameters.length).toBeLessThanOrEqual(40)
  })

  test.each<[string, object]>([
    ['that counts more rows than came', { ResultIndex: 1, ResultCount: 9 }],
    ['of a search that broke off', { ResultIndex: -1, ResultCount: 0 }],
  ])('%s makes the audit incomplete', async (_, around) => {
    expect(await audited(rowOf({}, around))).toMatchObject({ complete: false, acts: [{}] })
  })
})

describe('a row of Get-MessageTraceV2', () => {
  test('is asked for by address and time', async () => {
    await exchange().traffic('192.0.2.1', from, until)
    expect(tenant.log[0]?.parameters).toEqual({
      FromIP: '192.0.2.1',
      StartDate: from,
      EndDate: until,
      ResultSize: 5000,
    })
  })

  test('counts as a message whatever is in it, and without a status the count is a lower bound', async () => {
    const rows = [{ Status: 'FilteredAsSpam' }, { status: 'quarantined' }, { Status: 'Delivered' }]
    tenant.faults.next('Get-MessageTraceV2', listing(...rows))
    expect(await exchange().traffic('192.0.2.1', from, until)).toEqual({
      ok: true,
      counts: { messages: 3, spam: 2, atLeast: false },
    })
    tenant.faults.next('Get-MessageTraceV2', listing(...rows, {}, null))
    expect(await exchange().traffic('192.0.2.1', from, until)).toEqual({
      ok: true,
      counts: { messages: 5, spam: 2, atLeast: true },
    })
  })
})

describe('a row of Get-AdminAuditLogConfig', () => {
  test.each<[unknown, boolean]>([
    [true, true],
    ['True', true],
    [false, false],
    ['False', false],
  ])('that says %p means on: %p', async (UnifiedAuditLogIngestionEnabled, on) => {
    tenant.faults.next('Get-AdminAuditLogConfig', listing({ UnifiedAuditLogIngestionEnabled }))
    expect(await exchange().auditing()).toEqual({ ok: true, on })
  })

  test.each<[string, unknown[]]>([
    ['nothing of it', [{}]],
    ['null', [{ UnifiedAuditLogIngestionEnabled: null }]],
    ['something else', [{ UnifiedAuditLogIngestionEnabled: 'Enabled' }]],
    ['no row at all', []],
  ])('that says %s means neither on nor off', async (_, rows) => {
    tenant.faults.next('Get-AdminAuditLogConfig', listing(...rows))
    expect(await exchange().auditing()).toMatchObject({ ok: false, code: 'unreadable' })
  })
})

describe('a refusal', () => {
  test.each<[string, (api: ReturnType<typeof exchange>) => Promise<unknown>, string]>([
    ['Search-UnifiedAuditLog', (api) => api.connectorAudit(from, until), 'View-Only Audit Logs'],
    [
      'Get-MessageTraceV2',
      (api) => api.traffic('192.0.2.1', from, until),
      'a role that includes Get-MessageTraceV2',
    ],
    ['Get-AdminAuditLogConfig', (api) => api.auditing(), 'a role that includes Get-AdminAuditLogConfig'],
    ['Get-InboundConnector', (api) => api.inboundConnectors(), 'a role that includes Get-InboundConnector'],
  ])('of %s says what to give the app', async (cmdlet, ask, words) => {
    tenant.faults.next(cmdlet, faults.blankForbidden)
    expect(await ask(exchange())).toMatchObject({
      ok: false,
      code: 'permission',
      retryable: false,
      message: expect.stringContaining(words),
    })
  })

  test('is logged with the ids by which the call can be found, on both sides', async () => {
    tenant.faults.next('Get-AdminAuditLogConfig', faults.blankForbidden)
    const failure = await exchange().auditing()
    const clientRequestId = tenant.log[0]?.headers['client-request-id']
    const ids = { requestId: '00000000-0000-4000-8000-000000000001', clientRequestId }
    expect(failure).toMatchObject(ids)
    expect(lines).toMatchObject([
      { level: 40, cmdlet: 'Get-AdminAuditLogConfig', code: 'permission', ...ids },
    ])
  })

  test('of evidence does not keep the list from being read', async () => {
    tenant.faults.always('Get-InboundConnector', faults.blankForbidden)
    const api = exchange()
    await api.inboundConnectors()
    expect(await api.restricted()).toMatchObject({ ok: true })
  })
})

describe('a warning', () => {
  const warned = (...warnings: string[]) => answering(200, { '@adminapi.warnings': warnings, value: [] })

  test('is logged once for its cmdlet and text, shortened, and without addresses', async () => {
    const api = exchange()
    for (const fault of [
      warned('This cmdlet will retire.', `Ask ann@contoso.example. ${'x'.repeat(1_000)}`),
      warned('This cmdlet will retire.'),
      answering(200, { value: [] }, { 'x-warnings': '["This cmdlet will retire.","Another."]' }),
    ]) {
      tenant.faults.next('Get-InboundConnector', fault)
      await api.inboundConnectors()
    }
    tenant.faults.next('Get-BlockedConnector', warned('This cmdlet will retire.'))
    await api.restricted()
    expect(lines.map(({ level, cmdlet, warning }) => [level, cmdlet, String(warning).slice(0, 24)])).toEqual([
      [30, 'Get-InboundConnector', 'This cmdlet will retire.'],
      [30, 'Get-InboundConnector', 'Ask (address). xxxxxxxxx'],
      [30, 'Get-InboundConnector', 'Another.'],
      [30, 'Get-BlockedConnector', 'This cmdlet will retire.'],
    ])
    expect(String(lines[1]?.warning)).toHaveLength(200)
  })
})

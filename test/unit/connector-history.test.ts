import fc from 'fast-check'
import { hourMs, later, minuteMs } from '../../src/clock.js'
import {
  type ConnectorHistory,
  changesOf,
  connectorHistorySchema,
  wasSeen,
  withReading,
} from '../../src/evidence/connector-history.js'
import { decisiveChanges, fingerprintOf, missingConnector } from '../../src/evidence/fingerprint.js'
import type { InboundConnector } from '../../src/incident/evidence.js'

const start = '2026-11-22T03:00:00.000Z'
const hour = (n: number) => later(start, n * hourMs)

const connector = (changes: Partial<InboundConnector> = {}): InboundConnector => ({
  id: 'one',
  name: 'Relay',
  enabled: true,
  type: 'OnPremises',
  senderDomains: ['smtp:*;1'],
  senderIps: ['198.51.100.20'],
  tlsCertificate: 'relay.contoso.com',
  acceptedDomains: [],
  skipIps: [],
  trustedOrganizations: [],
  ...changes,
})

const read = (
  history: ConnectorHistory | undefined,
  at: string,
  connectors: InboundConnector[],
  complete = true,
): ConnectorHistory => withReading(history, { tenant: 'Contoso', at, connectors, complete })

describe('what the readings of the connectors tell', () => {
  test('at the first reading nothing is known to have changed, and since when is said', () => {
    const history = read(undefined, start, [connector()])
    expect(changesOf(history, 'one')).toEqual({ since: start, changes: [] })
  })

  test('a change is dated between two readings, with what was and what is', () => {
    const first = read(undefined, start, [connector()])
    const second = read(first, hour(1), [connector()])
    const third = read(second, hour(2), [connector({ tlsCertificate: 'mail.fabrikam.example' })])
    expect(changesOf(third, 'one').changes).toEqual([
      {
        kind: 'changed',
        notBefore: hour(1),
        at: hour(2),
        properties: [{ property: 'tlsCertificate', was: 'relay.contoso.com', is: 'mail.fabrikam.example' }],
      },
    ])
  })

  test('a connector that came later has appeared, one that is missing has been removed', () => {
    const first = read(undefined, start, [])
    const second = read(first, hour(1), [connector()])
    const third = read(second, hour(2), [])
    expect(changesOf(third, 'one').changes.map(({ kind, notBefore, at }) => [kind, notBefore, at])).toEqual([
      ['removed', hour(1), hour(2)],
      ['appeared', start, hour(1)],
    ])
    expect(wasSeen(third, 'one')).toBe(true)
    expect(wasSeen(third, 'two')).toBe(false)
  })

  test('a list with gaps removes nothing', () => {
    const first = read(undefined, start, [connector()])
    const second = read(first, hour(1), [], false)
    expect(changesOf(second, 'one').changes).toEqual([])
  })

  test('one that a list with gaps left out has not appeared when it is read again', () => {
    const first = read(undefined, start, [], false)
    const second = read(first, hour(1), [connector()])
    expect(changesOf(second, 'one').changes).toEqual([])
  })

  test('a change of something that is not read here still shows', () => {
    const first = read(undefined, start, [connector({ changedAt: '2026-01-01T00:00:00.0000000+00:00' })])
    const second = read(first, hour(1), [connector({ changedAt: '2026-11-22T03:20:00.0000000+00:00' })])
    expect(changesOf(second, 'one').changes[0]?.properties.map(({ property }) => property)).toEqual([
      'changedAt',
    ])
  })

  test('versions are forgotten after 30 days, but never the newest', () => {
    let history = read(undefined, start, [connector()])
    history = read(history, hour(1), [connector({ comment: 'changed' })])
    history = read(history, hour(31 * 24), [connector({ comment: 'changed' })])
    // What was before the change is not known any more, so nothing is said of it.
    expect(changesOf(history, 'one')).toEqual({ since: hour(1), changes: [] })
    expect(wasSeen(history, 'one')).toBe(true)
  })

  test('a connector that has been gone for longer than that is forgotten altogether', () => {
    let history = read(undefined, start, [connector()])
    history = read(history, hour(1), [])
    history = read(history, hour(32 * 24), [])
    history = read(history, hour(64 * 24), [])
    expect(history.versions).toEqual({})
  })

  test('whatever is read in whatever order, what is kept can be read back and never grows without bound', () => {
    const reading = fc.record({
      ms: fc.constantFrom(minuteMs, hourMs, 24 * hourMs, 40 * 24 * hourMs),
      complete: fc.boolean(),
      connectors: fc.uniqueArray(
        fc.record({
          id: fc.constantFrom('one', 'two'),
          name: fc.constantFrom('A', 'B'),
          enabled: fc.boolean(),
        }),
        { selector: ({ id }) => id },
      ),
    })
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 150, size: 'max' }), (readings) => {
        let history: ConnectorHistory | undefined
        let at = start
        for (const { ms, connectors, complete } of readings) {
          at = later(at, ms)
          history = read(
            history,
            at,
            connectors.map((one) => connector(one)),
            complete,
          )
          expect(connectorHistorySchema.parse(JSON.parse(JSON.stringify(history)))).toEqual(
            JSON.parse(JSON.stringify(history)),
          )
          for (const versions of Object.values(history.versions))
            expect(versions.length).toBeLessThanOrEqual(100)
          for (const { id } of connectors)
            expect(history.versions[id]?.at(-1)).toMatchObject({ lastSeen: at, is: { id } })
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('the fingerprint of a connector', () => {
  test.each<[keyof InboundConnector, Partial<InboundConnector>]>([
    ['enabled', { enabled: false }],
    ['type', { type: 'Partner' }],
    ['senderDomains', { senderDomains: ['smtp:contoso.com;1'] }],
    ['senderIps', { senderIps: ['203.0.113.7'] }],
    ['tlsCertificate', { tlsCertificate: undefined }],
    ['requireTls', { requireTls: true }],
    ['restrictToIps', { restrictToIps: true }],
    ['restrictToCertificate', { restrictToCertificate: true }],
  ])('is another one when %s changes', (property, changes) => {
    expect(fingerprintOf(connector(changes))).not.toBe(fingerprintOf(connector()))
    expect(decisiveChanges(connector(), connector(changes))).toEqual([property])
  })

  test.each<[string, Partial<InboundConnector>]>([
    ['the name', { name: 'Another' }],
    ['the comment', { comment: 'noted' }],
    ['when it was changed', { changedAt: 'today' }],
    ['what it trusts besides', { trustedOrganizations: ['x'], skipIps: ['y'], acceptedDomains: ['z'] }],
  ])('is the same when only %s changes', (_what, changes) => {
    expect(fingerprintOf(connector(changes))).toBe(fingerprintOf(connector()))
  })

  test('of one that is not there is a word of its own', () => {
    expect(fingerprintOf(undefined)).toBe(missingConnector)
  })
})

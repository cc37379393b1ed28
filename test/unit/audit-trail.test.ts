import { isAbout, lastEditor, removalByOther, trailOf } from '../../src/evidence/audit-trail.js'
import type { AuditedAct } from '../../src/incident/evidence.js'

const id = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'
const names = [id, 'Relay (Athens)']

const act = (changes: Partial<AuditedAct> = {}): AuditedAct => ({
  at: '2026-11-22T02:00:00.000Z',
  act: 'Set-InboundConnector',
  account: 'svc-mailadmin@contoso.com',
  object: 'Relay (Athens)',
  parameters: [],
  ...changes,
})
const trail = (acts: AuditedAct[], ...ourReasons: string[]) =>
  trailOf({ acts, complete: true, from: '2026-11-08T00:00:00.000Z' }, names, ourReasons)

describe('which entries of the audit log are about a connector', () => {
  test.each([
    ['its name', { object: 'relay (athens)' }],
    ['its id', { object: id.toUpperCase() }],
    ['a path that ends in its name', { object: 'contoso.onmicrosoft.com\\Relay (Athens)' }],
    ['a path that ends in its id', { object: `contoso/Configuration/${id}` }],
    ['a parameter', { object: '', parameters: [{ name: 'Identity', value: id }] }],
    ['the parameter of a removal', { object: 'x', parameters: [{ name: 'ConnectorId', value: id }] }],
  ])('one that names %s', (_what, changes) => {
    expect(isAbout(act(changes), names)).toBe(true)
  })

  test.each([
    ['another connector', { object: 'Relay (Berlin)' }],
    ['a name that only begins alike', { object: 'Relay (Athens) 2' }],
    ['nothing at all', { object: '' }],
    ['it in a comment', { object: 'x', parameters: [{ name: 'Comment', value: 'Relay (Athens)' }] }],
  ])('not one that names %s', (_what, changes) => {
    expect(isAbout(act(changes), names)).toBe(false)
  })

  test('without a name, only the id counts: an empty name matches nothing', () => {
    expect(isAbout(act({ object: '' }), [id, ''])).toBe(false)
    expect(isAbout(act({ object: '' }), [id])).toBe(false)
  })
})

test('whoever renamed the connector while changing it is found under its old name', () => {
  const acts = [
    act({ object: 'Old', at: '2026-11-22T01:00:00.000Z', parameters: [{ name: 'Name', value: 'Older' }] }),
    act({ object: 'Older', account: 'eve', parameters: [{ name: 'Name', value: 'relay (athens)' }] }),
    act({ object: 'Another', parameters: [{ name: 'Name', value: 'Relay (Berlin)' }] }),
  ]
  expect(trail(acts)).toMatchObject({ acts: [{ account: 'eve' }, { object: 'Old' }], others: 1 })
})

test('a name that holds the separators of a path is found as a whole', () => {
  const slashed = [id, 'Relay A/B\\C']
  expect(isAbout(act({ object: 'Relay A/B\\C' }), slashed)).toBe(true)
  expect(isAbout(act({ object: 'C' }), slashed)).toBe(false)
})

test('the latest entry comes first, and changes of other connectors are counted', () => {
  const acts = [
    act({ account: 'early' }),
    act({ account: 'late', at: '2026-11-22T02:30:00.000Z' }),
    act({ object: 'x' }),
  ]
  expect(trail(acts)).toMatchObject({ acts: [{ account: 'late' }, { account: 'early' }], others: 1 })
})

test('whoever repaired the connector after the block is not its last editor', () => {
  const acts = [act(), act({ account: 'repair@contoso.com', at: '2026-11-22T04:00:00.000Z' })]
  expect(lastEditor(trail(acts), '2026-11-22T03:00:00.000Z')?.account).toBe('svc-mailadmin@contoso.com')
})

test('a removal of a block, or of the connector, makes nobody its editor', () => {
  const acts = [act({ act: 'Remove-BlockedConnector' }), act({ act: 'Remove-InboundConnector' })]
  expect(lastEditor(trail(acts), '2026-11-22T03:00:00.000Z')).toBeUndefined()
})

describe('who else removed the block', () => {
  const ours =
    'CR-1 approved by Ann Archer in Connector Warden: change reverted, account secured, all checked'
  const removal = (reason: string | undefined, at = '2026-11-22T03:10:00.000Z') =>
    act({
      act: 'Remove-BlockedConnector',
      at,
      parameters: [
        { name: 'ConnectorId', value: id },
        ...(reason === undefined ? [] : [{ name: 'Reason', value: reason }]),
      ],
    })
  const since = '2026-11-22T03:00:00.000Z'

  test('somebody without a reason, or with one of their own', () => {
    expect(removalByOther(trail([removal(undefined)], ours), since)).toBeDefined()
    expect(removalByOther(trail([removal('please')]), since)).toBeDefined()
  })

  test('not this bot, which is known by its reason', () => {
    expect(removalByOther(trail([removal(ours)], ours), since)).toBeUndefined()
  })

  test('not this bot, where the log has only the beginning of a long reason', () => {
    const long = `${ours} ${'and so on '.repeat(30)}`
    expect(removalByOther(trail([removal(long.slice(0, 200))], long), since)).toBeUndefined()
  })

  test('whoever borrows the first letters of our reason is found all the same', () => {
    for (const reason of ['', 'C', 'CR-1 approved by'])
      expect(removalByOther(trail([removal(reason)], ours), since)).toBeDefined()
  })

  test('not somebody who removed an earlier block', () => {
    expect(removalByOther(trail([removal('please', '2026-11-20T00:00:00.000Z')]), since)).toBeUndefined()
  })
})

import { later, minuteMs } from '../../src/clock.js'
import { actor, Case, people, rulesWith } from '../support/incidents.js'

const { ann, ben } = people
const twoApprovers = rulesWith({ approvals: { required: 2 } })

const seen = (on: Case, fingerprint: string, changed = ['senderIps']) =>
  on.act({ verb: 'seeConnector', fingerprint, changed })
const approve = (on: Case, person = ann, evidenceAt: string | undefined = on.now) =>
  on.act({ verb: 'approve', actor: actor(person), reason: 'Reverted', evidenceAt })
const startRemoval = (on: Case, fingerprint: string | undefined) =>
  on.act({
    verb: 'startRemoval',
    removal: 'r',
    reason: 'CR-1',
    listedInReadOf: on.now,
    confirmed: on.state.votes.map(({ by }) => by.id),
    fingerprint,
  })
const refusalOf = (decision: ReturnType<Case['act']>) => (decision.ok ? undefined : decision.refusal)

describe('a vote counts for the connector as it was seen', () => {
  test('it remembers what the connector was like, and that nobody knows who changed it last', () => {
    const on = Case.opened().settleRequired()
    seen(on, 'a')
    approve(on)
    expect(on.state.votes[0]).toMatchObject({ fingerprint: 'a' })
    expect(on.state.history.at(-2)?.event).toMatchObject({ type: 'voted', editorUnknown: true })
  })

  test('a connector that was changed voids what was approved, and says what was changed', () => {
    const on = Case.opened().settleRequired()
    seen(on, 'a')
    approve(on)
    expect(on.state.status).toBe('approved')
    seen(on, 'b')
    expect(on.state).toMatchObject({ status: 'open', votes: [], connector: { fingerprint: 'b' } })
    expect(on.state.history.at(-1)?.event).toEqual({
      type: 'votesVoided',
      cause: 'connectorChanged',
      voters: [ann],
    })
    expect(on.state.history.at(-2)?.event).toMatchObject({ changed: ['senderIps'] })
  })

  test('a first vote that waits for a second is void as well', () => {
    const on = Case.opened(twoApprovers).settleRequired()
    seen(on, 'a')
    approve(on)
    seen(on, 'missing', [])
    expect(on.state.votes).toEqual([])
  })

  test('reading the same again is no news', () => {
    const on = Case.opened()
    seen(on, 'a')
    const { version } = on.state
    seen(on, 'a')
    expect(on.state.version).toBe(version)
  })

  test('nothing is removed if the connector is another one, or could not be read, just before', () => {
    const on = Case.opened().settleRequired()
    seen(on, 'a')
    approve(on)
    for (const fingerprint of ['b', 'missing', undefined])
      expect(refusalOf(startRemoval(on, fingerprint))).toMatchObject({ code: 'notDue' })
    startRemoval(on, 'a')
    expect(on.state.status).toBe('removing')
  })

  test('where nobody could ever read the connector, approving works, and the record says so', () => {
    const on = Case.opened().settleRequired()
    approve(on)
    expect(on.state.votes[0]?.fingerprint).toBeUndefined()
    startRemoval(on, undefined)
    expect(on.state.status).toBe('removing')
  })

  test('an incident that is over takes no notice of the connector any more', () => {
    const on = Case.opened().pass(minuteMs)
    on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    const { version } = on.state
    seen(on, 'a')
    on.act({ verb: 'nameEditor', editor: { account: 'x', at: on.now } })
    expect(on.state.version).toBe(version)
  })
})

describe('a vote rests on what was seen a short while ago', () => {
  test.each([
    ['15 minutes ago is taken', 15 * minuteMs, undefined],
    ['longer ago is to be given again in a moment', 15 * minuteMs + 1, 'evidenceStale'],
  ])('what was read %s', (_what, ageMs, code) => {
    const on = Case.opened().settleRequired().pass(ageMs)
    expect(refusalOf(approve(on, ann, later(on.now, -ageMs)))?.code).toBe(code)
  })

  test('nothing read at all since the start is too old too', () => {
    const on = Case.opened().settleRequired()
    expect(
      on.act({ verb: 'approve', actor: actor(), reason: 'Reverted', evidenceAt: undefined }),
    ).toMatchObject({
      ok: false,
      refusal: { code: 'evidenceStale' },
    })
  })

  test('keeping it blocked never waits for evidence', () => {
    const on = Case.opened()
    on.act({ verb: 'keep', actor: actor(), reason: 'Not ours' })
    expect(on.state.status).toBe('kept')
  })
})

describe('whoever changed the connector last before the block', () => {
  const editor = { account: 'ann@contoso.com', id: ann.id, at: '2026-11-22T02:00:00.000Z' }

  test('may not approve, and is told why', () => {
    const on = Case.opened().settleRequired()
    on.act({ verb: 'nameEditor', editor })
    expect(refusalOf(approve(on))).toEqual({
      code: 'editorMayNotApprove',
      account: editor.account,
      at: editor.at,
    })
    expect(approve(on, ben).ok).toBe(true)
  })

  test('is known by the user principal name where no object id was to be had', () => {
    const on = Case.opened().settleRequired()
    on.act({ verb: 'nameEditor', editor: { account: 'Ann@Contoso.com', at: editor.at } })
    const decision = on.act({
      verb: 'approve',
      actor: actor(ann, { upn: 'ann@contoso.com' }),
      reason: 'Reverted',
    })
    expect(refusalOf(decision)?.code).toBe('editorMayNotApprove')
  })

  test('may approve where the rules say so', () => {
    const on = Case.opened(rulesWith({ approvals: { editorMayApprove: true } })).settleRequired()
    on.act({ verb: 'nameEditor', editor })
    expect(approve(on).ok).toBe(true)
  })

  test('loses a vote that was given before the audit log told, and with a quorum everybody does', () => {
    const waiting = Case.opened(twoApprovers).settleRequired()
    approve(waiting)
    waiting.act({ verb: 'nameEditor', editor })
    expect(waiting.state.votes).toEqual([])
    const decided = Case.opened(twoApprovers).settleRequired()
    approve(decided)
    approve(decided, ben)
    decided.act({ verb: 'nameEditor', editor })
    expect(decided.state).toMatchObject({ status: 'open', votes: [] })
    expect(decided.state.history.at(-1)?.event).toMatchObject({ cause: 'editorFound', voters: [ann, ben] })
  })

  test('being named again is no news; an object id that was missing is', () => {
    const on = Case.opened()
    on.act({ verb: 'nameEditor', editor: { account: editor.account, at: editor.at } })
    on.act({ verb: 'nameEditor', editor: { account: editor.account, at: editor.at } })
    expect(on.state.version).toBe(2)
    on.act({ verb: 'nameEditor', editor })
    expect(on.state).toMatchObject({ version: 3, editor: { id: ann.id } })
  })
})

describe('why it left the list', () => {
  const cleared = () => {
    const on = Case.opened().pass(minuteMs)
    on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    return on
  }

  test('is added once it is known, with who else removed the block', () => {
    const on = cleared()
    const removedBy = { account: 'eve@contoso.com', at: on.now }
    on.act({ verb: 'explainEnd', cause: 'removedByOther', removedBy })
    expect(on.state).toMatchObject({ status: 'cleared', ended: { cause: 'removedByOther', removedBy } })
    on.act({ verb: 'explainEnd', cause: 'connectorGone' })
    expect(on.state.ended?.cause).toBe('removedByOther')
  })

  test('is nothing that can be said of what this bot unblocked, or of what is still blocked', () => {
    const removing = Case.removing()
    removing.act({ verb: 'gone', absentSince: later(removing.now, 1), cause: 'unknown' })
    for (const on of [removing, Case.opened()]) {
      const { version } = on.state
      on.act({ verb: 'explainEnd', cause: 'connectorGone' })
      expect(on.state.version).toBe(version)
    }
  })
})

describe('what is learnt late or out of order', () => {
  const editor = { account: 'ann@contoso.com', id: ann.id, at: '2026-11-22T02:00:00.000Z' }

  test('a search that finds less than the one before makes nobody else the last editor', () => {
    const on = Case.opened()
    on.act({ verb: 'nameEditor', editor })
    on.act({ verb: 'nameEditor', editor: { account: 'ben@contoso.com', at: '2026-11-22T01:00:00.000Z' } })
    expect(on.state.editor).toMatchObject({ account: 'ann@contoso.com' })
    on.act({ verb: 'nameEditor', editor: { account: 'cid@contoso.com', at: '2026-11-22T02:30:00.000Z' } })
    expect(on.state.editor).toMatchObject({ account: 'cid@contoso.com' })
  })

  test('a vote is void though the editor is known by the user principal name alone', () => {
    const on = Case.opened(twoApprovers).settleRequired()
    on.act({ verb: 'approve', actor: actor(ann, { upn: 'Ann@contoso.com' }), reason: 'Reverted' })
    on.act({ verb: 'nameEditor', editor: { account: 'ann@contoso.com', at: editor.at } })
    expect(on.state.votes).toEqual([])
  })

  test('that nobody could be asked about the account is recorded, and so is what comes of asking later', () => {
    const on = Case.opened()
    const { account, at } = editor
    on.act({ verb: 'nameEditor', editor: { account, at, notLookedUp: true } })
    expect(on.state.editor).toMatchObject({ notLookedUp: true })
    on.act({ verb: 'nameEditor', editor: { account, at } })
    expect(on.state.editor?.notLookedUp).toBeUndefined()
    const { version } = on.state
    on.act({ verb: 'nameEditor', editor: { account, at, notLookedUp: true } })
    expect(on.state.version).toBe(version)
  })

  test('once the clock was set back nobody can tell how old evidence is: it is read again', () => {
    const on = Case.opened().settleRequired()
    expect(refusalOf(approve(on, ann, later(on.now, 240 * minuteMs)))?.code).toBe('evidenceStale')
  })

  test('gone after a removal that nobody knows the outcome of is unblocked, though a second one was refused', () => {
    const on = Case.removing()
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'unknown', cause: 'time-out' } })
    on.pass(11 * minuteMs)
    on.act({ verb: 'stillListed', readOf: on.now })
    on.act({ verb: 'retry', actor: actor(), reason: 'Once more' })
    on.act({
      verb: 'startRemoval',
      removal: 's',
      reason: 'CR-1',
      listedInReadOf: on.now,
      confirmed: [ann.id],
      roleMapHash: 'map',
    })
    expect(on.state.history.at(-1)?.event).toMatchObject({ basis: { rules: 'rules', roleMap: 'map' } })
    on.act({ verb: 'removalAnswered', removal: 's', outcome: { kind: 'notDone', cause: 'denied' } })
    expect(on.state.status).toBe('stuck')
    on.pass(minuteMs)
    on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
    expect(on.state.status).toBe('unblocked')
  })
})

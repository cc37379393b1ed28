import { hourMs, later, minuteMs } from '../../src/clock.js'
import type { Actor, Command, Role } from '../../src/incident/commands.js'
import { roleNeeded } from '../../src/incident/commands.js'
import { transitions } from '../../src/incident/transitions.js'
import { actor, Case, people, rulesWith, start, withRole } from '../support/incidents.js'

const reason = 'Reverted the change, account secured'
const approve = (by = actor()): Command => ({ verb: 'approve', actor: by, reason })
const acknowledge = (by: Actor): Command => ({ verb: 'acknowledge', actor: by })
const keep = (by = actor()): Command => ({ verb: 'keep', actor: by, reason })
const fourEyes = rulesWith({ approvals: { required: 2 } })

const startRemoval = (on: Case, changes: object = {}): Command => ({
  verb: 'startRemoval',
  removal: 'r',
  reason: 'CR-1',
  listedInReadOf: on.now,
  confirmed: on.state.votes.map(({ by }) => by.id),
  ...changes,
})

/** An incident on its way out, by the word of two. */
const removing = () => Case.removing(fourEyes)

function stuck(): Case {
  const refused = removing()
  refused.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'notDone', cause: 'denied' } })
  return refused
}

describe('who may do what', () => {
  const text: Record<string, object> = {
    acknowledge: {},
    done: { step: 'traffic' },
    skip: { step: 'traffic', reason },
    undo: { step: 'traffic' },
    note: { text: reason },
  }

  test.each(Object.entries(roleNeeded))('%s takes a %s, and nobody below', (verb, needed) => {
    const below = needed === 'approver' ? 'responder' : 'viewer'
    for (const role of [undefined, below] as const) {
      const decision = Case.opened().act({ verb, actor: withRole(role), reason, ...text[verb] } as Command)
      expect(decision).toEqual({ ok: false, refusal: { code: 'roleMissing', needed } })
    }
    const allowed = Case.opened().act({ verb, actor: withRole(needed), reason, ...text[verb] } as Command)
    expect(allowed).not.toMatchObject({ refusal: { code: 'roleMissing' } })
  })

  test('an approver whom the roster did not confirm can keep it blocked, which the record says, and nothing else', () => {
    const on = Case.opened().settleRequired()
    const unconfirmed = actor(people.ann, { verified: false })
    expect(on.act(approve(unconfirmed))).toEqual({ ok: false, refusal: { code: 'notVerified' } })
    const undo: Command = { verb: 'undo', actor: unconfirmed, step: 'audit' }
    expect(on.act(undo)).toEqual({ ok: false, refusal: { code: 'notVerified' } })
    expect(on.act(keep(unconfirmed))).toMatchObject({ ok: true, events: [{ unverified: true }] })
    expect(on.state.status).toBe('kept')
  })
})

describe('while Entra cannot be asked about groups and directory roles', () => {
  const failed = 'Microsoft Graph did not answer in time'
  const unknown = (role?: Role, approverSeenAt?: string) =>
    actor(people.ann, { role, directory: { failed, approverSeenAt } })
  const rolesUnknown = (needed: Role) => ({
    ok: false,
    refusal: { code: 'rolesUnknown', needed, cause: failed },
  })

  test.each([
    [undefined, 'responder'],
    ['viewer', 'responder'],
    [undefined, 'approver'],
    ['responder', 'approver'],
  ] as const)('who is known as %s and needs the role of %s is told that nobody could say', (held, needed) => {
    const on = Case.opened().settleRequired()
    const { version } = on.state
    const command = needed === 'approver' ? approve(unknown(held)) : acknowledge(unknown(held))
    expect(on.act(command)).toEqual(rolesUnknown(needed))
    expect(on.state.version).toBe(version)
  })

  test('what the known role covers is done', () => {
    expect(Case.opened().act(acknowledge(unknown('responder')))).toMatchObject({ ok: true })
  })

  test('an approver of the last 24 hours may keep it blocked, which the record says', () => {
    const on = Case.opened().pass(24 * hourMs - 1)
    expect(on.act(keep(unknown('viewer', start)))).toMatchObject({
      ok: true,
      events: [{ type: 'keptBlocked', roleSeenAt: start, basis: { rules: 'rules', roleMap: 'map' } }],
    })
    expect(on.state.status).toBe('kept')
  })

  test('one of longer ago may not, and nobody may do anything else on the strength of it', () => {
    expect(
      Case.opened()
        .pass(24 * hourMs)
        .act(keep(unknown(undefined, start))),
    ).toEqual(rolesUnknown('approver'))
    const on = Case.opened().settleRequired()
    expect(on.act(approve(unknown('responder', start)))).toEqual(rolesUnknown('approver'))
    on.act(keep())
    const reopen: Command = { verb: 'reopen', actor: unknown('responder', start), reason }
    expect(on.act(reopen)).toEqual(rolesUnknown('approver'))
  })

  test('an approver by name keeps it blocked as ever', () => {
    const on = Case.opened()
    expect(on.act(keep(unknown('approver', start)))).toMatchObject({ ok: true })
    expect(on.state.history.at(-1)?.event).not.toHaveProperty('roleSeenAt')
  })
})

describe('the checklist', () => {
  test('approving is refused while required steps are unsettled, and they are named in order', () => {
    const on = Case.opened()
    on.act({ verb: 'done', actor: actor(), step: 'audit' })
    expect(on.act(approve())).toEqual({
      ok: false,
      refusal: { code: 'stepsUnsettled', steps: ['traffic', 'revert', 'account'] },
    })
  })

  test('a step that is not required does not hold up the approval', () => {
    const on = Case.opened().settleRequired()
    expect(on.state.steps.alerting).toBeUndefined()
    on.act(approve())
    expect(on.state.status).toBe('approved')
  })

  test('a step counts as not applicable only with a reason', () => {
    const on = Case.opened()
    const without = on.act({ verb: 'skip', actor: actor(), step: 'audit', reason: ' x ' })
    expect(without).toMatchObject({ ok: false, refusal: { code: 'reasonMissing', least: 3, most: 500 } })
    on.act({ verb: 'skip', actor: actor(), step: 'audit', reason: 'Never had an admin there' })
    expect(on.state.steps.audit).toMatchObject({ how: 'notApplicable', by: people.ann })
  })

  test('a step settled by somebody else is not settled again, and it is said by whom', () => {
    const on = Case.opened()
    on.act({ verb: 'done', actor: actor(people.ben), step: 'audit' })
    expect(on.act({ verb: 'done', actor: actor(), step: 'audit' })).toMatchObject({
      ok: false,
      refusal: { code: 'stepSettled', by: people.ben, at: start },
    })
  })

  test('undoing a step takes an approved incident back to open and voids every vote', () => {
    const on = Case.opened().settleRequired()
    on.act(approve())
    on.act({ verb: 'undo', actor: actor(people.ben), step: 'audit' })
    expect(on.state).toMatchObject({ status: 'open', votes: [], quorum: undefined })
  })

  test('undoing a step voids a first vote that still waits for a second', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    on.act({ verb: 'undo', actor: actor(people.ben), step: 'audit' })
    on.act({ verb: 'done', actor: actor(people.ben), step: 'audit' })
    on.act(approve(actor(people.ben)))
    expect(on.state.status).toBe('open')
  })

  test('steps are closed while the removal runs', () => {
    expect(removing().act({ verb: 'undo', actor: actor(), step: 'audit' })).toMatchObject({
      ok: false,
      refusal: { code: 'wrongStatus', status: 'removing' },
    })
  })
})

describe('four eyes', () => {
  test('two distinct approvers are needed; the same one twice counts once', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    expect(on.act(approve())).toEqual({ ok: true, events: [] })
    expect(on.state.status).toBe('open')
    on.act(approve(actor(people.ben)))
    expect(on.state).toMatchObject({ status: 'approved', quorum: { required: 2 } })
  })

  test('the acknowledger may not approve where the rules say so', () => {
    const on = Case.opened(rulesWith({ approvals: { acknowledgerMayApprove: false } })).settleRequired()
    on.act({ verb: 'acknowledge', actor: actor() })
    expect(on.act(approve())).toEqual({ ok: false, refusal: { code: 'acknowledgerMayNotApprove' } })
    expect(on.act(approve(actor(people.ben))).ok).toBe(true)
  })

  test('a connector restricted again takes two approvers though one is the rule', () => {
    const previous = { number: 1, status: 'unblocked', endedAt: start, approvers: [people.cid] } as const
    const on = Case.opened(undefined, { previous: { ...previous, approvers: [people.cid] } }).settleRequired()
    on.act(approve())
    expect(on.state.status).toBe('open')
    on.act(approve(actor(people.ben)))
    expect(on.state.status).toBe('approved')
  })

  test('what was required when a vote was given stays in the record', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    expect(on.state.history.at(-1)?.event).toMatchObject({
      type: 'voted',
      required: 2,
      basis: { rules: 'rules', roleMap: 'map' },
    })
  })

  test('an approval given after the quorum by somebody else is answered with who decided', () => {
    const on = Case.opened().settleRequired()
    on.act(approve(actor(people.ben)))
    expect(on.act(approve())).toMatchObject({
      ok: false,
      refusal: { code: 'wrongStatus', status: 'approved', by: people.ben },
    })
  })

  test('the same approval delivered twice is one approval', () => {
    const on = Case.opened().settleRequired()
    on.act(approve())
    expect(on.act(approve())).toEqual({ ok: true, events: [] })
  })
})

describe('rules that change while somebody decides', () => {
  test('fewer approvers needed: the one who approved decides by approving again', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    const relaxed = new Case()
    relaxed.incident = on.incident
    relaxed.act(approve())
    expect(relaxed.state).toMatchObject({ status: 'approved', quorum: { required: 1 } })
    expect(relaxed.state.votes).toHaveLength(1)
  })

  test('whoever approved may not acknowledge afterwards where the acknowledger may not approve', () => {
    const strict = rulesWith({ approvals: { required: 2, acknowledgerMayApprove: false } })
    const on = Case.opened(strict).settleRequired()
    on.act(approve())
    expect(on.act({ verb: 'acknowledge', actor: actor() })).toEqual({
      ok: false,
      refusal: { code: 'voterMayNotAcknowledge' },
    })
    expect(on.act({ verb: 'acknowledge', actor: actor(people.cid) }).ok).toBe(true)
  })
})

describe('what cannot go on', () => {
  test('is said once, however its cause is worded, and forgotten when the status changes', () => {
    const on = Case.opened().settleRequired()
    expect(on.act({ verb: 'heldUp', cause: 'no token' })).toEqual({ ok: true, events: [] })
    on.act(approve())
    on.act({ verb: 'heldUp', cause: 'no token' })
    expect(on.act({ verb: 'heldUp', cause: 'no token' })).toEqual({ ok: true, events: [] })
    on.pass(5 * minuteMs)
    expect(on.act({ verb: 'heldUp', cause: 'no token (request 2)' })).toEqual({ ok: true, events: [] })
    on.act(keep())
    expect(on.state.heldUp).toBeUndefined()
  })

  test('is said again after half an hour, and still tells since when', () => {
    const on = Case.removing()
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'accepted' } })
    on.pass(60 * minuteMs).act({ verb: 'heldUp', cause: 'no list' })
    const since = on.now
    on.pass(30 * minuteMs).act({ verb: 'heldUp', cause: 'still no list' })
    expect(on.state.heldUp).toEqual({ since, saidAt: on.now, cause: 'still no list' })
  })
})

describe('override', () => {
  const on = () => Case.opened(rulesWith({ checklist: { override: true } }))
  const override = (by = actor()): Command => ({ verb: 'override', actor: by, reason })

  test('does not exist unless the rules allow it', () => {
    expect(Case.opened().act(override())).toEqual({ ok: false, refusal: { code: 'overrideOff' } })
  })

  test('takes two approvers even where one is the rule, and is marked', () => {
    const hurried = on()
    hurried.act(override())
    expect(hurried.state.status).toBe('open')
    hurried.act(override(actor(people.ben)))
    expect(hurried.state.status).toBe('approved')
    expect(hurried.state.votes.map((vote) => vote.override)).toEqual([true, true])
  })

  test('is refused when every required step is settled', () => {
    expect(on().settleRequired().act(override())).toEqual({
      ok: false,
      refusal: { code: 'overrideNotNeeded' },
    })
  })

  test('does not count a vote that was given before the rules asked for more steps', () => {
    const two = rulesWith({
      approvals: { required: 2 },
      checklist: { required: ['traffic'], override: true },
    })
    const early = Case.opened(two).settleRequired()
    early.act(approve())
    const stricter = new Case(rulesWith({ approvals: { required: 2 }, checklist: { override: true } }))
    stricter.incident = early.incident
    stricter.act(override(actor(people.ben)))
    expect(stricter.state.status).toBe('open')
    stricter.act(override())
    expect(stricter.state).toMatchObject({ status: 'approved', quorum: { required: 2 } })
  })
})

describe('votes end', () => {
  test('one that is an hour old does not count towards the quorum', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    on.pass(hourMs).act(approve(actor(people.ben)))
    expect(on.state.status).toBe('open')
    expect(on.state.votes.map(({ by }) => by.name)).toEqual(['Ben Baker'])
  })

  test('a quorum that was not acted on within 10 minutes is void', () => {
    const on = Case.opened().settleRequired()
    on.act(approve())
    expect(on.pass(10 * minuteMs - 1).act({ verb: 'expire' })).toEqual({ ok: true, events: [] })
    on.pass(1).act({ verb: 'expire' })
    expect(on.state).toMatchObject({ status: 'open', votes: [] })
  })

  test('one expired vote of a quorum voids all of them', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    on.pass(55 * minuteMs).act(approve(actor(people.ben)))
    expect(on.state.status).toBe('approved')
    on.pass(5 * minuteMs).act({ verb: 'expire' })
    expect(on.state).toMatchObject({ status: 'open', votes: [] })
  })

  test('a voter who lost the role voids the quorum', () => {
    const on = Case.opened(fourEyes).settleRequired()
    on.act(approve())
    on.act(approve(actor(people.ben)))
    on.act({ verb: 'roleLost', voter: people.ben })
    expect(on.state).toMatchObject({ status: 'open', votes: [] })
  })
})

describe('before the call to Exchange', () => {
  const approved = () => {
    const on = Case.opened().settleRequired()
    on.act(approve())
    return on
  }

  test.each([
    ['the list was read before the quorum', { listedInReadOf: later(start, -1) }],
    ["an approver's role was not asked again", { confirmed: [] }],
  ])('nothing starts if %s', (_why, changes) => {
    const on = approved()
    expect(on.act(startRemoval(on, changes))).toMatchObject({ ok: false, refusal: { code: 'notDue' } })
    expect(on.state.status).toBe('approved')
  })

  test('nothing starts once 10 minutes have passed', () => {
    const on = approved().pass(10 * minuteMs)
    expect(on.act(startRemoval(on))).toMatchObject({ ok: false, refusal: { code: 'notDue' } })
  })

  test('keep blocked wins until the removal was started, and is refused with the reason after', () => {
    const on = approved()
    on.act(keep(actor(people.ben)))
    expect(on.state).toMatchObject({ status: 'kept', votes: [] })
    expect(on.act(startRemoval(on, { confirmed: [people.ann.id] }))).toMatchObject({ ok: false })
    expect(removing().act(keep())).toEqual({
      ok: false,
      refusal: { code: 'removalRunning', startedAt: start },
    })
  })
})

describe('after the call to Exchange', () => {
  const answered = (kind: 'accepted' | 'unknown') => {
    const on = removing()
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind, cause: 'time-out' } })
    return on
  }

  test('a refusal of Exchange is stuck at once', () => {
    expect(stuck().state).toMatchObject({ status: 'stuck', stuck: 'notDone' })
  })

  test.each([
    ['accepted', 60, 'stillListed'],
    ['unknown', 10, 'unknownOutcome'],
  ] as const)('%s and still listed after %d minutes is stuck', (kind, minutes, cause) => {
    const on = answered(kind)
    on.act({ verb: 'stillListed', readOf: later(start, minutes * minuteMs - 1) })
    expect(on.state.status).toBe('removing')
    on.act({ verb: 'stillListed', readOf: later(start, minutes * minuteMs) })
    expect(on.state).toMatchObject({ status: 'stuck', stuck: cause })
  })

  test('an absence that was read before the removal does not confirm it', () => {
    const on = answered('accepted')
    const early = on.act({ verb: 'gone', absentSince: later(start, -1), cause: 'unknown' })
    expect(early).toMatchObject({ ok: false, refusal: { code: 'notDue' } })
    on.act({ verb: 'gone', absentSince: later(start, 1), cause: 'unknown' })
    expect(on.state.status).toBe('unblocked')
  })

  test('a stuck incident is unblocked when gone if a removal may have done it, else cleared', () => {
    const unknown = answered('unknown')
    unknown.act({ verb: 'stillListed', readOf: later(start, hourMs) })
    unknown.act({ verb: 'gone', absentSince: later(start, 2 * hourMs), cause: 'unknown' })
    expect(unknown.state.status).toBe('unblocked')
    const refused = stuck()
    refused.act({ verb: 'gone', absentSince: later(start, 2 * hourMs), cause: 'removedByOther' })
    expect(refused.state).toMatchObject({ status: 'cleared', ended: { cause: 'removedByOther' } })
  })

  test('try again keeps the steps, counts as the vote of whoever asked, and needs the others anew', () => {
    const on = stuck()
    on.act({ verb: 'retry', actor: actor(people.cid), reason })
    expect(on.state.status).toBe('open')
    expect(on.state.votes.map(({ by }) => by.name)).toEqual(['Cid Cook'])
    expect(on.state.steps.audit).toBeDefined()
    on.act(approve(actor(people.ben)))
    expect(on.state.status).toBe('approved')
  })

  test('a late answer makes an unknown outcome known, and never the other way round', () => {
    const on = answered('unknown')
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'accepted' } })
    on.act({ verb: 'removalAnswered', removal: 'r', outcome: { kind: 'unknown', cause: 'late' } })
    expect(on.state.removal?.outcome).toMatchObject({ kind: 'accepted' })
  })
})

describe('people repeat themselves', () => {
  test('the same note, keep blocked, reopen, undo and try again delivered twice happen once', () => {
    const on = Case.opened().settleRequired()
    const twice = (command: Command) => {
      expect(on.act(command).ok).toBe(true)
      expect(on.act(command)).toEqual({ ok: true, events: [] })
    }
    twice({ verb: 'acknowledge', actor: actor() })
    twice({ verb: 'note', actor: actor(), text: 'Called the owner' })
    twice({ verb: 'undo', actor: actor(), step: 'audit' })
    twice({ verb: 'done', actor: actor(), step: 'audit' })
    on.act(approve())
    twice({ verb: 'undo', actor: actor(), step: 'audit' })
    twice({ verb: 'done', actor: actor(), step: 'audit' })
    twice(keep())
    on.pass(1)
    twice({ verb: 'reopen', actor: actor(), reason })
    const again = stuck().pass(1)
    const retry: Command = { verb: 'retry', actor: actor(), reason }
    expect(again.act(retry).ok).toBe(true)
    expect(again.act(retry)).toEqual({ ok: true, events: [] })
  })
})

test('the table of statuses in the code is the one of the design', () => {
  const leadsTo = Object.fromEntries(
    Object.entries(transitions).map(([status, row]) => [status, [...new Set(Object.values(row))].sort()]),
  )
  expect(leadsTo).toEqual({
    open: ['approved', 'cleared', 'kept'],
    approved: ['cleared', 'kept', 'open', 'removing'],
    removing: ['stuck', 'unblocked'],
    stuck: ['cleared', 'open', 'unblocked'],
    kept: ['cleared', 'open'],
    unblocked: [],
    cleared: [],
  })
})

import fc from 'fast-check'
import { elapsedMs, hourMs, later, minuteMs } from '../../src/clock.js'
import { type Actor, type Command, roles } from '../../src/incident/commands.js'
import { decide } from '../../src/incident/decide.js'
import { dueDecision } from '../../src/incident/due.js'
import { incidentEventSchema } from '../../src/incident/events.js'
import { evolve } from '../../src/incident/evolve.js'
import { type Incident, isFinal } from '../../src/incident/incident.js'
import { approvalsRequired } from '../../src/incident/requirements.js'
import { rulesSchema } from '../../src/incident/rules.js'
import { type StepId, stepIds } from '../../src/incident/steps.js'
import { transitions } from '../../src/incident/transitions.js'
import { Case, inForce, people, start } from '../support/incidents.js'

const person = fc.constantFrom(...Object.values(people))
const anyActor: fc.Arbitrary<Actor> = fc.record({
  person,
  // Mostly approvers, or hardly any sequence would get anywhere.
  role: fc.oneof(
    { weight: 6, arbitrary: fc.constant('approver' as const) },
    fc.constantFrom(undefined, ...roles),
  ),
  verified: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
  directory: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.record({ failed: fc.constant('no answer'), approverSeenAt: fc.constantFrom(undefined, start) }),
  ),
  seenIn: fc.constantFrom('channel', 'chat'),
  roleMapHash: fc.constant('map'),
})
const step = fc.constantFrom(...stepIds)
const reason = fc.oneof({ weight: 9, arbitrary: fc.constant('Reverted and secured') }, fc.string())
const outcome = fc.constantFrom(
  { kind: 'accepted' as const },
  { kind: 'notDone' as const, cause: 'denied' },
  { kind: 'unknown' as const, cause: 'time-out' },
)

/** One thing that somebody does, or time passing; facts are relative to the case it is applied to. */
type Move =
  | { kind: 'command'; command: Command }
  | { kind: 'pass'; ms: number }
  | { kind: 'settle'; actor: Actor }
  | {
      kind: 'startRemoval'
      readAgeMs: number
      confirmed: string[] | 'all'
      seen: 'same' | string | undefined
    }
  | { kind: 'connector'; fingerprint: string }
  | { kind: 'editor'; id: number }
  | { kind: 'staleApproval'; actor: Actor; ageMs: number | undefined }
  | { kind: 'read'; listed: boolean }
  | { kind: 'answer'; outcome: { kind: 'accepted' } | { kind: 'notDone' | 'unknown'; cause: string } }
  | { kind: 'roleLost'; id: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ verb: fc.constant('acknowledge' as const), actor: anyActor }),
  fc.record({
    verb: fc.constant('done' as const),
    actor: anyActor,
    step,
    note: fc.option(reason, { nil: undefined }),
  }),
  fc.record({ verb: fc.constant('skip' as const), actor: anyActor, step, reason }),
  fc.record({ verb: fc.constant('undo' as const), actor: anyActor, step }),
  fc.record({ verb: fc.constant('note' as const), actor: anyActor, text: reason }),
  fc.record({
    verb: fc.constantFrom(
      'approve' as const,
      'approve' as const,
      'override' as const,
      'keep' as const,
      'reopen' as const,
      'retry' as const,
    ),
    actor: anyActor,
    reason,
  }),
  fc.constant({ verb: 'expire' as const }),
)

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: command.map((command): Move => ({ kind: 'command', command })) },
  { weight: 5, arbitrary: anyActor.map((actor): Move => ({ kind: 'settle', actor })) },
  {
    weight: 9,
    arbitrary: anyActor.map(
      (actor): Move => ({ kind: 'command', command: { verb: 'approve', actor, reason: 'Reverted' } }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(1, minuteMs, 9 * minuteMs, 10 * minuteMs, 61 * minuteMs)
      .map((ms): Move => ({ kind: 'pass', ms })),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('startRemoval' as const),
      readAgeMs: fc.constantFrom(0, 1, minuteMs),
      confirmed: fc.oneof(
        { weight: 6, arbitrary: fc.constant('all' as const) },
        fc.subarray(Object.values(people).map(({ id }) => id)),
      ),
      seen: fc.oneof(
        { weight: 9, arbitrary: fc.constant('same' as const) },
        fc.constantFrom('a', 'b', 'missing', undefined),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('a', 'a', 'a', 'a', 'a', 'b', 'missing')
      .map((fingerprint): Move => ({ kind: 'connector', fingerprint })),
  },
  { weight: 1, arbitrary: fc.nat({ max: 2 }).map((id): Move => ({ kind: 'editor', id })) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('staleApproval' as const),
      actor: anyActor,
      ageMs: fc.constantFrom(undefined, 15 * minuteMs + 1, 61 * minuteMs),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(true, true, true, true, true, false)
      .map((listed): Move => ({ kind: 'read', listed })),
  },
  { weight: 3, arbitrary: outcome.map((outcome): Move => ({ kind: 'answer', outcome })) },
  { weight: 1, arbitrary: fc.nat({ max: 2 }).map((id): Move => ({ kind: 'roleLost', id })) },
)

const rules = fc
  .record({
    required: fc.integer({ min: 1, max: 3 }),
    acknowledgerMayApprove: fc.boolean(),
    editorMayApprove: fc.boolean(),
    override: fc.boolean(),
    steps: fc.subarray([...stepIds]),
    again: fc.boolean(),
  })
  .map(({ required, acknowledgerMayApprove, editorMayApprove, override, steps, again }) => ({
    rules: rulesSchema.parse({
      approvals: { required, acknowledgerMayApprove, editorMayApprove },
      checklist: { required: steps, override },
    }),
    again,
  }))

const previous = { number: 7, status: 'unblocked' as const, endedAt: start, approvers: [] }

function apply(on: Case, move: Move): void {
  const { incident } = on
  switch (move.kind) {
    case 'command':
      on.act(move.command)
      break
    case 'pass':
      on.pass(move.ms)
      break
    case 'settle':
      on.settleRequired(move.actor)
      break
    case 'startRemoval':
      on.act({
        verb: 'startRemoval',
        removal: `r${on.now}`,
        reason: 'CR-1',
        listedInReadOf: later(on.now, -move.readAgeMs),
        confirmed: move.confirmed === 'all' ? (incident?.votes.map(({ by }) => by.id) ?? []) : move.confirmed,
        fingerprint: seenBy(move, incident),
      })
      break
    case 'connector':
      on.act({ verb: 'seeConnector', fingerprint: move.fingerprint, changed: [] })
      break
    case 'editor': {
      const editor = Object.values(people)[move.id]
      if (editor) on.act({ verb: 'nameEditor', editor: { account: editor.name, id: editor.id, at: start } })
      break
    }
    case 'staleApproval': {
      const evidenceAt = move.ageMs === undefined ? undefined : later(on.now, -move.ageMs)
      on.act({ verb: 'approve', actor: move.actor, reason: 'Reverted', evidenceAt })
      break
    }
    case 'read':
      if (move.listed) on.act({ verb: 'stillListed', readOf: on.now })
      else on.act({ verb: 'gone', absentSince: on.now, cause: 'unknown' })
      break
    case 'answer':
      on.act({ verb: 'removalAnswered', removal: incident?.removal?.id ?? 'none', outcome: move.outcome })
      break
    case 'roleLost': {
      const voter = Object.values(people)[move.id]
      if (voter) on.act({ verb: 'roleLost', voter })
      break
    }
  }
}

const seenBy = ({ seen }: { seen: string | undefined }, incident: Incident | undefined) =>
  seen === 'same' ? incident?.connector?.fingerprint : seen

/** Runs a sequence of moves on a new incident and looks at every state on the way. */
function play(
  { rules, again }: { rules: Case['rules']; again: boolean },
  moves: Move[],
  look: (before: Incident, after: Incident, on: Case, move: Move) => void,
): Case {
  const on = Case.opened(rules, again ? { previous } : {})
  for (const move of moves) {
    const before = on.state
    apply(on, move)
    look(before, on.state, on, move)
  }
  return on
}

/** In these it is people's turn, and every one of them can be left by something that a person can do. */
const waitForPeople: readonly Incident['status'][] = ['open', 'kept', 'stuck']

const sequences = fc.tuple(rules, fc.array(move, { maxLength: 40, size: 'max' }))
const runs = { numRuns: 2_000 }

describe('whatever people do, in whatever order', () => {
  test('no removal starts without enough distinct, unexpired votes on this incident and the steps settled', () => {
    let removals = 0
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (before, after, on, move) => {
          if (before.status === 'removing' || after.status !== 'removing') return
          removals += 1
          const approvers = new Set(after.removal?.approvers.map(({ id }) => id))
          // Judged from the record alone: each approver's last vote, and nothing since that ended it.
          for (const id of approvers) {
            const voted = before.history.findLastIndex(
              ({ event, by }) => event.type === 'voted' && by?.id === id,
            )
            const vote = before.history[voted]?.event
            expect(vote?.type === 'voted' && vote.expiresAt > on.now).toBe(true)
            const approvedAs = vote?.type === 'voted' ? vote.fingerprint : undefined
            if (approvedAs !== undefined && move.kind === 'startRemoval')
              expect(seenBy(move, before)).toBe(approvedAs)
            if (!setting.rules.approvals.editorMayApprove) expect(id).not.toBe(before.editor?.id)
            const since = before.history.slice(voted + 1).map(({ event }) => event)
            const ended = since.some(
              (event) =>
                ['keptBlocked', 'reopened', 'removalStarted', 'stepUndone'].includes(event.type) ||
                (event.type === 'votesVoided' && event.voters.some((voter) => voter.id === id)),
            )
            expect(ended).toBe(false)
            expect(
              move.kind === 'startRemoval' && (move.confirmed === 'all' || move.confirmed.includes(id)),
            ).toBe(true)
          }
          const overridden = before.votes.every((vote) => vote.override)
          const steps = setting.rules.checklist.required.filter((id: StepId) => !before.steps[id])
          if (steps.length > 0) expect(overridden).toBe(true)
          const least = steps.length > 0 ? 2 : 1
          expect(approvers.size).toBeGreaterThanOrEqual(
            Math.max(least, approvalsRequired(before, setting.rules)),
          )
        })
      }),
      runs,
    )
    // The property would hold for a decider that refuses everything.
    expect(removals).toBeGreaterThan(100)
  })

  test('no vote is taken that rests on what was seen long ago, and none is left once the connector changed', () => {
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (before, after, _on, move) => {
          const voted =
            after.history.length > before.history.length && after.votes.length > before.votes.length
          if (move.kind === 'staleApproval') expect(voted).toBe(false)
          const changed = before.connector && before.connector.fingerprint !== after.connector?.fingerprint
          if (move.kind === 'connector' && changed) expect(after.votes).toEqual([])
        })
      }),
      runs,
    )
  })

  test('nobody votes whose role is not known, however lately they were an approver', () => {
    let votes = 0
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (before, after, _on, move) => {
          const actor = move.kind === 'command' && 'actor' in move.command ? move.command.actor : undefined
          for (const { event } of after.history.slice(before.history.length)) {
            if (event.type !== 'voted') continue
            votes += 1
            expect(actor?.role).toBe('approver')
          }
        })
      }),
      runs,
    )
    expect(votes).toBeGreaterThan(100)
  })

  test('without a known role it is kept blocked only by an approver of the last 24 hours, and that is recorded', () => {
    let kept = 0
    const lesser = fc.constantFrom(undefined, 'viewer' as const, 'responder' as const)
    const seen = fc.constantFrom(undefined, ...[0, 1, 23, 25].map((hours) => later(start, -hours * hourMs)))
    fc.assert(
      fc.property(sequences, anyActor, lesser, seen, ([setting, moves], actor, role, approverSeenAt) => {
        const on = play(setting, moves, () => undefined)
        const by = { ...actor, role, directory: { failed: 'no answer', approverSeenAt } }
        const { version } = on.state
        on.act({ verb: 'keep', actor: by, reason: 'Not ours' })
        if (on.state.version === version) return
        kept += 1
        expect(approverSeenAt !== undefined && elapsedMs(approverSeenAt, on.now) < 24 * hourMs).toBe(true)
        expect(on.state.history.at(-1)?.event).toMatchObject({ roleSeenAt: approverSeenAt })
      }),
      runs,
    )
    expect(kept).toBeGreaterThan(100)
  })

  test('every decision of a person says with which rules and which role map it was made', () => {
    const decisions = ['voted', 'keptBlocked', 'reopened', 'retried']
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        for (const { event } of play(setting, moves, () => undefined).state.history)
          if (decisions.includes(event.type))
            expect(event).toMatchObject({ basis: { rules: 'rules', roleMap: 'map' } })
      }),
      runs,
    )
  })

  test('falling back to open leaves no vote valid, but for the one that try again casts', () => {
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (before, after, _on, move) => {
          if (before.status === 'open' || after.status !== 'open') return
          const retried = move.kind === 'command' && move.command.verb === 'retry'
          expect(after.votes).toHaveLength(retried ? 1 : 0)
          expect(after.quorum).toBeUndefined()
        })
      }),
      runs,
    )
  })

  test('keep blocked wins until the removal was started, and is refused after', () => {
    fc.assert(
      fc.property(sequences, anyActor, ([setting, moves], actor) => {
        const on = play(setting, moves, () => undefined)
        const before = on.state.status
        const decision = on.act({ verb: 'keep', actor: { ...actor, role: 'approver' }, reason: 'Not ours' })
        if (before === 'open' || before === 'approved') expect(on.state.status).toBe('kept')
        if (before === 'removing')
          expect(decision).toMatchObject({ ok: false, refusal: { code: 'removalRunning' } })
      }),
      runs,
    )
  })

  test('statuses change only along the table', () => {
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (before, after) => {
          if (before.version === after.version) return
          const path = after.history
            .slice(before.history.length)
            .reduce(
              (status, { event }) =>
                (transitions[status] as Record<string, Incident['status']>)[event.type] ?? status,
              before.status,
            )
          expect(after.status).toBe(path)
          if (isFinal(before)) expect(after.status).toBe(before.status)
        })
      }),
      runs,
    )
  })

  test('no incident is left without work that is due or a person to wait for', () => {
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        play(setting, moves, (_before, after, on) => {
          if (isFinal(after)) return
          const { work, nextAt } = dueDecision(after, on.now)
          const person = waitForPeople.includes(after.status)
          expect(work.length > 0 || nextAt !== undefined || person).toBe(true)
          if (nextAt) expect(nextAt > on.now).toBe(true)
        })
      }),
      runs,
    )
  })

  test('every decided event fits the form of the record, and replaying them gives the same incident', () => {
    fc.assert(
      fc.property(sequences, ([setting, moves]) => {
        const on = play(setting, moves, () => undefined)
        const replayed = on.state.history.reduce(
          (incident: Incident | undefined, recorded) =>
            evolve(incident, 1, {
              ...recorded,
              event: incidentEventSchema.parse(JSON.parse(JSON.stringify(recorded.event))),
            }),
          undefined,
        )
        expect(JSON.parse(JSON.stringify(replayed))).toEqual(JSON.parse(JSON.stringify(on.state)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('evolve takes any decided event in any state without throwing', () => {
    fc.assert(
      fc.property(sequences, sequences, ([setting, moves], [other, others]) => {
        const events = play(other, others, () => undefined).state.history
        let incident: Incident | undefined = play(setting, moves, () => undefined).state
        for (const recorded of events) incident = evolve(incident, 1, recorded)
        expect(incident?.number).toBe(1)
      }),
      { numRuns: 1_000 },
    )
  })

  test('decide answers any command in any state without throwing, and repeats an answer exactly', () => {
    fc.assert(
      fc.property(sequences, command, ([setting, moves], last) => {
        const on = play(setting, moves, () => undefined)
        const once = decide(on.state, last, inForce(setting.rules), on.now)
        expect(decide(on.state, last, inForce(setting.rules), on.now)).toEqual(once)
      }),
      { numRuns: 1_000 },
    )
  })
})

import fc from 'fast-check'
import { hourMs, type Instant, later } from '../../src/clock.js'
import { codesOf } from '../../src/health/codes.js'
import {
  certificateVerdict,
  entriesFor,
  type Finding,
  findingsOf,
  type TenantHealth,
} from '../../src/health/findings.js'
import { afterEntry, type HealthCause, isOpen, keyOf, type Problem } from '../../src/health/problem.js'
import type { AlertPolicy, Piece } from '../../src/incident/evidence.js'

const now: Instant = '2026-11-22T03:00:00.000Z'
const dayMs = 24 * hourMs

const found = <Found>(value: Found): Piece<Found> => ({ collected: true, at: now, found: value })
const failed: Piece<never> = { collected: false, at: now, cause: 'Exchange refused' }

const well: TenantHealth = {
  name: 'Contoso',
  list: { lastGoodReadAt: now },
  auditing: found(true),
  alertPolicy: found({ enabled: true, notifies: true, recipients: 2 }),
  certificates: [],
  hasUnblockApp: false,
}

const causesOf = (tenant: Partial<TenantHealth>, is: Finding['is'] = 'amiss') =>
  findingsOf({ ...well, ...tenant }, now)
    .filter((finding) => finding.is === is)
    .map(({ cause }) => cause)

const findingOn = (cause: HealthCause, tenant: Partial<TenantHealth>) =>
  findingsOf({ ...well, ...tenant }, now).find((finding) => finding.cause === cause)

describe('what is amiss with a tenant', () => {
  test('is nothing where all was looked at and is well', () => {
    expect(causesOf({})).toEqual([])
    expect(causesOf({}, 'unknown')).toEqual([])
  })

  test('is not known where nothing was looked at yet: nothing is called good', () => {
    const findings = findingsOf({ name: 'Contoso', list: {}, hasUnblockApp: true }, now)
    expect(findings.map(({ is }) => is)).toEqual(findings.map(() => 'unknown'))
  })

  test.each(['unreachable', 'timeout', 'throttled', 'serverError', 'unreadable', 'stale'])(
    'is blindness once reads have failed for too long (%s), and not before',
    (failing) => {
      expect(causesOf({ list: { lastGoodReadAt: now, failing } })).toEqual([])
      expect(findingOn('blind', { list: { lastGoodReadAt: now, failing, blindSince: now } })).toMatchObject({
        is: 'amiss',
        detail: failing,
        since: now,
      })
    },
  )

  test.each(['credentials', 'permission'] as const)(
    'is a refusal (%s) at once, and then blindness is not named besides',
    (failing) => {
      const list = { failing, message: 'what to do', blindSince: now }
      expect(causesOf({ list })).toEqual([failing])
      expect(findingOn(failing, { list })?.detail).toBe('what to do')
    },
  )

  test('is no refused sign-in where Exchange says that a role is missing', () => {
    expect(findingOn('credentials', { list: { failing: 'permission' } })?.is).toBe('fine')
  })

  test('is a list of which a row cannot be read, at once, and then blindness is not named besides', () => {
    const list = { failing: 'rowUnreadable' }
    expect(causesOf({ list })).toEqual(['listIncomplete'])
    expect(causesOf({ list: { ...list, lastGoodReadAt: now } })).toEqual(['listIncomplete'])
    expect(causesOf({ list: { ...list, blindSince: now } })).toEqual(['listIncomplete'])
  })

  test('is audit logging that is off', () => {
    expect(causesOf({ auditing: found(false) })).toEqual(['auditOff'])
  })

  const policies: [string, AlertPolicy | undefined, HealthCause][] = [
    ['that does not exist', undefined, 'alertPolicyMissing'],
    ['that is off', { enabled: false, notifies: true, recipients: 2 }, 'alertPolicyOff'],
    ['that sends no mail', { enabled: true, notifies: false, recipients: 2 }, 'alertPolicySilent'],
    ['without recipients', { enabled: true, notifies: true, recipients: 0 }, 'alertPolicySilent'],
    [
      'with a daily limit',
      { enabled: true, notifies: true, recipients: 2, dailyLimit: 3 },
      'alertPolicyLimited',
    ],
  ]

  test.each(policies)('is an alert policy %s, under one name', (_what, policy, cause) => {
    expect(causesOf({ alertPolicy: found(policy) })).toEqual([cause])
  })

  test('is an app for the removal that Entra refuses, not one that could not ask', () => {
    expect(causesOf({ hasUnblockApp: true, unblockRefused: found('secret expired') })).toEqual([
      'unblockCredentials',
    ])
    expect(causesOf({ hasUnblockApp: true, unblockRefused: failed }, 'unknown')).toEqual([
      'unblockCredentials',
    ])
  })

  test('stays unknown where audit logging and alert policy cannot be read', () => {
    expect(causesOf({ auditing: failed, alertPolicy: failed })).toEqual([])
    expect(causesOf({ auditing: failed, alertPolicy: failed }, 'unknown')).toEqual([
      'auditOff',
      'alertPolicyMissing',
      'alertPolicyOff',
      'alertPolicySilent',
      'alertPolicyLimited',
    ])
  })
})

describe('a certificate', () => {
  const until = (ms: number) => ({ what: 'exchange' as const, until: found(later(now, ms)) })

  test.each([
    ['more than 14 days away is fine', 14 * dayMs + 1, 'fine'],
    ['14 days away is spoken of', 14 * dayMs, 'amiss'],
    ['passed already is spoken of', -dayMs, 'amiss'],
  ])('whose end is %s', (_what, ms, is) => {
    expect(certificateVerdict([until(ms)], now).is).toBe(is)
  })

  test('that ends first is the one that is named', () => {
    const seen = [until(9 * dayMs), { ...until(3 * dayMs), what: 'unblock' as const }]
    expect(certificateVerdict(seen, now).detail).toBe(`unblock ${later(now, 3 * dayMs)}`)
  })

  test('that cannot be read makes the answer unknown, unless another one is about to expire', () => {
    const unread = { what: 'unblock' as const, until: failed }
    expect(certificateVerdict([until(90 * dayMs), unread], now).is).toBe('unknown')
    expect(certificateVerdict([until(dayMs), unread], now).is).toBe('amiss')
  })
})

describe('what the record is told', () => {
  const amiss: Finding = { cause: 'auditOff', tenant: 'Contoso', is: 'amiss' }
  const open: Problem = { cause: 'auditOff', tenant: 'Contoso', since: now, changedAt: now }

  test('is each problem once, with the time since when', () => {
    expect(entriesFor([], [amiss], now)).toEqual([
      { type: 'healthRaised', cause: 'auditOff', tenant: 'Contoso', since: now },
    ])
    expect(entriesFor([open], [amiss], later(now, hourMs))).toEqual([])
  })

  test('is that it is over, once it was seen to be', () => {
    expect(entriesFor([open], [{ ...amiss, is: 'fine' }], now)).toEqual([
      { type: 'healthCleared', cause: 'auditOff', tenant: 'Contoso' },
    ])
  })

  test('is nothing where it could not be looked at', () => {
    expect(entriesFor([open], [{ ...amiss, is: 'unknown' }], now)).toEqual([])
  })

  test('is what is new about it, once an hour at most, and since when stays', () => {
    const changed = { ...amiss, detail: 'new' }
    expect(entriesFor([open], [changed], later(now, hourMs - 1))).toEqual([])
    expect(entriesFor([open], [changed], later(now, hourMs))).toMatchObject([{ detail: 'new', since: now }])
  })

  test('is that nobody watches any more, where a tenant has left the settings', () => {
    expect(entriesFor([open], [], now)).toMatchObject([{ type: 'healthCleared', unwatched: true }])
  })

  const is = fc.constantFrom<Finding['is']>('amiss', 'fine', 'unknown')
  const look = fc.record({
    passed: fc.integer({ min: 0, max: 3 * hourMs }),
    findings: fc.array(
      fc.record({
        cause: fc.constantFrom<HealthCause>('blind', 'auditOff'),
        tenant: fc.constantFrom('one', 'two'),
        is,
        detail: fc.constantFrom('a', 'b'),
      }),
      { maxLength: 4 },
    ),
  })

  /** One look after the other; each entry is handed on together with the problem as it was before. */
  function play(
    looks: { passed: number; findings: Finding[] }[],
    seen: (entry: ReturnType<typeof entriesFor>[number], before: Problem | undefined) => void,
    unlooked: (before: Map<string, Problem>, findings: Finding[], after: Map<string, Problem>) => void,
  ) {
    let at = now
    let problems = new Map<string, Problem>()
    for (const { passed, findings } of looks) {
      at = later(at, passed)
      const one = [...new Map(findings.map((finding) => [keyOf(finding), finding])).values()]
      const before = new Map(problems)
      const after = new Map(problems)
      for (const entry of entriesFor([...problems.values()], one, at)) {
        seen(entry, after.get(keyOf(entry)))
        const problem = afterEntry(after.get(keyOf(entry)), entry, at)
        if (problem) after.set(keyOf(entry), problem)
      }
      unlooked(before, one, after)
      problems = after
    }
  }

  test('has for each problem at most one end, whatever is found in whichever order', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
        const openNow = new Set<string>()
        play(
          looks,
          (entry) => {
            if (entry.type === 'healthRaised') openNow.add(keyOf(entry))
            else expect(openNow.delete(keyOf(entry))).toBe(true)
          },
          () => undefined,
        )
      }),
    )
  })

  test('never ends a problem because a look failed', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
        play(
          looks,
          () => undefined,
          (before, findings, after) => {
            for (const finding of findings.filter((one) => one.is === 'unknown'))
              expect(after.get(keyOf(finding))).toBe(before.get(keyOf(finding)))
          },
        )
      }),
    )
  })

  test('says after each look what was found in it', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
        play(
          looks,
          () => undefined,
          (_before, findings, after) => {
            for (const finding of findings.filter((one) => one.is !== 'unknown')) {
              const problem = after.get(keyOf(finding))
              expect(problem !== undefined && isOpen(problem)).toBe(finding.is === 'amiss')
            }
          },
        )
      }),
    )
  })
})

test('codes for /readyz name causes and nobody, each once, and leave to others what they say themselves', () => {
  const open = (cause: HealthCause, tenant: string): Problem => ({
    cause,
    tenant,
    since: now,
    changedAt: now,
  })
  const problems = [
    open('blind', 'one'),
    open('blind', 'two'),
    open('credentials', 'one'),
    { ...open('auditOff', 'one'), over: { at: now } },
  ]
  expect(codesOf(problems)).toEqual(['blind'])
})

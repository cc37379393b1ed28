import { hourMs, type Instant, later, minuteMs } from '../../src/clock.js'
import { dueHealth, type HealthState, markOf, mostNamed, shownIn } from '../../src/health/due.js'
import { keyOf, type Problem } from '../../src/health/problem.js'
import type { Conversation, Delivery } from '../../src/incident/delivery.js'
import { ann, conversation } from '../support/store-fixtures.js'

const now: Instant = '2026-11-22T03:00:00.000Z'
const at = (minutes: number) => later(now, minutes * minuteMs)

const watching = (id: string, more: Partial<Conversation> = {}) =>
  conversation(id, { watching: { since: now, by: ann }, ...more })

const blind = (tenant: string, more: Partial<Problem> = {}): Problem => ({
  cause: 'blind',
  tenant,
  detail: 'unreachable',
  since: now,
  changedAt: now,
  ...more,
})

const stateOf = (problems: Problem[], conversations: Conversation[], more: Partial<HealthState> = {}) => ({
  problems,
  conversations,
  tenants: ['Contoso', 'Fabrikam'],
  serves: () => true,
  ...more,
})

/** The delivery of a card that shows these problems, drawn when it was posted. */
const cardOf = (problems: Problem[], more: Partial<Delivery> = {}): Delivery => ({
  subject: 'health:blind',
  conversation: 'one',
  message: 'm1',
  drawn: 0,
  told: 0,
  mark: markOf({ cause: 'blind', amiss: problems, over: [] }, now),
  health: { postedAt: now, drawnAt: now, about: problems.map(keyOf) },
  ...more,
})

const closed = (delivery: Delivery, closedAt: Instant): Delivery => ({
  ...delivery,
  ...(delivery.health ? { health: { ...delivery.health, closedAt } } : {}),
})

const kinds = (state: HealthState, deliveries: Delivery[], time: Instant) =>
  dueHealth(state, deliveries, time).map((work) => `${work.kind} ${work.cause} in ${work.conversation}`)

describe('a problem', () => {
  test('is posted once in each conversation that serves its tenant, and in no other', () => {
    const conversations = [watching('one'), watching('two'), watching('three'), conversation('four')]
    const serves = (id: string, tenant: string) => tenant === 'Contoso' && id !== 'three'
    expect(kinds(stateOf([blind('Contoso')], conversations, { serves }), [], now)).toEqual([
      'post blind in one',
      'post blind in two',
    ])
  })

  test('is told elsewhere if the conversations that serve the tenant are gone: where it was watched first', () => {
    const conversations = [
      watching('one', { gone: { at: now, cause: 'removed' } }),
      watching('two', { watching: { since: at(5), by: ann } }),
      watching('three', { watching: { since: at(1), by: ann } }),
    ]
    const serves = (id: string) => id === 'one'
    expect(kinds(stateOf([blind('Contoso')], conversations, { serves }), [], at(9))).toEqual([
      'post blind in three',
    ])
  })

  test('of a tenant that nobody watched yet is told nobody else', () => {
    const conversations = [conversation('one'), watching('two')]
    const serves = (id: string) => id === 'one'
    expect(kinds(stateOf([blind('Contoso')], conversations, { serves }), [], now)).toEqual([])
  })

  test('is never told elsewhere in a chat with one person', () => {
    const conversations = [
      watching('one', { gone: { at: now, cause: 'removed' } }),
      watching('two', { kind: 'personal' }),
    ]
    const serves = (id: string) => id === 'one'
    expect(kinds(stateOf([blind('Contoso')], conversations, { serves }), [], now)).toEqual([])
  })

  test('of a tenant that is served there no more closes its card without a word', () => {
    const over = blind('Fabrikam', { over: { at: at(20) } })
    const serves = (_id: string, tenant: string) => tenant === 'Contoso'
    const state = stateOf([over], [watching('one')], { serves })
    expect(kinds(state, [cardOf([over])], at(20))).toEqual(['close blind in one'])
    expect(kinds(state, [closed(cardOf([over]), at(20))], at(90))).toEqual([])
  })

  test('is told nowhere if nobody watches', () => {
    expect(kinds(stateOf([blind('Contoso')], [conversation('one')]), [], now)).toEqual([])
  })

  test('of a lost conversation is told where the same tenants are served', () => {
    const lost: Problem = { cause: 'conversationLost', conversation: 'one', since: now, changedAt: now }
    const conversations = [
      watching('one', { gone: { at: now, cause: 'removed' } }),
      watching('two'),
      watching('three'),
    ]
    const serves = (id: string, tenant: string) => (tenant === 'Contoso') === (id !== 'three')
    expect(kinds(stateOf([lost], conversations, { serves }), [], now)).toEqual([
      'post conversationLost in two',
    ])
  })

  test('that is shown already asks for nothing', () => {
    const problems = [blind('Contoso')]
    expect(kinds(stateOf(problems, [watching('one')]), [cardOf(problems)], at(120))).toEqual([])
  })

  test('of a second tenant is put on the same card, a minute after it was drawn', () => {
    const first = blind('Contoso')
    const state = stateOf([first, blind('Fabrikam', { since: at(1) })], [watching('one')])
    expect(kinds(state, [cardOf([first])], later(now, minuteMs - 1))).toEqual([])
    expect(kinds(state, [cardOf([first])], at(1))).toEqual(['redraw blind in one'])
  })

  test('of a second tenant is told in the thread of the open card, an hour after the last word at the earliest', () => {
    const both = [blind('Contoso'), blind('Fabrikam', { since: at(30) })]
    const state = stateOf(both, [watching('one')])
    const heardOf = (about: Problem[], when: Instant): Delivery => {
      const card = cardOf(both)
      return {
        ...card,
        ...(card.health ? { health: { ...card.health, heard: { at: when, about: about.map(keyOf) } } } : {}),
      }
    }
    expect(kinds(state, [heardOf(both.slice(0, 1), now)], at(59))).toEqual([])
    expect(kinds(state, [heardOf(both.slice(0, 1), now)], at(60))).toEqual(['tell blind in one'])
    expect(kinds(state, [heardOf(both, now)], at(60))).toEqual([])
  })

  test('stays on the card that shows it, also where it would not be posted any more', () => {
    const problems = [blind('Contoso')]
    const state = stateOf(problems, [conversation('one')])
    expect(kinds(state, [cardOf(problems)], at(5))).toEqual([])
    expect(shownIn('blind', state, 'one', cardOf(problems)).amiss).toEqual(problems)
  })

  test('whose post may or may not have arrived is posted again, ever more seldom', () => {
    const problems = [blind('Contoso')]
    const doubtful = (tries: number): Delivery[] => [
      {
        subject: 'health:blind',
        conversation: 'one',
        drawn: 0,
        told: 0,
        ambiguous: { since: now, tries },
      },
    ]
    const state = stateOf(problems, [watching('one')])
    expect(kinds(state, doubtful(1), now)).toEqual(['post blind in one'])
    expect(kinds(state, doubtful(2), at(4))).toEqual([])
    expect(kinds(state, doubtful(2), at(5))).toEqual(['post blind in one'])
  })

  test('whose card somebody deleted is posted anew, an hour after it was', () => {
    const problems = [blind('Contoso')]
    const deleted = cardOf(problems, { message: undefined })
    const state = stateOf(problems, [watching('one')])
    expect(kinds(state, [deleted], at(59))).toEqual([])
    expect(kinds(state, [deleted], at(60))).toEqual(['post blind in one'])
  })
})

describe('a certificate that expires', () => {
  test('is drawn again each day, for the days that are left', () => {
    const detail = `exchange ${later(now, 9 * 24 * hourMs)}`
    const shown = {
      cause: 'certificateExpiring' as const,
      amiss: [{ ...blind('Contoso'), cause: 'certificateExpiring' as const, detail }],
      over: [],
    }
    expect(markOf(shown, now)).not.toBe(markOf(shown, at(1)))
    expect(markOf(shown, at(1))).toBe(markOf(shown, at(24 * 60)))
  })
})

describe('a recovery', () => {
  const over = blind('Contoso', { over: { at: at(20) } })
  const state = stateOf([over], [watching('one')])

  test('closes the card, and is then told once', () => {
    const card = cardOf([over])
    expect(kinds(state, [card], at(20))).toEqual(['close blind in one'])
    const isClosed = closed(card, at(20))
    expect(kinds(state, [isClosed], at(20))).toEqual(['tell blind in one'])
    const health = isClosed.health && { ...isClosed.health, told: { at: at(20), over: true } }
    expect(kinds(state, [{ ...isClosed, health }], at(21))).toEqual([])
  })

  test('of one of two tenants leaves the card open, without it', () => {
    const both = [over, blind('Fabrikam')]
    const card = cardOf(both)
    const state = stateOf(both, [watching('one')])
    expect(kinds(state, [card], at(20))).toEqual(['redraw blind in one'])
    expect(shownIn('blind', state, 'one', card).amiss.map(({ tenant }) => tenant)).toEqual(['Fabrikam'])
  })

  test('is not told where nobody watches any more, but the card says so', () => {
    const unwatched = stateOf([over], [conversation('one')])
    expect(kinds(unwatched, [cardOf([over])], at(20))).toEqual(['close blind in one'])
    expect(kinds(unwatched, [closed(cardOf([over]), at(20))], at(21))).toEqual([])
  })
})

describe('a problem that comes and goes', () => {
  const again = blind('Contoso', { since: at(30), changedAt: at(30) })
  const state = stateOf([again], [watching('one')])
  const told = (delivery: Delivery): Delivery => ({
    ...delivery,
    ...(delivery.health ? { health: { ...delivery.health, told: { at: at(20), over: true } } } : {}),
  })

  test('opens the same card again within the hour, and makes a new one after it', () => {
    const card = told(closed(cardOf([blind('Contoso')]), at(20)))
    expect(kinds(state, [card], at(30))).toEqual(['redraw blind in one'])
    expect(kinds(state, [card], at(60))).toEqual(['post blind in one'])
  })

  test('is told in the thread at most once an hour, and is not left unsaid if it stays', () => {
    const reopened = told(cardOf([again]))
    expect(kinds(state, [reopened], at(79))).toEqual([])
    expect(kinds(state, [reopened], at(80))).toEqual(['tell blind in one'])
  })
})

test('a card names a dozen tenants, those that have been affected longest', () => {
  const problems = Array.from({ length: 40 }, (_, n) => blind(`tenant ${n}`, { since: at(40 - n) }))
  const shown = shownIn('blind', stateOf(problems, [watching('one')]), 'one', undefined)
  expect(shown.amiss).toHaveLength(40)
  expect(shown.amiss[0]?.tenant).toBe('tenant 39')
  expect(markOf(shown, now).split(';')).toHaveLength(mostNamed + 1)
})

test('of many tenants and conversations it is looked up once who has to be told what', () => {
  const names = Array.from({ length: 60 }, (_, n) => `tenant ${n}`)
  const problems = names.flatMap((tenant) => [
    blind(tenant),
    { ...blind(tenant), cause: 'auditOff' as const },
  ])
  let asked = 0
  const serves = (id: string, tenant: string) => {
    asked += 1
    return id === `channel of ${tenant}`
  }
  const conversations = names.map((name) => watching(`channel of ${name}`))
  const state = stateOf(problems, conversations, { tenants: names, serves })
  for (let n = 0; n < 5; n++) expect(dueHealth(state, [], now)).toHaveLength(120)
  for (const { id } of conversations) expect(shownIn('blind', state, id, undefined).amiss).toHaveLength(1)
  expect(asked).toBe(60 * 60)
})

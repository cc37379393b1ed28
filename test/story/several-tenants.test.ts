import { elapsedMs, minuteMs, secondMs } from '../../src/clock.js'
import type { WatchedTenantSettings } from '../../src/settings.js'
import { buttonsOf, cardOf, type FakeMessage, wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, readiness, requiredSteps } from '../support/moves.js'
import {
  cast,
  channel,
  homeTenant,
  roleMapOf,
  Story,
  type StoryOptions,
  usualRoleMap,
} from '../support/story.js'

const fabrikamChannel = '19:fabrikam@thread.tacv2'
const sharedChannel = '19:all-customers@thread.tacv2'

const contoso = { name: 'Contoso', conversations: [channel, sharedChannel] }
const fabrikam = { name: 'Fabrikam', conversations: [fabrikamChannel, sharedChannel] }

let story: Story
afterEach(() => endLawfully(story))

/** Two watched tenants, and who is in which channel. */
async function begin(options: StoryOptions = {}): Promise<void> {
  story = await Story.begin({ tenants: [contoso, fabrikam], ...options })
  for (const place of [fabrikamChannel, sharedChannel]) story.teams.rosters.set(place, Object.values(cast))
}

const [first, second] = [() => story.exchanges[0], () => story.exchanges[1]]

/** Roots of what was posted in a conversation that are cards. */
const cardsIn = (place: string): FakeMessage[] =>
  story.teams.messages.filter((one) => one.conversation === place && !one.thread && cardOf(one))
const wordsIn = (place: string): string =>
  cardsIn(place)
    .map((one) => wordsOf(cardOf(one)))
    .join('\n')

/** Waits for a card in a conversation with these words. */
const cardIn = (place: string, ...words: string[]): Promise<FakeMessage> =>
  story.until(`a card in ${place} showing ${words.join(', ')}`, () =>
    cardsIn(place).findLast((one) => words.every((word) => wordsOf(cardOf(one)).includes(word))),
  )

describe('two watched tenants, each with channels of its own', () => {
  test('each channel is told which it will show, and is shown its own only', async () => {
    await begin()
    expect(await story.type(cast.rae, 'watch')).toContain('now watches Contoso:')
    expect(await story.type(cast.rae, 'watch', fabrikamChannel)).toContain('now watches Fabrikam:')
    expect(await story.type(cast.rae, 'watch', sharedChannel)).toContain('now watches Contoso and Fabrikam:')
    expect(await story.type(cast.rae, 'watch', sharedChannel)).toContain(
      'already watches Contoso and Fabrikam',
    )
    first()?.restrict()
    await story.pass(minuteMs)
    second()?.restrict('Warehouse scanners and label printers')
    await story.pass(minuteMs)
    await cardIn(channel, 'CR-1', 'Contoso ·')
    await cardIn(fabrikamChannel, 'CR-2', 'Fabrikam ·')
    await cardIn(sharedChannel, 'CR-1', 'Contoso ·')
    await cardIn(sharedChannel, 'CR-2', 'Fabrikam ·')
    expect(wordsIn(channel)).not.toContain('Fabrikam')
    expect(wordsIn(fabrikamChannel)).not.toContain('Contoso')
    expect(await readiness(story)).toEqual({ status: 200, degraded: [] })
  })

  test('a tenant that no channel is shown is said at /readyz', async () => {
    await begin()
    await story.type(cast.rae, 'watch')
    expect((await readiness(story)).degraded).toEqual(['nobodyWatches'])
  })

  test('a channel that no tenant is to be shown in is not made to watch', async () => {
    const place = '19:canteen@thread.tacv2'
    await begin()
    story.teams.rosters.set(place, Object.values(cast))
    expect(await story.type(cast.rae, 'watch', place)).toContain(
      'No watched tenant is shown in this conversation',
    )
    expect((await story.bot.conversations()).find(({ id }) => id === place)?.watching).toBeUndefined()
  })

  test.each([
    'show CR-1',
    'ack CR-1',
    'done CR-1 audit looked at',
    'note CR-1 from elsewhere',
    'approve CR-1 it is fine',
    'keep CR-1 it is not',
  ])(
    'what is asked of another tenant’s incident, %s, is answered as if it did not exist',
    async (command) => {
      await begin()
      await story.type(cast.rae, 'watch')
      await story.type(cast.rae, 'watch', fabrikamChannel)
      first()?.restrict()
      await story.pass(minuteMs)
      const card = wordsOf(cardOf(await cardIn(channel, 'CR-1')))
      expect(await story.type(cast.ann, command, fabrikamChannel)).toContain('There is no CR-1 here')
      await story.pass(minuteMs)
      expect(cardsIn(fabrikamChannel)).toEqual([])
      expect(wordsOf(cardOf(await cardIn(channel, 'CR-1')))).toBe(card)
    },
  )

  test('a card that was carried over to another tenant’s channel decides nothing', async () => {
    await begin()
    await story.type(cast.rae, 'watch')
    await story.type(cast.rae, 'watch', fabrikamChannel)
    first()?.restrict()
    await story.pass(minuteMs)
    const forwarded = { ...(await cardIn(channel, 'CR-1')), conversation: fabrikamChannel }
    const answer = await story.press(cast.ann, forwarded, 'Keep blocked', { reason: 'not mine' })
    expect(answer.words).toContain('There is no CR-1 here')
    expect(wordsIn(channel)).not.toContain('Kept blocked')
  })

  test('list and whoami are about the channel’s own tenants', async () => {
    await begin()
    await story.type(cast.rae, 'watch')
    await story.type(cast.rae, 'watch', sharedChannel)
    first()?.restrict()
    second()?.restrict()
    await story.pass(minuteMs)
    const here = await story.type(cast.vic, 'list')
    expect(here).toContain('Contoso')
    expect(here).not.toContain('Fabrikam')
    expect(await story.type(cast.vic, 'list', sharedChannel)).toContain('Fabrikam')
    const who = await story.type(cast.vic, 'whoami')
    expect(who).toContain('**Contoso:** viewer')
    expect(who).not.toContain('Fabrikam')
  })

  test('many at once are one digest, in the channels of their tenant only', async () => {
    await begin()
    await story.type(cast.rae, 'watch')
    await story.type(cast.rae, 'watch', fabrikamChannel)
    const exchange = second()
    const [model] = exchange?.connectors ?? []
    if (!exchange || !model) throw new Error('there is no connector')
    exchange.connectors = Array.from({ length: 11 }, (_, index) => ({
      ...model,
      id: `00000000-0000-4000-8000-${String(index + 1).padStart(12, '0')}`,
      name: `Branch office ${index + 1}`,
    }))
    for (const { id } of exchange.connectors) exchange.restrict(id)
    await story.pass(minuteMs)
    const digest = await cardIn(fabrikamChannel, '11 connectors were blocked at once', 'Fabrikam')
    expect(cardsIn(channel)).toEqual([])
    const next = buttonsOf(cardOf(digest)).find(({ title }) => title === 'Next')
    const elsewhere = await story.invoke(cast.vic, { ...digest, conversation: channel }, next?.data)
    expect(elsewhere.words).toContain('belongs to another conversation')
    expect((await story.invoke(cast.vic, digest, next?.data)).words).toContain('CR-11')
  })
})

describe('a personal chat', () => {
  const chat = 'a:personal-chat'
  const typed = async (who: typeof cast.ann, text: string): Promise<string> => {
    story.teams.rosters.set(chat, Object.values(cast))
    const before = story.teams.messages.length
    const conversation = { id: chat, conversationType: 'personal', tenantId: homeTenant }
    await story.whileTimePasses(story.send(story.activity(who, { type: 'message', text, conversation })))
    return story.teams.messages
      .slice(before)
      .map((one) => wordsOf(one.activity))
      .join('\n')
  }

  test('is about the tenants that its person has a role for, whatever they name', async () => {
    const map = { ...usualRoleMap, tenants: { Fabrikam: roleMapOf({ approver: [cast.ben] }) } }
    await begin({ roleMap: map })
    first()?.restrict()
    second()?.restrict()
    await story.pass(minuteMs)
    const [contosos, fabrikams] = (await typed(cast.ann, 'list')).includes('CR-1 · Contoso')
      ? ['CR-1', 'CR-2']
      : ['CR-2', 'CR-1']
    expect(await typed(cast.ann, 'list')).not.toContain('Fabrikam')
    expect(await typed(cast.ann, `show ${fabrikams}`)).toContain(`There is no ${fabrikams} here`)
    expect(await typed(cast.ann, 'whoami')).not.toContain('Fabrikam')
    expect(await typed(cast.ben, 'whoami')).toContain('**Fabrikam:** approver')
    expect(await typed(cast.nora, 'whoami')).toContain('no role for any watched tenant')
    await typed(cast.ann, `show ${contosos}`)
    await cardIn(chat, `${contosos}`, 'Contoso ·')
  })
})

describe('roles that differ by tenant', () => {
  const map = { ...usualRoleMap, tenants: { Fabrikam: roleMapOf({ approver: [cast.ben] }) } }

  test('whoever may not respond for each tenant that would be shown does not begin to watch', async () => {
    await begin({ roleMap: map })
    expect(await story.type(cast.rae, 'watch', sharedChannel)).toContain(
      '1 tenant is shown in this conversation too',
    )
    expect(await story.type(cast.rae, 'watch')).toContain('now watches Contoso:')
    expect(await story.type(cast.rae, 'watch', fabrikamChannel)).toContain('takes the **responder** role')
    expect(await story.type(cast.ben, 'watch', sharedChannel)).toContain('now watches Contoso and Fabrikam:')
  })

  test('and whoever may not begin does not end it', async () => {
    await begin({ roleMap: map })
    await story.type(cast.ben, 'watch', sharedChannel)
    expect(await story.type(cast.rae, 'unwatch', sharedChannel)).toContain('1 tenant is shown')
    expect(await story.type(cast.ben, 'unwatch', sharedChannel)).toContain('watches no more')
  })

  test('an approver of one tenant cannot approve another’s', async () => {
    await begin({ roleMap: map })
    await story.type(cast.ben, 'watch', fabrikamChannel)
    second()?.restrict()
    await story.pass(minuteMs)
    const card = await cardIn(fabrikamChannel, 'CR-1')
    expect((await story.press(cast.ann, card, 'Keep blocked', { reason: 'as a stranger' })).words).toContain(
      'no role',
    )
    await story.press(cast.ben, card, 'Keep blocked', { reason: 'as its approver' })
    await cardIn(fabrikamChannel, 'Kept blocked')
  })
})

describe('one broken tenant', () => {
  test.each([
    ['that never answers', { kind: 'hang' }],
    ['that cuts every connection', { kind: 'reset' }],
  ] as const)('%s delays nothing of the other: announcing, unblocking, confirming', async (_title, fault) => {
    await begin({ lagMs: 0 })
    first()?.faults.always('Get-BlockedConnector', fault)
    first()?.faults.always('Get-InboundConnector', fault)
    await story.pass(5 * secondMs)
    await story.type(cast.rae, 'watch', sharedChannel)
    const restriction = second()?.restrict()
    await story.pass(minuteMs)
    const shown = await cardIn(sharedChannel, 'CR-1', 'Fabrikam ·')
    for (const step of requiredSteps) await story.press(cast.rae, shown, 'Done', { step })
    await decide(story, 'Approve unblock')
    await story.until('the removal', () =>
      second()?.log.some(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector'),
    )
    await story.pass(3 * minuteMs)
    await cardIn(sharedChannel, 'Removed from Restricted entities')
    expect(second()?.restricted()).toEqual([])
    expect(restriction).toBeDefined()
    expect(first()?.log.filter(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector')).toEqual([])
  })

  test('is said at /readyz once, however many there are', async () => {
    await begin()
    await story.type(cast.rae, 'watch', sharedChannel)
    for (const exchange of story.exchanges) exchange.faults.always('Get-BlockedConnector', { kind: 'reset' })
    await story.pass(2 * minuteMs)
    expect((await readiness(story)).degraded).toEqual(['exchange-unreachable'])
  })
})

test('tenants are read shortly one after the other, not all in the same instant', async () => {
  const names = ['Contoso', 'Fabrikam', 'Woodgrove']
  await begin({ tenants: names.map((name) => ({ name })) })
  const startedAt = story.clock.now()
  await story.pass(secondMs)
  const firstReads = story.exchanges.map(({ log: [read] }) => elapsedMs(startedAt, read?.at ?? ''))
  expect(firstReads).toEqual([0, 20, 40])
})

describe('a restart', () => {
  test('goes on with each tenant, and shows nothing twice', async () => {
    await begin()
    await story.type(cast.rae, 'watch')
    await story.type(cast.rae, 'watch', fabrikamChannel)
    first()?.restrict()
    second()?.restrict()
    await story.pass(minuteMs)
    await cardIn(channel, 'Contoso ·')
    await cardIn(fabrikamChannel, 'Fabrikam ·')
    await story.restart()
    await story.pass(2 * minuteMs)
    expect([cardsIn(channel).length, cardsIn(fabrikamChannel).length]).toEqual([1, 1])
    second()?.restrict()
    await story.pass(minuteMs)
    await cardIn(fabrikamChannel, 'CR-3')
    expect(wordsIn(channel)).not.toContain('CR-3')
  })

  test('in which a tenant is taken from a channel keeps its cards there true, and shows nothing new', async () => {
    await begin()
    await story.type(cast.rae, 'watch', sharedChannel)
    first()?.restrict()
    await story.pass(minuteMs)
    await cardIn(sharedChannel, 'CR-1', 'Contoso ·')
    story.options.tenants = [{ ...contoso, conversations: [channel] }, fabrikam]
    await story.restart()
    expect(await story.type(cast.vic, 'list', sharedChannel)).toContain('All quiet')
    await story.type(cast.rae, 'watch')
    await cardIn(channel, 'CR-1')
    const before = story.teams.messages.filter(({ conversation }) => conversation === sharedChannel).length
    await story.type(cast.rae, 'ack CR-1')
    await cardIn(sharedChannel, 'On it:', 'Rae Responder')
    first()?.restrict()
    await story.pass(minuteMs)
    await cardIn(channel, 'CR-2')
    expect(story.teams.messages.filter(({ conversation }) => conversation === sharedChannel)).toHaveLength(
      before,
    )
  })

  test('in which all tenants are taken from a channel lets its people end the watching', async () => {
    await begin()
    await story.type(cast.rae, 'watch', sharedChannel)
    story.options.tenants = [
      { ...contoso, conversations: [channel] },
      { ...fabrikam, conversations: [channel] },
    ]
    await story.restart()
    expect(await story.type(cast.vic, 'list', sharedChannel)).toContain('No watched tenant is shown')
    // Whoever runs the bot needs the id to set that.
    for (const typed of ['list', 'whoami'])
      expect(await story.type(cast.vic, typed, sharedChannel)).toMatch(/id(:| is) 19:all-customers@thread/)
    expect(await story.type(cast.vic, 'unwatch', sharedChannel)).toContain('responder')
    expect(await story.type(cast.rae, 'unwatch', sharedChannel)).toContain('watches no more')
  })

  /** Starts the bot, whose second tenant has an open incident, with tenants other than it had. */
  async function startWith(change: (tenants: WatchedTenantSettings[]) => WatchedTenantSettings[]) {
    await begin()
    second()?.restrict()
    await story.pass(minuteMs)
    await story.quiet()
    await story.bot.stop()
    const { exchange, ...others } = story.settings()
    const tenants = exchange.kind === 'admin-api' ? exchange.tenants : []
    story.settings = () => ({ ...others, exchange: { kind: 'admin-api', tenants: change(tenants) } })
    const refusal: unknown = await story.startBot().catch((fault) => fault)
    story.settings = () => ({ ...others, exchange })
    await story.startBot()
    return refusal
  }

  test('without a tenant that has open incidents is refused, and names both ways to set it', async () => {
    expect(await startWith((tenants) => tenants.slice(0, 1))).toMatchObject({
      code: 'tenantNotWatched',
      message: expect.stringContaining('CR-1 (Fabrikam)'),
      remedy: expect.stringMatching(/EXCHANGE_ORGANIZATION.*TENANTS_FILE/),
    })
  })

  test('whose names were swapped is refused while an incident of one is open', async () => {
    const swap = (tenants: WatchedTenantSettings[]) => {
      const names = tenants.map(({ name }) => name).reverse()
      return tenants.map((tenant, index) => ({ ...tenant, name: names[index] ?? '' }))
    }
    expect(await startWith(swap)).toMatchObject({
      code: 'tenantChanged',
      message: expect.stringContaining('CR-1 (Fabrikam)'),
      remedy: expect.stringMatching(/EXCHANGE_TENANT_ID.*TENANTS_FILE/),
    })
  })
})

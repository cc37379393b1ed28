import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { hourMs, later, minuteMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import { cardOf, type FakeMessage, wordsOf } from '../support/fake-teams.js'
import { endLawfully, readiness } from '../support/moves.js'
import {
  cast,
  channel,
  exchangeAppId,
  roleMapOf,
  Story,
  type StoryOptions,
  usualRoleMap,
} from '../support/story.js'

const read = 'Get-BlockedConnector'
const other = '19:on-call@thread.tacv2'

let story: Story
afterEach(() => endLawfully(story))

const begin = async (options: StoryOptions = {}) => {
  story = await Story.watching(options)
  await story.pass(minuteMs)
}

const cannotRead = 'Exchange cannot be read'
const readAgain = 'Exchange can be read again'

/** A second channel that watches. */
async function watchElsewhere(): Promise<void> {
  story.teams.rosters.set(other, Object.values(cast))
  await story.type(cast.rae, 'watch', other)
}

/** Health cards that show these words now, wherever. */
const cardsWith = (...words: string[]): FakeMessage[] =>
  story.teams.messages.filter((one) => {
    const shown = wordsOf(cardOf(one))
    return shown.includes('type **checks**') && words.every((word) => shown.includes(word))
  })

/** Every health card that there is or was. */
const healthCards = (): FakeMessage[] => cardsWith('')

const repliesIn = (card: FakeMessage | undefined): string[] =>
  story.teams.messages.filter(({ thread }) => thread === card?.id).map(({ activity }) => wordsOf(activity))

/** The entries about health in the record, in their order. */
async function recorded(): Promise<string[]> {
  const text = await readFile(join(story.folder, 'data', 'journal.jsonl'), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).entry)
    .filter((entry) => entry?.type.startsWith('health'))
    .map(({ type, cause }) => `${type} ${cause}`)
}

describe('a tenant whose list cannot be read', () => {
  test('is said after ten minutes in every channel that watches, once, with what to do', async () => {
    await begin()
    await watchElsewhere()
    story.exchange.faults.always(read, { kind: 'reset' })
    await story.pass(9 * minuteMs)
    expect(healthCards()).toEqual([])
    await story.pass(2 * minuteMs)
    const cards = cardsWith(cannotRead, 'contoso.onmicrosoft.com', 'not announced')
    expect(cards.map(({ conversation }) => conversation).sort()).toEqual([channel, other].sort())
    expect(wordsOf(cards[0]?.activity)).toContain('Service health')
    expect((await readiness(story)).degraded).toContain('blind')
    await story.pass(3 * hourMs)
    expect(healthCards()).toHaveLength(2)
  })

  test('is said after three intervals, where those take longer than ten minutes', async () => {
    await begin({ pollSeconds: 300 })
    story.exchange.faults.always(read, { kind: 'hang' })
    await story.pass(13 * minuteMs)
    expect(healthCards()).toEqual([])
    await story.pass(3 * minuteMs)
    expect(cardsWith(cannotRead)).toHaveLength(1)
  })

  test('that can be read again is said on the same card, and once in its thread', async () => {
    await begin()
    story.exchange.faults.always(read, { kind: 'reset' })
    await story.pass(12 * minuteMs)
    const [card] = cardsWith(cannotRead)
    story.exchange.faults.clear()
    await story.pass(6 * minuteMs)
    expect(wordsOf(card?.activity)).toContain(readAgain)
    expect(wordsOf(card?.activity)).toContain('it was not for')
    expect(repliesIn(card)).toEqual([expect.stringContaining(`**${readAgain}** since`)])
    await story.pass(hourMs)
    expect(healthCards()).toHaveLength(1)
    expect(repliesIn(card)).toHaveLength(1)
    expect(await recorded()).toEqual(['healthRaised blind', 'healthCleared blind'])
    expect((await readiness(story)).degraded).toEqual([])
  })

  test('is not said a second time by a bot that was restarted meanwhile, and its end is not lost', async () => {
    await begin()
    story.exchange.faults.always(read, { kind: 'reset' })
    await story.pass(12 * minuteMs)
    await story.restart()
    await story.pass(15 * minuteMs)
    expect(healthCards()).toHaveLength(1)
    await story.restart()
    story.exchange.faults.clear()
    await story.pass(6 * minuteMs)
    const [card] = cardsWith(readAgain)
    await story.restart()
    await story.pass(6 * minuteMs)
    expect(healthCards()).toEqual([card])
    expect(repliesIn(card)).toHaveLength(1)
    expect(await recorded()).toEqual(['healthRaised blind', 'healthCleared blind'])
  })

  test('is said where somebody begins to watch while it lasts', async () => {
    story = await Story.begin()
    story.exchange.faults.always(read, { kind: 'reset' })
    await story.pass(20 * minuteMs)
    expect(healthCards()).toEqual([])
    expect((await readiness(story)).degraded).toContain('blind')
    await story.type(cast.rae, 'watch')
    await story.pass(minuteMs)
    expect(cardsWith(cannotRead)).toHaveLength(1)
  })

  test('is said although Teams did not take the card at first, and once only', async () => {
    await begin()
    story.exchange.faults.always(read, { kind: 'reset' })
    for (let tries = 0; tries < 5; tries++) story.teams.failNext('post', { status: 429 })
    await story.pass(15 * minuteMs)
    expect(cardsWith(cannotRead)).toHaveLength(1)
  })
})

describe('an app that Entra refuses', () => {
  test('is said at once, with the reason and without any secret, until it is let in again', async () => {
    await begin()
    story.entra.apps.set(exchangeAppId, { secret: 'another one' })
    await story.restart()
    await story.pass(minuteMs)
    const [card] = cardsWith('I cannot sign in to Exchange', 'AADSTS7000215', 'App registrations')
    expect(card).toBeDefined()
    expect(JSON.stringify(card?.activity)).not.toContain('the exchange secret')
    await story.pass(hourMs)
    expect(healthCards()).toEqual([card])
    expect((await readiness(story)).degraded).toEqual(['exchange-credentials'])
    story.entra.apps.set(exchangeAppId, { secret: 'the exchange secret' })
    await story.pass(6 * minuteMs)
    expect(wordsOf(card?.activity)).toContain('I can sign in to Exchange again')
    expect(await recorded()).toEqual(['healthRaised credentials', 'healthCleared credentials'])
  })
})

describe('an app that lost its role', () => {
  test('is said at once, and what fails after that does not make it good', async () => {
    await begin()
    story.exchange.faults.always(read, faults.blankForbidden)
    await story.pass(2 * minuteMs)
    const [card] = cardsWith('I may not read the blocked connectors', 'Security Reader')
    expect(card).toBeDefined()
    story.exchange.faults.always(read, { kind: 'reset' })
    await story.pass(6 * minuteMs)
    expect(wordsOf(card?.activity)).toContain('I may not read the blocked connectors')
    expect(await recorded()).toEqual(['healthRaised permission'])
    story.exchange.faults.clear()
    await story.pass(6 * minuteMs)
    expect(wordsOf(card?.activity)).toContain('I may read the blocked connectors again')
  })

  test('again and again makes one card an hour, which tells how it is', async () => {
    await begin()
    for (let n = 0; n < 20; n++) {
      story.exchange.faults.next(read, faults.blankForbidden)
      await story.pass(2 * minuteMs)
    }
    expect(healthCards()).toHaveLength(1)
    await story.pass(minuteMs)
    expect(cardsWith('I may read the blocked connectors again')).toHaveLength(1)
    expect(repliesIn(healthCards()[0])).toHaveLength(1)
  })
})

test('a row that cannot be read is said at once: what it is about is not announced', async () => {
  await begin()
  story.exchange.faults.always(read, { kind: 'rowWithoutId' })
  await story.pass(2 * minuteMs)
  expect(cardsWith('Part of the list cannot be read', 'Restricted entities')).toHaveLength(1)
})

describe('a certificate', () => {
  const file = () => join(story.folder, 'exchange.pem')

  /** A certificate that is good for so many days more, registered with Entra and put where the bot reads it. */
  async function certificateFor(days: number): Promise<void> {
    const notAfterDate = new Date(later(story.clock.now(), days * 24 * hourMs))
    const made = await generate([{ name: 'commonName', value: 'Connector Warden' }], {
      keySize: 2048,
      algorithm: 'sha256',
      notBeforeDate: new Date('2026-01-01T00:00:00Z'),
      notAfterDate,
    })
    await writeFile(file(), `${made.private}\n${made.cert}`)
    story.entra.apps.set(exchangeAppId, { certificate: made.cert })
  }

  async function signInWithCertificate(days: number): Promise<void> {
    story = await Story.watching()
    await certificateFor(days)
    const settings = story.settings()
    const { exchange } = settings
    if (exchange.kind !== 'admin-api') throw new Error('this story has a tenant')
    const tenants = exchange.tenants.map((tenant) => ({
      ...tenant,
      credential: { tenantId: tenant.tenantId, clientId: exchangeAppId, certificatePath: file() },
    }))
    story.settings = () => ({ ...settings, exchange: { ...exchange, tenants } })
    await story.restart()
    await story.pass(minuteMs)
  }

  test('that expires within 14 days is said, with the days that are left, until it is renewed', async () => {
    await signInWithCertificate(9.5)
    const words = ['A certificate is about to expire', 'app for Exchange', '9 days left']
    const card = await story.until('the health card', () => cardsWith(...words)[0])
    expect((await readiness(story)).degraded).toEqual(['certificateExpiring'])
    await certificateFor(300)
    await story.pass(62 * minuteMs)
    expect(wordsOf(card.activity)).toContain('The certificate was renewed')
    expect(await recorded()).toEqual([
      'healthRaised certificateExpiring',
      'healthCleared certificateExpiring',
    ])
  })

  test('that is good for longer is not spoken of, and its days can be asked for', async () => {
    await signInWithCertificate(100.5)
    expect(healthCards()).toEqual([])
    expect(await story.type(cast.vic, 'checks')).toContain('100 days left')
  })
})

describe('what goes wrong while something else does', () => {
  test('a tenant that goes blind long after another is told in the thread, once, and the end of both as well', async () => {
    await begin({ tenants: [{ name: 'Contoso' }, { name: 'Fabrikam' }], pollSeconds: 180 })
    story.exchanges[0]?.faults.always(read, { kind: 'reset' })
    await story.pass(3 * hourMs)
    const [card] = cardsWith(cannotRead, 'Contoso')
    expect(repliesIn(card)).toEqual([])
    story.exchanges[1]?.faults.always(read, { kind: 'reset' })
    await story.pass(3 * hourMs)
    expect(repliesIn(card)).toEqual([expect.stringMatching(/^\*\*Also:\*\* .*: Fabrikam\.$/)])
    for (const exchange of story.exchanges) exchange.faults.clear()
    await story.pass(10 * minuteMs)
    expect(repliesIn(card)).toHaveLength(2)
    expect(healthCards()).toEqual([card])
  })

  test('a second channel that removes the bot is told as well', async () => {
    await begin()
    await watchElsewhere()
    story.teams.rosters.set('19:third@thread.tacv2', Object.values(cast))
    await story.type(cast.rae, 'watch', '19:third@thread.tacv2')
    const remove = (id: string) =>
      story.send(
        story.activity(cast.rae, {
          type: 'installationUpdate',
          action: 'remove',
          conversation: story.conversation(id),
        }),
      )
    await remove(other)
    await story.pass(2 * hourMs)
    await remove('19:third@thread.tacv2')
    await story.pass(hourMs)
    const [card] = cardsWith('A conversation has removed me').filter((one) => one.conversation === channel)
    expect(repliesIn(card)).toEqual([expect.stringContaining('Also:')])
  })
})

describe('a channel that removed the bot', () => {
  test('is told in another one, by its name, until it is back', async () => {
    await begin()
    await watchElsewhere()
    await story.send(story.activity(cast.rae, { type: 'installationUpdate', action: 'remove' }))
    await story.pass(minuteMs)
    const [card] = cardsWith('A conversation has removed me', 'Mail security', 'ends by itself on')
    expect(card?.conversation).toBe(other)
    expect(healthCards()).toEqual([card])
    await story.type(cast.rae, 'list')
    await story.pass(minuteMs)
    expect(wordsOf(card?.activity)).toContain('I am back in the conversation')
  })

  test('is not told what is amiss, and the others are', async () => {
    await begin()
    await watchElsewhere()
    await story.send(story.activity(cast.rae, { type: 'installationUpdate', action: 'remove' }))
    story.exchange.faults.always(read, faults.blankForbidden)
    await story.pass(2 * minuteMs)
    const where = cardsWith('I may not read the blocked connectors').map(({ conversation }) => conversation)
    expect(where).toEqual([other])
  })

  test('and that was the only one leaves /readyz to tell, and the log', async () => {
    await begin()
    await story.send(story.activity(cast.rae, { type: 'installationUpdate', action: 'remove' }))
    await story.pass(minuteMs)
    expect(healthCards()).toEqual([])
    expect((await readiness(story)).degraded).toEqual(['nobodyWatches', 'conversationLost'])
  })
})

describe('what keeps the next alert from reaching anybody', () => {
  const usual = { enabled: true, notifies: true, recipients: ['TenantAdmins'] }

  test.each<[string, () => void, () => void, string[], string]>([
    [
      'audit logging is off',
      () => {
        story.exchange.auditing = false
      },
      () => {
        story.exchange.auditing = true
      },
      ['Set-AdminAuditLogConfig'],
      'auditOff',
    ],
    [
      'the alert policy is off',
      () => {
        story.exchange.alertPolicy = { ...usual, enabled: false }
      },
      () => {
        story.exchange.alertPolicy = usual
      },
      ['Suspicious connector activity'],
      'alertPolicyOff',
    ],
    [
      'the alert policy mails nobody',
      () => {
        story.exchange.alertPolicy = { ...usual, recipients: [] }
      },
      () => {
        story.exchange.alertPolicy = usual
      },
      ['Suspicious connector activity'],
      'alertPolicySilent',
    ],
    [
      'a daily limit hides alerts',
      () => {
        story.exchange.alertPolicy = { ...usual, dailyLimit: 3 }
      },
      () => {
        story.exchange.alertPolicy = usual
      },
      ['3'],
      'alertPolicyLimited',
    ],
    [
      'there is no such policy',
      () => {
        story.exchange.alertPolicy = undefined
      },
      () => {
        story.exchange.alertPolicy = usual
      },
      ['Suspicious connector activity'],
      'alertPolicyMissing',
    ],
  ])(
    '%s: said once with what to do, and once when it is put right',
    async (_what, spoil, mend, words, code) => {
      story = await Story.watching()
      spoil()
      await story.restart()
      await story.pass(minuteMs)
      expect(cardsWith(...words)).toHaveLength(1)
      expect(healthCards()).toHaveLength(1)
      expect((await readiness(story)).degraded).toEqual([code])
      mend()
      await story.pass(62 * minuteMs)
      expect(repliesIn(healthCards()[0])).toHaveLength(1)
      expect(await recorded()).toEqual([`healthRaised ${code}`, `healthCleared ${code}`])
    },
  )

  test('that nobody may look is not said to be amiss, nor to be good: checks says where to look', async () => {
    story = await Story.watching()
    for (const cmdlet of ['Get-AdminAuditLogConfig', 'Get-ProtectionAlert', 'EXOBanner'])
      story.exchange.faults.always(cmdlet, faults.blankForbidden)
    await story.restart()
    await story.pass(minuteMs)
    expect(healthCards()).toEqual([])
    const words = await story.type(cast.vic, 'checks')
    expect(words).toContain('unknown, look for “Suspicious connector activity” under Alert policies')
  })

  test('that it cannot be looked at any more does not end what was amiss', async () => {
    story = await Story.watching()
    story.exchange.auditing = false
    await story.restart()
    await story.pass(minuteMs)
    story.exchange.faults.always('Get-AdminAuditLogConfig', faults.blankForbidden)
    await story.pass(2 * hourMs)
    expect(await recorded()).toEqual(['healthRaised auditOff'])
  })
})

test('the app for the removal that cannot sign in is said long before a removal needs it', async () => {
  const unblockAppId = '55555555-5555-4555-8555-555555555555'
  story = await Story.watching()
  const settings = story.settings()
  const { exchange } = settings
  if (exchange.kind !== 'admin-api') throw new Error('this story has a tenant')
  const tenants = exchange.tenants.map((tenant) => ({
    ...tenant,
    unblockCredential: { tenantId: tenant.tenantId, clientId: unblockAppId, secret: 'expired' },
  }))
  story.settings = () => ({ ...settings, exchange: { ...exchange, tenants } })
  story.entra.apps.set(unblockAppId, { secret: 'another one' })
  await story.restart()
  await story.pass(minuteMs)
  expect(healthCards()).toHaveLength(1)
  expect((await readiness(story)).degraded).toEqual(['unblockCredentials'])
})

test('a role map that an edit broke is said in the channel, until it is put right', async () => {
  await begin()
  const good = await readFile(join(story.folder, 'roles.json'), 'utf8')
  await writeFile(join(story.folder, 'roles.json'), '{"roles":')
  await story.pass(minuteMs)
  const [card] = cardsWith('The role map is broken', 'ROLE_MAP_FILE')
  expect(card).toBeDefined()
  await writeFile(join(story.folder, 'roles.json'), good)
  await story.pass(2 * minuteMs)
  expect(wordsOf(card?.activity)).toContain('The role map is good again')
})

describe('checks', () => {
  test('tells a viewer how everything stands, and what nobody could find out', async () => {
    await begin()
    story.exchange.faults.always('Get-AdminAuditLogConfig', faults.blankForbidden)
    await story.restart()
    await story.pass(minuteMs)
    const words = await story.type(cast.vic, 'checks')
    expect(words).toContain('contoso.onmicrosoft.com')
    expect(words).toContain('Blocked connectors: read')
    expect(words).toMatch(/\? ?\*?\*? Audit logging: unknown, look/)
    expect(words).toMatch(/4 people and 0 groups and roles named as approvers/)
    expect(words).toContain(channel)
    expect(words).toContain('22222222-2222-4222-8222-222222222222')
  })

  test('puts first what is amiss', async () => {
    await begin()
    story.exchange.faults.always(read, faults.blankForbidden)
    await story.pass(2 * minuteMs)
    const words = await story.type(cast.vic, 'checks')
    expect(words).toContain('**!** Sign-in and role for reading: refused.')
    expect(words).toContain('2 amiss')
  })

  test('names no conversation that was lost with tenants that are not shown here', async () => {
    await begin({
      tenants: [
        { name: 'Contoso', conversations: [channel] },
        { name: 'Fabrikam', conversations: [other] },
      ],
    })
    await watchElsewhere()
    await story.send(
      story.activity(cast.rae, {
        type: 'installationUpdate',
        action: 'remove',
        conversation: story.conversation(other),
      }),
    )
    await story.pass(minuteMs)
    expect((await readiness(story)).degraded).toContain('conversationLost')
    expect(await story.type(cast.vic, 'checks')).not.toContain('has removed me')
  })

  test('tells of each tenant how many are named as approvers', async () => {
    const roleMap = {
      ...usualRoleMap,
      tenants: { fabrikam: roleMapOf({ viewer: [cast.vic], responder: [cast.rae] }) },
    }
    await begin({ tenants: [{ name: 'Contoso' }, { name: 'Fabrikam' }], roleMap })
    expect(cardsWith('Nobody may approve', 'Fabrikam')).toHaveLength(1)
    expect(cardsWith('Nobody may approve', 'Contoso')).toEqual([])
    const words = await story.type(cast.vic, 'checks')
    expect(words).toContain('Nobody is named as approver')
    expect(words).toContain('4 people and 0 groups and roles named as approvers')
  })

  test('is not for people without a role, nor where nobody watches', async () => {
    await begin()
    expect(await story.type(cast.nora, 'checks')).toContain('You have no role')
    await story.type(cast.rae, 'unwatch')
    expect(await story.type(cast.vic, 'checks')).toContain('does not watch')
  })
})

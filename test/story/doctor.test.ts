import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { hourMs, later, minuteMs, secondMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import type { Settings } from '../../src/settings.js'
import {
  amiss,
  beginHealthy,
  freePort,
  linesOf,
  settingsOf,
  settingsWith,
  type Visit,
  visit,
} from '../support/doctor.js'
import { wordsOf } from '../support/fake-teams.js'
import {
  cast,
  channel,
  exchangeAppId,
  type Story,
  type StoryOptions,
  usualRoleMap,
} from '../support/story.js'
import { TestClock } from '../support/test-clock.js'

const group = '66666666-6666-4666-8666-666666666666'

let story: Story
const begin = async (options: StoryOptions = {}): Promise<void> => {
  story = await beginHealthy(options)
}
afterEach(() => story.end())

const clockOff = (ms: number): TestClock => new TestClock(later(new Date().toISOString(), ms))

describe('where nothing is amiss', () => {
  test('every line is ok, and scripts are told so', async () => {
    await begin()
    const seen = await visit(story)
    expect(amiss(seen)).toEqual([])
    expect(seen.exitCode).toBe(0)
    expect(seen.text).toMatch(/ ok, 0 to look at, 0 failed\.\n$/)
    const { ok, checks } = JSON.parse(seen.json)
    expect(ok).toBe(true)
    expect(checks).toHaveLength(seen.checks.length)
    expect(checks[0]).toEqual({
      id: 'files.roleMap',
      area: 'files',
      result: 'ok',
      found: expect.stringContaining('roles.json can be read'),
    })
  })

  test('nothing is changed: no removal, no post, and the same files in the data folder', async () => {
    await begin()
    story.exchange.restrict()
    await story.pass(minuteMs)
    // Whatever the bot itself still writes is written before the doctor comes.
    await story.cardShows('CR-1', '(Get-MessageTraceV2, ')
    await story.pass(minuteMs)
    const data = join(story.folder, 'data')
    const files = async () =>
      Promise.all(
        (await readdir(data))
          .sort()
          .map(async (name) => [name, String(await readFile(join(data, name)).catch(() => 'folder'))]),
      )
    const before = await files()
    const posts = story.teams.messages.length
    await visit(story)
    expect(await files()).toEqual(before)
    expect(story.teams.messages).toHaveLength(posts)
    expect(story.removals()).toBe(0)
  })

  test('it tells what Get-BlockedConnector returns, and whose id that is', async () => {
    await begin()
    story.exchange.restrict()
    const seen = await visit(story)
    expect(amiss(seen)).toEqual([])
    expect(linesOf(seen, 'exchange.rows')[0]?.found).toBe(
      'Properties that came: ConnectorId, ConnectorName, Reason, CreatedDatetime, ChangedDatetime; understood: ConnectorId, ConnectorName, Reason, CreatedDatetime.',
    )
    expect(linesOf(seen, 'exchange.connectorId')[0]?.found).toContain('is the Guid of an inbound connector')
  })

  test('before the first start it says what cannot be told yet', async () => {
    await begin()
    const dataDir = join(story.folder, 'nothing-here-yet')
    const seen = await visit(story, { settings: { ...settingsOf(story), dataDir, port: await freePort() } })
    expect(amiss(seen)).toEqual(['teams.watching warn'])
    expect(linesOf(seen, 'machine.bot')[0]?.found).toContain('never started')
    expect(linesOf(seen, 'machine.lastRead')[0]?.found).toBe('Never.')
    expect(await readdir(story.folder)).not.toContain('nothing-here-yet')
  })

  test('a simulated Exchange is called one: nothing real was checked', async () => {
    await begin()
    const seen = await visit(story, { settings: { ...settingsOf(story), exchange: { kind: 'simulated' } } })
    expect(amiss(seen)).toEqual(['exchange.simulated warn'])
    expect(seen.text).toContain('nothing real was checked')
  })

  test('with a last line that the running bot has not finished, conversations are read all the same', async () => {
    await begin()
    await writeFile(join(story.folder, 'data/deliveries.jsonl'), '{"v":1,"conv', { flag: 'a' })
    expect(amiss(await visit(story))).toEqual([])
  })
})

describe('what is not needed is not asked for', () => {
  test('approvers who come from groups are not counted, and that is no fault', async () => {
    await begin({ roleMap: { roles: { ...usualRoleMap.roles, approver: { groups: [group] } } } })
    const seen = await visit(story)
    expect(amiss(seen)).toEqual([])
    expect(linesOf(seen, 'files.approvers')[0]?.found).toContain('comes on top')
  })

  test('a bot without permissions for Graph is well, where the role map names only people', async () => {
    await begin()
    story.graph.fail({ kind: 'status', status: 403 })
    expect(amiss(await visit(story))).toEqual([])
  })

  test('an app in a role group of Exchange has no directory role, and that is no fault', async () => {
    await begin()
    story.entra.claims.set(exchangeAppId, { roles: ['Exchange.ManageAsApp'], wids: [] })
    const seen = await visit(story)
    expect(amiss(seen)).toEqual([])
    expect(linesOf(seen, 'tokens.unblockRoles')[0]?.found).toContain('cannot be told here')
  })

  test('a channel from which the person who said watch has gone can still be reached', async () => {
    await begin()
    story.teams.rosters.set(channel, [cast.ann])
    expect(amiss(await visit(story))).toEqual([])
  })
})

describe('certificates', () => {
  const signsInUntil = async (days: number): Promise<Settings> => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'app' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: new Date('2020-01-01T00:00:00Z'),
      notAfterDate: new Date(Date.now() + days * 24 * hourMs),
    })
    const certificatePath = join(story.folder, 'app.pem')
    await writeFile(certificatePath, cert + key, { mode: 0o600 })
    const { homeTenantId: tenantId } = settingsOf(story)
    return settingsWith(story, { credential: { tenantId, clientId: exchangeAppId, certificatePath } })
  }

  test.each([
    [400, 'ok', 'for 399 days more'],
    [20, 'warn', 'in 19 days'],
    [-2, 'fail', 'expired on'],
  ])('that end in %i days are %s', async (days, result, words) => {
    await begin()
    const seen = await visit(story, { settings: await signsInUntil(days) })
    const [line] = linesOf(seen, 'certificates.exchange')
    expect(line).toMatchObject({ result, found: expect.stringContaining(words) })
    if (result !== 'ok') expect(line?.fix).toContain(join(story.folder, 'app.pem'))
  })

  test('whose key everybody may read are not kept well', async () => {
    await begin()
    const settings = await signsInUntil(400)
    await chmod(join(story.folder, 'app.pem'), 0o644)
    const [line] = linesOf(await visit(story, { settings }), 'certificates.exchange')
    expect(line).toMatchObject({ result: 'fail', fix: `chmod 600 ${join(story.folder, 'app.pem')}` })
  })

  test('a managed identity that does not answer reminds of a forgotten secret', async () => {
    await begin()
    process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = `http://127.0.0.1:${await freePort()}`
    try {
      const { homeTenantId: tenantId } = settingsOf(story)
      const seen = await visit(story, {
        settings: settingsWith(story, { credential: { tenantId, managedIdentity: true } }),
      })
      expect(linesOf(seen, 'tokens.exchange')[0]).toMatchObject({
        result: 'fail',
        found: expect.stringContaining('No managed identity answers'),
        fix: expect.stringContaining('If EXCHANGE_CLIENT_SECRET or the path of a certificate was forgotten'),
      })
    } finally {
      delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST
    }
  })
})

describe('time', () => {
  test.each([
    [2 * minuteMs, 'warn', 'ahead of'],
    [-10 * minuteMs, 'fail', 'behind'],
  ])('a clock that is off by %i ms is a %s', async (ms, result, words) => {
    await begin()
    const seen = await visit(story, { clock: clockOff(ms) })
    expect(linesOf(seen, 'machine.clock')[0]).toMatchObject({ result, found: expect.stringContaining(words) })
  })

  test('an Exchange that never answers is told after twenty seconds, and holds nothing else up', async () => {
    await begin()
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'hang' })
    const clock = new TestClock(story.clock.now())
    const seen = await visitWhile(clock, () => visit(story, { clock }))
    expect(amiss(seen)).toEqual(['exchange.blocked fail'])
    expect(linesOf(seen, 'exchange.blocked')[0]?.found).toContain('no answer within 20 seconds')
    expect(linesOf(seen, 'exchange.auditing')).toEqual([])
  })

  /** Time passes for the doctor while it waits. */
  async function visitWhile(clock: TestClock, look: () => Promise<Visit>): Promise<Visit> {
    let done = false
    const seen = look().finally(() => {
      done = true
    })
    await story.until('the question to Exchange', () =>
      story.exchange.log.some(({ answer }) => answer === 'hang'),
    )
    await story.quiet()
    clock.advance(20 * secondMs)
    await seen
    expect(done).toBe(true)
    return seen
  }

  test('the last good read is what the listener for operators says', async () => {
    await begin()
    const lastGoodReadAt = later(story.clock.now(), -hourMs)
    const server = createServer((_request, response) => {
      const tenants = [{ name: 'contoso.onmicrosoft.com', list: { lastGoodReadAt } }]
      response.writeHead(200)
      response.end(JSON.stringify({ tenants }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const settings = { ...settingsOf(story), ops: { host: '127.0.0.1', port } }
    const [line] = linesOf(await visit(story, { settings }), 'machine.lastRead')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(line).toMatchObject({ result: 'fail', found: expect.stringContaining('60 minutes ago') })
  })

  test('without it, the last hourly reading of the connectors', async () => {
    await begin()
    const [line] = linesOf(await visit(story), 'machine.lastRead')
    expect(line).toMatchObject({ result: 'ok', found: expect.stringContaining('Of its connectors') })
  })
})

describe('the test card', () => {
  test('is posted to every conversation that watches, and says what it is', async () => {
    await begin()
    const seen = await visit(story, { testCard: true })
    expect(amiss(seen)).toEqual([])
    expect(linesOf(seen, 'teams.testCard')).toHaveLength(1)
    const posted = story.teams.messages.at(-1)
    expect(posted?.conversation).toBe(channel)
    expect(wordsOf(posted?.activity)).toContain('This is a test from doctor: nothing is blocked')
  })

  test('that Teams does not take is a line with a fix', async () => {
    await begin()
    story.teams.failNext('post', { status: 403, body: { error: { code: 'MessageWritesBlocked' } } })
    const [line] = linesOf(await visit(story, { testCard: true }), 'teams.testCard')
    expect(line).toMatchObject({ result: 'fail', found: expect.stringContaining('MessageWritesBlocked') })
  })
})

describe('many tenants', () => {
  test('are counted, and only what is not ok has a line of its own', async () => {
    const tenants = Array.from({ length: 7 }, (_, index) => ({ name: `Tenant ${index + 1}` }))
    await begin({ tenants })
    story.exchanges[2]?.faults.always('Get-BlockedConnector', faults.blankForbidden)
    const seen = await visit(story)
    expect(
      linesOf(seen, 'exchange.blocked').map(({ subject, result, found }) => [subject, result, found]),
    ).toEqual([
      [undefined, 'ok', '6 of 7 tenants ok.'],
      ['Tenant 3', 'fail', expect.stringContaining('refuses')],
    ])
    expect(linesOf(seen, 'tokens.exchange').map(({ found }) => found)).toEqual(['7 of 7 tenants ok.'])
  })
})

test('a check that fails in a way nobody foresaw is a line, and the others go on', async () => {
  await begin()
  const seen = await visit(story, { settings: { ...settingsOf(story), host: 'no host' } })
  expect(amiss(seen)).toEqual(['machine.bot fail'])
  expect(linesOf(seen, 'machine.bot')[0]?.found).toContain('This check itself failed')
})

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endBotProcesses } from '../support/bot-process.js'
import { alertToken, freePort, runDoctor } from '../support/doctor.js'
import { FakeGraph } from '../support/fake-graph.js'
import { LiveStory } from '../support/live-story.js'
import { cast } from '../support/story.js'

let story: LiveStory
let graph: FakeGraph

/** What stands in `.env`, and what in the environment: the certificate authority of the fakes has to. */
const settings = (): Record<string, string> => ({
  ...story.settings(),
  GRAPH_URL: graph.url,
  COMPLIANCE_URL: story.exchange.url,
  ALERT_TOKEN: alertToken,
})

async function runWithEnv(args: string[], changes: Record<string, string> = {}) {
  const { NODE_EXTRA_CA_CERTS = '', ...own } = { ...settings(), ...changes }
  const lines = Object.entries(own).map(([name, value]) => `${name}="${value}"`)
  await writeFile(join(story.folder, '.env'), lines.join('\n'), { mode: 0o600 })
  return runDoctor(story.folder, args, { NODE_EXTRA_CA_CERTS })
}

describe('npm run doctor', () => {
  beforeEach(async () => {
    story = await LiveStory.begin()
    graph = await FakeGraph.start(...Object.values(cast))
  })
  afterEach(async () => {
    await graph.stop()
    await story.end()
    await endBotProcesses()
  })

  test('before the first start: it says what is missing, ends with 0, and leaves nothing behind', async () => {
    const { code, out, err } = await runWithEnv([], { PORT: String(await freePort()) })
    await story.start()
    expect(err).toBe('')
    expect(out).toContain('✓ ok   Settings: Valid; watching 1 tenant.')
    expect(out).toContain('✓ ok   Who may read .env: Only its owner')
    expect(out).toContain('✓ ok   The running bot: It was never started')
    expect(out).toContain('! warn Somebody watches (contoso.onmicrosoft.com): No conversation watches')
    expect(out).not.toContain('\u001b')
    expect(out).toContain(' ok, 1 to look at, 0 failed.')
    expect(code).toBe(0)
  })

  test('beside the running bot: it asks the bot, and takes nothing from it', async () => {
    await story.start()
    await story.send(cast.rae, { type: 'message', text: 'watch' })
    await story.until('two reads', () => story.reads() >= 2)
    const journal = await story.record()
    const lock = await readFile(join(story.folder, 'data/lock.json'), 'utf8')
    const { code, out } = await runWithEnv(['--json', '--test-card'], { PORT: String(story.port) })
    const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: { id: string; result: string }[] }
    expect(checks.filter(({ result }) => result !== 'ok')).toEqual([])
    expect({ ok, code }).toEqual({ ok: true, code: 0 })
    expect(checks.map(({ id }) => id)).toEqual(expect.arrayContaining(['settings.valid', 'teams.testCard']))
    expect(await story.record()).toBe(journal)
    expect(await readFile(join(story.folder, 'data/lock.json'), 'utf8')).toBe(lock)
    const cards = story.teams.messages.filter(({ activity }) =>
      JSON.stringify(activity).includes('a test from doctor'),
    )
    expect(cards).toHaveLength(1)
  })

  test('with what fails: it ends with 1', async () => {
    await story.start()
    const { code, out } = await runWithEnv([], { EXCHANGE_CLIENT_SECRET: 'not the right one' })
    expect(out).toContain('✗ fail Token for Exchange (contoso.onmicrosoft.com)')
    expect(out).not.toContain('not the right one')
    expect(code).toBe(1)
  })
})

describe('without settings that can be used', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warden-doctor-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('it lists all that is wrong, says that the rest was not looked at, and names no secret', async () => {
    const misplaced = {
      MicrosoftAppId: 'the bot password',
      EXCHANGE: 'the exchange secret',
      EXCHANGE_URL: alertToken,
    }
    const { code, out } = await runDoctor(folder, [], misplaced)
    expect(out).toContain('MicrosoftAppId: must be a GUID')
    expect(out).toContain('EXCHANGE_URL: must be an https URL')
    expect(out).toContain('Everything else needs the settings and was not looked at.')
    expect(code).toBe(1)
    const { ok, checks } = JSON.parse((await runDoctor(folder, ['--json'], misplaced)).out)
    expect(ok).toBe(false)
    expect(checks[0]).toMatchObject({
      id: 'settings.valid',
      area: 'settings',
      result: 'fail',
      fix: expect.stringContaining('.env'),
    })
  })

  test('it still looks at what surrounds them', async () => {
    await writeFile(join(folder, '.env'), 'EXCHANGE=')
    await chmod(join(folder, '.env'), 0o644)
    const { out } = await runDoctor(folder, [], {
      HTTPS_PROXY: 'http://user:secret@proxy.contoso.com',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    })
    expect(out).toContain('✗ fail Who may read .env: Everybody')
    expect(out).toContain('What to do: chmod 600 .env')
    expect(out).toContain('! warn Proxy: HTTPS_PROXY is set')
    expect(out).not.toContain('user:secret')
    expect(out).toContain('✗ fail Checking of certificates: Switched off')
  })

  test('--help says how it is called, and looks at nothing', async () => {
    const { code, out } = await runDoctor(folder, ['--help'])
    expect(out).toMatch(/^npm run doctor \[-- --json\] \[--test-card\]\n/)
    expect(code).toBe(0)
  })

  test.each(['--jsn', 'now'])(
    'what it does not know, like %s, is said with how it is called',
    async (arg) => {
      const { code, out, err } = await runDoctor(folder, [arg])
      expect(err).toContain(arg)
      expect(err).toContain('npm run doctor [-- --json]')
      expect(out).toBe('')
      expect(code).toBe(2)
    },
  )
})

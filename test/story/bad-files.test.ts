import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { minuteMs } from '../../src/clock.js'
import { readSettings } from '../../src/settings.js'
import { decide, endLawfully, readiness, readyToDecide, restricted, settled } from '../support/moves.js'
import { cast, roleMapOf, Story, usualRoleMap } from '../support/story.js'

let story: Story
const file = (name: string) => join(story.folder, name)

/** The bot is stopped, the file is put into this state, and the bot is started again. */
async function startWith(name: string, content: string | Buffer): Promise<unknown> {
  const stopped = story.bot.stop()
  story.clock.advance(8_000)
  await stopped
  await writeFile(file(name), content, { mode: 0o600 })
  return story.startBot().then(
    () => undefined,
    (fault: unknown) => fault,
  )
}

describe('a file that cannot be used at a start', () => {
  beforeEach(async () => {
    story = await Story.watching()
    await restricted(story)
    await story.quiet()
  })

  afterEach(async () => {
    await story.writeRoleMap(usualRoleMap)
    await writeFile(file('rules.json'), '{}')
    await endLawfully(story)
  })

  const journalWith = async (change: (lines: string[]) => string[]): Promise<string> =>
    change((await readFile(file('data/journal.jsonl'), 'utf8')).split('\n')).join('\n')

  const broken: [string, string, () => string | Promise<string>, string, string[]][] = [
    [
      'a role map that is not JSON',
      'roles.json',
      () => '{"roles": ',
      'fileUnusable',
      ['role map', 'not JSON', 'ROLE_MAP_FILE'],
    ],
    [
      'a role map with an unknown role',
      'roles.json',
      () => '{"roles":{"aprover":{"users":[]}}}',
      'fileUnusable',
      ['role map', 'aprover'],
    ],
    [
      'a role map with an entry that is nobody',
      'roles.json',
      () => '{"roles":{"approver":{"users":["Ann"]}}}',
      'fileUnusable',
      ['object id'],
    ],
    [
      'rules that are not JSON',
      'rules.json',
      () => 'approvals: 2',
      'fileUnusable',
      ['rules file', 'not JSON', 'RULES_FILE'],
    ],
    [
      'rules with a misspelt key',
      'rules.json',
      () => '{"approvals":{"require":2}}',
      'fileUnusable',
      ['rules file', 'require'],
    ],
    [
      'rules with a value out of range',
      'rules.json',
      () => '{"approvals":{"required":0}}',
      'fileUnusable',
      ['required'],
    ],
    [
      'a journal with a damaged line',
      'data/journal.jsonl',
      () => journalWith(([first, ...rest]) => [String(first).replace('{', '<'), ...rest]),
      'journalDamaged',
      ['journal.jsonl', 'line 1', 'byte 0'],
    ],
    [
      'a journal with a line that somebody edited',
      'data/journal.jsonl',
      () => journalWith(([first, ...rest]) => [String(first).replace('Rae', 'Ann'), ...rest]),
      'journalDamaged',
      ['line 2'],
    ],
    [
      'a journal with a line left out',
      'data/journal.jsonl',
      () => journalWith(([_left, ...rest]) => rest),
      'journalDamaged',
      ['line 1'],
    ],
    [
      'a journal that was emptied',
      'data/journal.jsonl',
      () => '',
      'recordMissing',
      ['the end of the record is missing'],
    ],
    [
      'deliveries with a damaged line',
      'data/deliveries.jsonl',
      () => '{"v":1}\n',
      'deliveriesDamaged',
      ['deliveries.jsonl', 'line 1'],
    ],
  ]

  test.each(broken)(
    '%s keeps the bot from starting, and is named and left as it is',
    async (_title, name, content, code, says) => {
      const stopped = story.bot.stop()
      story.clock.advance(8_000)
      await stopped
      const good = await readFile(file(name))
      const bad = await content()
      const fault = await startWith(name, bad)
      expect(fault).toMatchObject({ name: 'Fault', code, remedy: expect.stringMatching(/\w{3}/) })
      for (const words of says)
        expect(`${(fault as Error).message} ${(fault as { remedy: string }).remedy}`).toContain(words)
      expect(await readFile(file(name), 'utf8')).toBe(bad)

      // Put right, the bot goes on where it was.
      await writeFile(file(name), good, { mode: 0o600 })
      await story.startBot()
      await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
      await story.cardShows('CR-1', 'On it')
    },
  )

  test('a journal whose last line was torn loses that line only', async () => {
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.cardShows('CR-1', 'On it')
    const whole = await readFile(file('data/journal.jsonl'), 'utf8')
    expect(await startWith('data/journal.jsonl', `${whole}{"v":1,"prev":"00`)).toBeUndefined()
    await story.cardShows('CR-1', 'On it')
    expect(await readFile(file('data/journal.jsonl'), 'utf8')).toBe(whole)
  })

  test.each([
    ['is not JSON', 'nothing like it'],
    ['is empty', ''],
    ['says something else than the journal', '{"form":1,"incidents":[]}'],
  ])('a snapshot that %s is written anew from the journal', async (_title, content) => {
    expect(await startWith('data/state.json', content)).toBeUndefined()
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.cardShows('CR-1', 'On it')
  })

  test('a role map that others may write to keeps the bot from starting, with the command that helps', async () => {
    const stopped = story.bot.stop()
    story.clock.advance(8_000)
    await stopped
    await chmod(file('roles.json'), 0o666)
    await expect(story.startBot()).rejects.toMatchObject({
      code: 'fileUnusable',
      message: expect.stringContaining('chmod go-w'),
    })
    await chmod(file('roles.json'), 0o600)
    await story.startBot()
  })
})

describe('a role map', () => {
  afterEach(() => endLawfully(story))

  test('that is missing lets nobody do anything, and the bot runs', async () => {
    story = await Story.begin()
    await rm(file('roles.json'))
    expect(await story.type(cast.ann, 'watch')).toContain('responder')
    expect(await story.type(cast.ann, 'help')).toContain('whoami')
    await story.writeRoleMap(usualRoleMap)
    expect(await story.type(cast.rae, 'watch')).toContain('watches')
  })

  test('that an edit breaks stays in force for 15 minutes, is said at /readyz, and then nobody may approve', async () => {
    story = await Story.watching()
    await readyToDecide(story)
    await writeFile(file('roles.json'), '{"roles":')
    await story.type(cast.rae, 'list')
    await story.pass(14 * minuteMs)
    expect((await readiness(story)).degraded).toEqual(['roleMapBroken'])
    await story.type(cast.rae, 'note CR-1 still allowed')
    await story.pass(2 * minuteMs)
    await decide(story, 'Approve unblock')
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.writeRoleMap(usualRoleMap)
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
  })

  test('broken between vote and removal for too long voids the approval', async () => {
    story = await Story.watching()
    await readyToDecide(story)
    await writeFile(file('roles.json'), 'broken')
    await story.type(cast.rae, 'list')
    await story.pass(10 * minuteMs)
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'reset' })
    await decide(story, 'Approve unblock')
    await story.pass(6 * minuteMs)
    story.exchange.faults.clear()
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
    await story.cardShows('CR-1', 'counts no more')
  })

  test('that takes somebody in works at once', async () => {
    story = await Story.watching()
    await readyToDecide(story)
    expect((await decide(story, 'Approve unblock', cast.vic)).words).toContain('approver')
    await story.writeRoleMap(roleMapOf({ approver: [cast.vic], responder: [cast.rae] }))
    await decide(story, 'Approve unblock', cast.vic)
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('rules', () => {
  afterEach(() => endLawfully(story))

  test('that an edit breaks stay as they were, and are said to be broken at /readyz', async () => {
    story = await Story.watching({ rules: { approvals: { required: 2 } } })
    await readyToDecide(story)
    await writeFile(file('rules.json'), '{"approvals":{"required":"one"}}')
    await decide(story, 'Approve unblock')
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
    expect((await readiness(story)).degraded).toContain('rulesBroken')
  })

  test('that are relaxed later do not change what was decided under the stricter ones', async () => {
    story = await Story.watching({ rules: { approvals: { required: 2 } } })
    await restricted(story)
    await settled(story)
    await decide(story, 'Approve unblock')
    await writeFile(file('rules.json'), '{}')
    await story.pass(5 * minuteMs)
    expect(story.removals()).toBe(0)
  })
})

describe('a data folder', () => {
  test('that cannot be one is a fault that names it', async () => {
    story = await Story.begin()
    await writeFile(file('taken'), '')
    const settings = { ...story.settings(), dataDir: file('taken') }
    story.settings = () => settings
    const stopped = story.bot.stop()
    await stopped
    await expect(story.startBot()).rejects.toMatchObject({
      code: 'folderUnusable',
      message: expect.stringContaining(file('taken')),
    })
    expect((await stat(file('taken'))).isFile()).toBe(true)
    await story.end()
  })
})

describe('settings', () => {
  test('from an .env file that cannot be read name the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warden-env-'))
    expect(() => readSettings({}, folder)).toThrow(expect.objectContaining({ code: 'settingsInvalid' }))
    await rm(folder, { recursive: true })
  })
})

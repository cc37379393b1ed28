import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realPause } from 'node:timers/promises'
import { BotProcess, endBotProcesses } from '../support/bot-process.js'
import { LiveStory } from '../support/live-story.js'
import { reason } from '../support/moves.js'
import { cast } from '../support/story.js'

const read = 'Get-BlockedConnector'
const removal = 'Remove-BlockedConnector'

let story: LiveStory

/** Three more reads: whatever the bot would do by itself, it has had the occasion to. */
async function threeReads(): Promise<void> {
  const before = story.reads()
  await story.until('three more reads', () => story.reads() >= before + 3)
}

describe('kill -9', () => {
  beforeEach(async () => {
    story = await LiveStory.readyToDecide()
  })
  afterEach(async () => {
    await story.end()
    await endBotProcesses()
  })

  test('between the approval and the removal: the restarted bot removes the block, once', async () => {
    story.exchange.faults.always(read, { kind: 'hang' })
    const { words } = await story.press(cast.ann, 'Approve unblock', { reason })
    expect(words).toContain('Unblock approved')
    await story.kill()
    expect(story.removals()).toBe(0)
    story.exchange.faults.clear()
    await story.start()
    await story.shows('Removed from Restricted entities')
    expect(story.removals()).toBe(1)
  })

  test('as the removal reaches Exchange, which does nothing: it is never sent again, and said to be unknown', async () => {
    let killed: Promise<unknown> | undefined
    story.onCmdlet = (cmdlet) => {
      if (cmdlet !== removal) return true
      killed = story.kill()
      return false
    }
    await story.press(cast.ann, 'Approve unblock', { reason })
    await story.until('the kill', () => killed !== undefined)
    await killed
    story.onCmdlet = () => true
    await story.start()
    await story.shows('whether Exchange did it is not known')
    await threeReads()
    expect(story.removals()).toBe(1)
    expect((await story.press(cast.ben, 'Refresh')).words).toContain('Unblocking')
  })

  test('after Exchange has removed the block, before it answered: seen by reading, and never sent again', async () => {
    story.exchange.faults.next(removal, { kind: 'hang', executes: true })
    await story.press(cast.ann, 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
    await story.kill()
    await story.start()
    await story.shows('Removed from Restricted entities')
    expect(story.removals()).toBe(1)
  })

  test('at whatever moment around the removal: at most one, and the card is right', async () => {
    for (const afterMs of [4, 12, 40]) {
      await story.hasLookedIntoIt()
      const answered = story.press(cast.ann, 'Approve unblock', { reason }).catch(() => undefined)
      await realPause(afterMs)
      await story.kill()
      await answered
      await story.start()
      if ((await story.record()).includes('removalStarted')) break
    }
    // Right after a start it may be refused: what an approval has to rest on is still being found out.
    for (; !(await story.record()).includes('"voted"'); await realPause(100))
      await story.press(cast.ann, 'Approve unblock', { reason })
    await story.until(
      'the removal or its loss',
      () => story.removals() === 1 || story.bot.said.includes('unknown'),
    )
    await threeReads()
    expect(story.removals()).toBeLessThanOrEqual(1)
    await story.shows(story.removals() === 1 ? 'Removed from Restricted entities' : 'is not known')
  })

  test('while many write notes: each that was answered with the card is in the record', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `note number ${index} of twenty`)
    const accepted: string[] = []
    const clicks = texts.map(async (note) => {
      const answer = await story.press(cast.rae, 'Add note', { note }).catch(() => undefined)
      if (answer?.type === 'application/vnd.microsoft.card.adaptive') accepted.push(note)
    })
    await story.until('some answers', () => accepted.length >= 3)
    await story.kill()
    await Promise.all(clicks)
    await story.start()
    const record = await story.record()
    for (const note of accepted) expect(record).toContain(note)
    expect((await story.press(cast.rae, 'Refresh')).words).toContain('4 of 4')
  })
})

describe('SIGTERM', () => {
  beforeEach(async () => {
    story = await LiveStory.readyToDecide()
  })
  afterEach(async () => {
    await story.end()
    await endBotProcesses()
  })

  test('answers the clicks that are being served, ends with 0 and leaves the folder free', async () => {
    const clicks = Array.from({ length: 10 }, (_, index) =>
      story.press(cast.rae, 'Add note', { note: `note number ${index}` }).catch(() => undefined),
    )
    const first = await Promise.race(clicks)
    const began = Date.now()
    const { code, signal } = await story.bot.kill('SIGTERM')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(Date.now() - began).toBeLessThan(10_000)
    const accepted = (await Promise.all(clicks)).filter(
      (answer) => answer?.type === 'application/vnd.microsoft.card.adaptive',
    )
    expect(accepted).toContain(first)
    expect((await story.record()).match(/"noted"/g)?.length).toBeGreaterThanOrEqual(accepted.length)
    await story.start()
    expect(story.bot.said).not.toContain('taken over')
  })

  test('does not wait for an Exchange that does not answer', async () => {
    story.exchange.faults.always(read, { kind: 'hang' })
    const before = story.reads()
    await story.until('a read that hangs', () => story.reads() > before)
    const began = Date.now()
    expect((await story.bot.kill('SIGTERM')).code).toBe(0)
    expect(Date.now() - began).toBeLessThan(5_000)
  })

  test('during a removal that hangs ends within ten seconds; nothing is sent again', async () => {
    story.exchange.faults.next(removal, { kind: 'hang' })
    await story.press(cast.ann, 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
    const began = Date.now()
    expect((await story.bot.kill('SIGTERM')).code).toBe(0)
    expect(Date.now() - began).toBeLessThan(10_000)
    await story.start()
    await story.shows('whether Exchange did it is not known')
    await threeReads()
    expect(story.removals()).toBe(1)
  })

  test('said twice ends at once', async () => {
    story.exchange.faults.next(removal, { kind: 'hang' })
    await story.press(cast.ann, 'Approve unblock', { reason })
    await story.until('the removal', () => story.removals() === 1)
    const began = Date.now()
    // Signals of one kind that arrive together are one.
    const again = setInterval(() => void story.bot.kill('SIGTERM'), 100)
    expect((await story.bot.kill('SIGTERM')).code).toBe(1)
    clearInterval(again)
    expect(Date.now() - began).toBeLessThan(3_000)
  })

  test('a second process on the same folder ends at once, naming the one that has it', async () => {
    const second = await new BotProcess(story.settings()).ended
    expect(second.code).toBe(1)
    expect(second.said).toContain(`used by process ${story.bot.pid}`)
    expect((await story.press(cast.rae, 'Refresh')).words).toContain('4 of 4')
  })
})

describe('a start', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warden-start-'))
  })
  afterEach(async () => {
    await endBotProcesses()
    await rm(folder, { recursive: true })
  })

  const simulated = () => ({
    MicrosoftAppId: '22222222-2222-4222-8222-222222222222',
    MicrosoftAppPassword: 'the bot password',
    MicrosoftAppTenantId: '11111111-1111-4111-8111-111111111111',
    EXCHANGE: 'simulated',
    DATA_DIR: join(folder, 'data'),
    ROLE_MAP_FILE: join(folder, 'roles.json'),
    RULES_FILE: join(folder, 'rules.json'),
    PORT: '0',
  })

  test('without MicrosoftAppId does not happen, and nothing is written', async () => {
    const { MicrosoftAppId: _left, ...others } = simulated()
    const { code, said } = await new BotProcess(others).ended
    expect(code).toBe(1)
    expect(said).toContain('MicrosoftAppId: missing')
    expect(said).toContain('What to do')
  })

  test('with wrong settings prints every problem at once, and no value', async () => {
    const wrong = {
      ...simulated(),
      MicrosoftAppId: 'not-a-guid-but-secret',
      PORT: 'eighty-and-secret',
      POLL_SECONDS: '0',
      ENTRA_URL: 'http://secret.example.com',
      EXCHANGE: 'secret-kind',
      LOG_LEVEL: 'loud-secret',
    }
    const { code, said } = await new BotProcess(wrong).ended
    expect(code).toBe(1)
    for (const name of ['MicrosoftAppId', 'PORT', 'POLL_SECONDS', 'ENTRA_URL', 'EXCHANGE', 'LOG_LEVEL'])
      expect(said).toContain(`- ${name}: `)
    expect(said).not.toContain('secret-')
    expect(said).not.toContain('-secret')
    expect(said).not.toContain('secret.example')
  })

  test('on a port that is taken names the port and leaves the folder free', async () => {
    const { bot, port } = await BotProcess.listening(simulated())
    const elsewhere = { ...simulated(), DATA_DIR: join(folder, 'other'), PORT: String(port) }
    const { code, said } = await new BotProcess(elsewhere).ended
    expect(code).toBe(1)
    expect(said).toContain(`port ${port}`)
    await bot.kill('SIGTERM')
    await BotProcess.listening({ ...elsewhere, PORT: '0' })
  })
})

import { createServer } from 'node:net'
import { minuteMs } from '../../src/clock.js'
import { endLawfully, readiness } from '../support/moves.js'
import { speak } from '../support/raw-http.js'
import { keptLog } from '../support/store-fixtures.js'
import { botAppId, cast, Story } from '../support/story.js'

let story: Story

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${story.bot.opsPort}${path}`, init)

const metrics = async (): Promise<string> => (await ask('/metrics')).text()

describe('the operators’ listener', () => {
  beforeEach(async () => {
    story = await Story.watching({ settings: { ops: { host: '127.0.0.1', port: 0 } } })
    await story.pass(minuteMs)
  })
  afterEach(() => endLawfully(story))

  test('serves metrics as Prometheus reads them, without any name', async () => {
    const response = await ask('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    const text = await response.text()
    expect(text).toContain('# TYPE connector_warden_tenants gauge\nconnector_warden_tenants 1\n')
    expect(text).toMatch(/^connector_warden_last_good_read_age_seconds \d+(\.\d+)?$/m)
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'reset' })
    await story.pass(12 * minuteMs)
    const failing = await metrics()
    expect(failing).toContain('connector_warden_degraded{code="exchange-unreachable"} 1')
    expect(failing).toContain('connector_warden_health_problems{cause="blind"} 1')
    expect(Number(/age_seconds (\d+)/.exec(failing)?.[1])).toBeGreaterThanOrEqual(12 * 60)
    expect(`${text}${failing}`).not.toMatch(/contoso|thread|[0-9a-f]{8}-[0-9a-f]{4}/i)
    story.exchange.faults.clear()
    await story.pass(6 * minuteMs)
    expect(await metrics()).not.toMatch(/degraded\{|problems\{/)
  })

  test('says in detail how everything is, by name', async () => {
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'reset' })
    await story.pass(12 * minuteMs)
    const response = await ask('/readyz')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      status: 'ready',
      degraded: ['exchange-unreachable', 'blind'],
      tenants: [{ name: 'contoso.onmicrosoft.com', list: { failing: 'unreachable' } }],
      problems: [{ cause: 'blind', tenant: 'contoso.onmicrosoft.com' }],
      conversations: { known: 1, watching: 1, lost: 0 },
    })
  })

  test('says that the bot cannot sign in to Teams, which cannot be said there, until it can', async () => {
    story.entra.apps.set(botAppId, { secret: 'renewed elsewhere' })
    await story.restart()
    story.exchange.restrict()
    await story.pass(2 * minuteMs)
    expect((await readiness(story)).degraded).toEqual(['teamsCredentials'])
    expect(await metrics()).toContain('connector_warden_degraded{code="teamsCredentials"} 1')
    story.entra.apps.set(botAppId, { secret: 'the bot password' })
    await story.pass(2 * minuteMs)
    expect((await readiness(story)).degraded).toEqual([])
  })

  test('tells no secret, whatever fails', async () => {
    story.exchange.faults.always('Get-BlockedConnector', { kind: 'reset' })
    await story.pass(12 * minuteMs)
    const told = `${await metrics()}${await (await ask('/readyz')).text()}`
    for (const secret of ['the exchange secret', 'the bot password', 'token-'])
      expect(told).not.toContain(secret)
  })

  test('names the tenants that nobody is told of', async () => {
    await story.type(cast.rae, 'unwatch')
    expect(await (await ask('/readyz')).json()).toMatchObject({
      degraded: ['nobodyWatches'],
      servedNowhere: ['contoso.onmicrosoft.com'],
    })
  })

  test('keeps no connection: each is closed once it is answered, and those that say nothing after seconds', async () => {
    const port = story.bot.opsPort ?? 0
    const heard = await speak(port, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(heard).toMatch(/^connection: close\r$/im)
    expect(await speak(port, 'GET /metrics HTTP/1.1\r\nhost: ')).toMatch(/^HTTP\/1.1 408 |^$/)
  }, 15_000)

  test('serves nothing else', async () => {
    expect((await ask('/')).status).toBe(404)
    expect((await ask('/api/messages', { method: 'POST', body: '{}' })).status).toBe(404)
    expect((await ask('/metrics', { method: 'POST', body: '' })).status).toBe(404)
  })

  test('is not what the world reaches: there are no metrics beside the messages', async () => {
    const response = await fetch(`http://127.0.0.1:${story.bot.port}/metrics`)
    expect(response.status).toBe(404)
  })
})

test('is not there unless it is asked for', async () => {
  story = await Story.watching()
  expect(story.bot.opsPort).toBeUndefined()
  await endLawfully(story)
})

test('that the listener can be reached from elsewhere is the log’s to say', async () => {
  const { log, lines } = keptLog()
  story = await Story.watching({ settings: { ops: { host: '0.0.0.0', port: 0 } }, overrides: { log } })
  expect(lines.map(({ msg }) => msg)).toContain(
    'metrics and details are served beyond this machine (OPS_HOST)',
  )
  expect(lines).toContainEqual(expect.objectContaining({ servedNowhere: ['contoso.onmicrosoft.com'] }))
  await endLawfully(story)
})

test('a port that is taken keeps the bot from starting, and says which setting to change', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  story = await Story.watching()
  await story.bot.stop()
  const settings = story.settings()
  story.settings = () => ({ ...settings, ops: { host: '127.0.0.1', port } })
  await expect(story.startBot()).rejects.toMatchObject({
    code: 'opsPortNotFree',
    remedy: expect.stringContaining('OPS_PORT'),
  })
  story.settings = () => settings
  await story.startBot()
  await new Promise((resolve) => taken.close(resolve))
  await endLawfully(story)
})

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { faults } from '../../src/exchange/simulated-faults.js'
import { endBotProcesses } from '../support/bot-process.js'
import { LiveStory } from '../support/live-story.js'
import { reason, requiredSteps } from '../support/moves.js'
import { cast, roleMapOf } from '../support/story.js'

// Canaries: what must never be seen by anybody. The simulated tenant puts "canary" into every address and subject.
const alertToken = 'alert-token-that-nobody-may-ever-see-0123456789'
const unblockAppId = '55555555-5555-4555-8555-555555555555'
const canaries = [
  'the bot password',
  'the exchange secret',
  'the unblock secret',
  alertToken,
  // Every token that the fake Entra gives out begins like this; so does every one that Teams is shown.
  'token-',
  'eyJ',
  'canary',
]

let story: LiveStory
afterEach(async () => {
  await story.end()
  await endBotProcesses()
})

/** A port that nobody has just now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

/** Everything that the bot has written, said or served, by where. */
async function output(opsPort: number): Promise<Record<string, string>> {
  const folder = join(story.folder, 'data')
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = await Promise.all(
    names
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), 'utf8')] as const),
  )
  const served = await Promise.all(
    ['/healthz', '/readyz'].map((path) => fetch(`http://127.0.0.1:${story.port}${path}`)),
  )
  const ops = await Promise.all(
    ['/metrics', '/readyz'].map((path) => fetch(`http://127.0.0.1:${opsPort}${path}`)),
  )
  return {
    ...Object.fromEntries(files),
    log: story.bot.said,
    served: (await Promise.all([...served, ...ops].map((one) => one.text()))).join('\n'),
    teams: JSON.stringify(story.teams.requests.map(({ path, body }) => ({ path, body }))),
  }
}

/** Ann approves; what was never looked at since the start is no ground for it yet. */
async function approved(): Promise<void> {
  for (;;) {
    const { words } = await story.press(cast.ann, 'Approve unblock', { reason })
    if (!words.includes('in a moment')) return
  }
}

test('no secret, token, address or subject is in any log, card, answer, file or metric, whatever goes wrong', async () => {
  story = await LiveStory.begin()
  const opsPort = await freePort()
  story.entra.apps.set(unblockAppId, { secret: 'the unblock secret' })
  story.more = {
    LOG_LEVEL: 'trace',
    ALERT_TOKEN: alertToken,
    OPS_PORT: String(opsPort),
    EXCHANGE_UNBLOCK_CLIENT_ID: unblockAppId,
    EXCHANGE_UNBLOCK_CLIENT_SECRET: 'the unblock secret',
  }
  const byGroup = {
    approver: { groups: ['00000000-0000-4000-9000-000000000001'] },
    responder: roleMapOf({ responder: [cast.rae] }).roles.responder,
  }
  await writeFile(join(story.folder, 'roles.json'), JSON.stringify({ roles: byGroup }), { mode: 0o600 })
  story.graph.put(cast.ann, '00000000-0000-4000-9000-000000000001')
  await story.start()
  await story.send(cast.rae, { type: 'message', text: 'watch' })

  // Everything goes wrong once: replies of every kind, Entra with its own words, Graph, Teams, a forged request.
  for (const cmdlet of [
    'Get-BlockedConnector',
    'Get-InboundConnector',
    'Search-UnifiedAuditLog',
    'Get-MessageTraceV2',
  ])
    for (const fault of [
      faults.blankForbidden,
      faults.throttledInPlainText,
      faults.html,
      faults.refusal(401, 'Unauthorized', 'The token is not valid.'),
    ])
      story.exchange.faults.next(cmdlet, fault)
  story.entra.failNext({
    kind: 'refuse',
    aadsts: '7000215',
    text: 'Invalid client secret provided: the exchange secret.',
  })
  story.graph.failNext({
    kind: 'status',
    status: 500,
    body: '{"error":{"code":"x","message":"token-1 was not liked"}}',
  })
  story.teams.failNext('post', { status: 429, headers: { 'retry-after': '0' } })
  await fetch(`http://127.0.0.1:${story.port}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x' },
    body: JSON.stringify({ type: 'message' }),
  })
  for (const token of [alertToken, `${alertToken}x`])
    await fetch(`http://127.0.0.1:${story.port}/api/alerts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: alertToken,
    })

  story.exchange.restrict()
  for (const step of requiredSteps) await story.press(cast.rae, 'Done', { step })
  await story.shows('4 of 4')
  story.exchange.faults.clear()
  story.exchange.faults.next(
    'Remove-BlockedConnector',
    faults.refusal(403, 'Forbidden', 'The role is missing.'),
  )
  await approved()
  await story.shows('Unblock failed')
  await story.send(cast.rae, { type: 'message', text: 'checks' })
  await story.until('the answer to checks', () =>
    JSON.stringify(story.teams.messages).includes('Audit logging'),
  )

  for (const [where, text] of Object.entries(await output(opsPort)))
    for (const canary of canaries)
      expect({ where, canary, found: text.includes(canary) }).toEqual({ where, canary, found: false })
  // What was looked through is really there.
  const { log, served, teams } = await output(opsPort)
  expect(log).toContain('could not sign in')
  expect(log).toContain('"verb":"approve"')
  expect(served).toContain('connector_warden_')
  expect(teams).toContain('Unblock failed')
})

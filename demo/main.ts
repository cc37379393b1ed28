import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trustLoopback } from '../bot/channel-authentication.js'
import { type Bot, compose } from '../bot/compose.js'
import { pause, secondMs, systemClock } from '../src/clock.js'
import { explain, Fault } from '../src/errors.js'
import type { Settings } from '../src/settings.js'
import { type Playground, startPlayground } from './playground.js'
import * as world from './playground-config.js'

const usualBotPort = 3978
const usualPlaygroundPort = 56150
const pollSeconds = 2
const lagMs = 15 * secondMs
const beforeRestrictionMs = 4 * secondMs

const { people } = world
const roleMap = {
  roles: {
    approver: { users: [people.current.objectId, people.secondApprover.objectId] },
    responder: { users: [people.responder.objectId, people.otherResponder.objectId] },
    viewer: { users: [people.viewer.objectId] },
  },
}

/** Everything in one folder that is gone when the demo ends. */
const settingsIn = (folder: string, port: number, serviceHost: string): Settings => ({
  host: '127.0.0.1',
  port,
  dataDir: join(folder, 'data'),
  roleMapFile: join(folder, 'roles.json'),
  rulesFile: join(folder, 'rules.json'),
  pollSeconds,
  logLevel: process.env.LOG_LEVEL ?? 'silent',
  entraUrl: 'https://login.microsoftonline.com',
  graphUrl: 'https://graph.microsoft.com',
  homeTenantId: world.tenantId,
  bot: {
    appId: world.bot.id,
    credential: { tenantId: world.tenantId, clientId: world.bot.id, secret: '' },
    issuer: '',
    scope: '',
    metadataUrl: '',
    extraServiceHosts: [serviceHost],
  },
  exchange: { kind: 'simulated' },
})

/** The port if nobody has it, else any free one. */
async function freePort(wanted: number): Promise<number> {
  const free = (await freeIf(wanted)) ?? (await freeIf(0))
  if (free !== undefined) return free
  throw new Fault('portNotFree', 'No free port was found on 127.0.0.1.', 'Close some programs and try again.')
}

async function freeIf(port: number): Promise<number | undefined> {
  const probe = createServer().listen(port, '127.0.0.1')
  // An error is the answer: somebody else has the port.
  const listens = await once(probe, 'listening').then(
    () => true,
    () => false,
  )
  const address = probe.address()
  if (listens) await new Promise((closed) => probe.close(closed))
  return address !== null && typeof address === 'object' ? address.port : undefined
}

/** The bot as the demo runs it: no sign-in anywhere, and nothing in reach but loopback. */
const startBot = (folder: string, port: number, playground: Playground): Promise<Bot> =>
  compose(settingsIn(folder, port, playground.serviceHost), {
    authentication: trustLoopback,
    botToken: async () => ({ ok: true }),
    simulation: { name: 'Contoso (simulated)', lagMs },
  })

const welcome = (page: string) => `
Connector Warden, as a demo: a simulated Exchange tenant, the bot, and Microsoft 365 Agents Playground in
place of Teams. No account is needed, and nothing outside this computer is reached.

  1. Open   ${page}
  2. Click  "${world.channel.name}" under "${world.team.name}" on the left. You are Alex Admin, an approver.
  3. A few seconds later a connector is restricted, and its card appears. Work through it: Acknowledge,
     Done on each required step, a reason, Approve unblock. About ${Math.round(lagMs / secondMs) + 3 * pollSeconds} s after that the bot has seen it leave
     the list and says so. (Real Exchange may take up to an hour; here the lag is short on purpose.)

  Type @Connector Warden help for what it understands; "simulate" restricts another connector.
  The Playground keeps no history: reload its page, and what was posted before is gone from it.
  Ctrl-C stops everything and leaves nothing behind.
`

/** The first time that somebody opens the channel, a colleague has it watched and a connector is restricted. */
async function play(bot: Bot, serviceUrl: string): Promise<void> {
  while (!(await bot.conversations()).some(({ id }) => id === world.channel.id)) await pause(systemClock, 500)
  await sayWatch(bot, serviceUrl)
  await pause(systemClock, beforeRestrictionMs)
  const { connectorId } = bot.simulated?.restrict() ?? {}
  console.log(
    `${new Date().toLocaleTimeString()}  Exchange has restricted connector ${connectorId}. Look at the channel.`,
  )
}

async function sayWatch(bot: Bot, serviceUrl: string): Promise<void> {
  const { responder } = people
  await fetch(`http://127.0.0.1:${bot.port}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'message',
      id: 'demo-watch',
      channelId: 'msteams',
      serviceUrl,
      from: { id: responder.id, name: responder.name, aadObjectId: responder.objectId },
      recipient: world.bot,
      conversation: {
        ...world.channel,
        conversationType: 'channel',
        isGroup: true,
        tenantId: world.tenantId,
      },
      channelData: { tenant: { id: world.tenantId }, channel: { id: world.channel.id } },
      text: 'watch',
    }),
  })
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'connector-warden-demo-'))
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const part of started.splice(0).reverse()) await part.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const quit = (code: number) => {
    stop().then(
      () => process.exit(code),
      (error) => {
        console.error(explain(error))
        process.exit(1)
      },
    )
  }
  process.once('SIGINT', () => quit(0))
  process.once('SIGTERM', () => quit(0))
  try {
    await writeFile(join(folder, 'roles.json'), JSON.stringify(roleMap), { mode: 0o600 })
    const botPort = await freePort(usualBotPort)
    const playground = await startPlayground({
      botEndpoint: `http://127.0.0.1:${botPort}/api/messages`,
      port: await freePort(usualPlaygroundPort),
      workFolder: folder,
    })
    started.push(playground)
    const bot = await startBot(folder, botPort, playground)
    started.push(bot)
    console.log(welcome(playground.url))
    await play(bot, `http://${playground.serviceHost}/_connector`)
  } catch (error) {
    console.error(explain(error))
    quit(1)
  }
}

await main()

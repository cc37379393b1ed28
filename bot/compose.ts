import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Activity, TurnContext } from 'botbuilder'
import { en } from '../cards/texts/en.js'
import { type Clock, pause, secondMs, systemClock } from '../src/clock.js'
import { createCredentials, type TokenSource } from '../src/credentials.js'
import { Desk } from '../src/desk.js'
import { Fault, messageOf } from '../src/errors.js'
import { createAdminApi } from '../src/exchange/admin-api.js'
import { createSimulatedTenant, type SimulatedTenant } from '../src/exchange/simulated-tenant.js'
import type { Conversation } from '../src/incident/delivery.js'
import { rulesSchema } from '../src/incident/rules.js'
import { createLog, type Log } from '../src/log.js'
import { RoleMap } from '../src/people/role-map.js'
import type { AppCredential, Settings } from '../src/settings.js'
import { openJsonStore } from '../src/store/json-store.js'
import type { Store } from '../src/store/store.js'
import { Watcher } from '../src/watch/watcher.js'
import { WatchedFile } from '../src/watched-file.js'
import { Loop } from '../src/work/loop.js'
import { Removals, type WatchedTenant } from '../src/work/removal.js'
import { Activities } from './activities.js'
import { Announcer } from './announcer.js'
import { BotConnectorAuthentication, type ChannelAuthentication } from './channel-authentication.js'
import { commands, demoCommands, helpLines } from './commands.js'
import { type BotToken, ConnectorClient, type OutgoingActivity } from './connector-client.js'
import { Conversations } from './conversations.js'
import { Identities } from './identity.js'
import { incomingSchema, placeOf } from './incoming.js'
import { Pacing } from './pacing.js'
import { Requests } from './requests.js'
import { createServer, type Readiness } from './server.js'
import { serviceHosts } from './service-hosts.js'
import { TeamsAdapter } from './teams-adapter.js'

/** What the demo and tests put in the place of the real thing; nothing else in the program can be replaced. */
export interface Overrides {
  clock?: Clock
  log?: Log
  newId?: () => string
  random?: () => number
  /** Certificates to trust for `ENTRA_URL` instead of the usual ones (PEM). */
  entraCa?: string
  authentication?: ChannelAuthentication
  botToken?: BotToken
  /** How the simulated tenant behaves, where `EXCHANGE` is `simulated`. */
  simulation?: { name: string; lagMs: number }
}

/** The running bot. */
export interface Bot {
  port: number
  /** Where `EXCHANGE` is `simulated`. */
  simulated?: SimulatedTenant | undefined
  /** The places that the bot knows. */
  conversations(): Promise<Conversation[]>
  /**
   * Takes no new requests, finishes what is being done, for eight seconds at most, and frees the store. What is
   * cut short is taken up again, or verified by reading, after the next start.
   */
  stop(): Promise<void>
}

const longestDrainMs = 8 * secondMs
const defaultSimulation = { name: 'Simulated tenant', lagMs: 60 * secondMs }
const simulatedTenantId = '5d1e7c0b-2f4a-4c68-9b3d-7a6e5f4c3b2a'

/**
 * Builds every part and starts the bot: the only place where parts are made and joined.
 * @throws Fault for whatever makes a start impossible: files, the data folder, the port
 */
export async function compose(settings: Settings, overrides: Overrides = {}): Promise<Bot> {
  const clock = overrides.clock ?? systemClock
  const log = overrides.log ?? createLog(settings.logLevel)
  const newId = overrides.newId ?? randomUUID
  const random = overrides.random ?? Math.random
  const texts = en

  const tokensOf = (credential: AppCredential): TokenSource =>
    createCredentials({ ...credential, authority: settings.entraUrl, ca: overrides.entraCa, clock })

  // Read before the store is opened: a file that cannot be used must leave nothing behind.
  let store: Store | undefined
  const noteChange =
    (type: 'roleMapLoaded' | 'rulesLoaded') =>
    async ({ hash, broken }: { hash: string; broken?: { why: string } | undefined }, was: string) => {
      if (broken)
        log.error(
          { file: type, why: broken.why },
          'a file was broken by an edit: the last good one stays for now',
        )
      else await store?.record({ type, hash, was }, clock.now())
    }
  const roleMap = await RoleMap.open({
    path: settings.roleMapFile,
    clock,
    onChange: noteChange('roleMapLoaded'),
  })
  const rulesFile = await WatchedFile.open({
    path: settings.rulesFile,
    what: 'rules file',
    setting: 'RULES_FILE',
    schema: rulesSchema,
    clock,
    guarded: true,
    onChange: noteChange('rulesLoaded'),
  })
  const rules = async () => {
    const { value, hash } = await rulesFile.current()
    return { rules: value, hash }
  }

  store = await openJsonStore({ folder: settings.dataDir, clock, log })
  const desk = new Desk({ store, clock, log, rules })

  // Exchange
  const simulation = overrides.simulation ?? defaultSimulation
  const simulated =
    settings.exchange.kind === 'simulated'
      ? createSimulatedTenant({ tenantId: simulatedTenantId, clock, lagMs: simulation.lagMs })
      : undefined
  await simulated?.start()
  const { tenant, ...connection } =
    settings.exchange.kind === 'simulated'
      ? {
          tenant: simulation.name,
          tenantId: simulatedTenantId,
          url: simulated?.url ?? '',
          scope: 'simulated',
          tokens: simulatedTokens,
        }
      : { ...settings.exchange, tokens: tokensOf(settings.exchange.credential) }
  const exchange = createAdminApi({ ...connection, clock, newId, log })
  const watcher = new Watcher({
    tenant,
    exchange,
    desk,
    store,
    clock,
    log,
    newId,
    pollSeconds: settings.pollSeconds,
  })
  const tenants = new Map<string, WatchedTenant>([[tenant, { exchange, watcher }]])
  const tenantOf = (name: string): WatchedTenant => {
    const watched = tenants.get(name)
    if (watched) return watched
    throw new Fault(
      'tenantUnknown',
      `The tenant ${name} is not watched any more.`,
      'Add it to the settings again.',
    )
  }

  // Teams
  const isServiceHost = serviceHosts(settings.bot.extraServiceHosts)
  const botTokens = tokensOf(settings.bot.credential)
  const client = new ConnectorClient({
    isServiceHost,
    token: overrides.botToken ?? (() => botTokens.token(settings.bot.scope)),
    pacing: new Pacing(clock),
    clock,
    log,
    random,
  })
  const conversations = new Conversations({ store, clock, log })
  const identities = new Identities({
    client,
    roleMap,
    homeTenantId: settings.homeTenantId,
    clock,
    conversation: (id) => conversations.find(id),
  })
  const table = simulated ? [...commands, ...demoCommands] : commands
  const requests = new Requests({
    desk,
    store,
    clock,
    identities,
    roleMap,
    rules,
    texts,
    tenants: [...tenants.keys()],
    help: helpLines(table, texts),
    simulate: simulated && (async () => void simulated.restrict()),
  })
  const activities = new Activities({
    requests,
    identities,
    conversations,
    commands: table,
    texts,
    clock,
    log,
  })
  const authentication = overrides.authentication ?? channelAuthentication(settings, { clock, log })
  const adapter = new TeamsAdapter(authentication, (turn, activity) => answerInPlace(client, turn, activity))

  // Work
  const removals = new Removals({
    desk,
    tenantOf,
    standing: (voter, seenIn, name) => identities.standing(voter, seenIn, name),
    newId,
    log,
  })
  const announcer = new Announcer({ store, client, conversations, roleMap, rules, texts, clock, log })
  const show: Loop['parts']['show'] = (work, claim) => announcer.show(work, claim)
  const loop = new Loop({ store, desk, removals, tenantOf, show, clock, log, random })

  let draining = false
  const opened = store
  const readiness = async (): Promise<Readiness> => {
    const watching = (await opened.conversations()).some((one) => one.watching && !one.gone)
    const down = [
      opened.failing() !== undefined && 'recordNotWritable',
      !authentication.ready() && 'signingKeysMissing',
      draining && 'draining',
    ]
    const degraded = [
      watcher.status.failing && `exchange-${watcher.status.failing}`,
      !watching && 'nobodyWatches',
      await roleMap.problem(),
      (await rulesFile.current()).broken && 'rulesBroken',
    ]
    const words = [...down, ...degraded].filter((word) => typeof word === 'string')
    return { down: down.some(Boolean), degraded: words }
  }

  const server = createServer({
    take: (authorization, activity) =>
      adapter.take(authorization, activity, (context) => activities.run(context)),
    isServiceHost,
    readiness,
    log,
  })

  const drain = async () => {
    await Promise.all([closed(server), watcher.stop()])
    await loop.stop()
  }

  const port = await listen(server, settings).catch(async (error) => {
    await simulated?.stop()
    await opened.close()
    throw error
  })
  watcher.start()
  loop.start()

  return {
    port,
    simulated,
    conversations: () => opened.conversations(),
    async stop() {
      draining = true
      await Promise.race([drain(), pause(clock, longestDrainMs)])
      server.server.closeAllConnections()
      await simulated?.stop()
      await opened.close()
    },
  }
}

/** The simulated tenant takes any token; nothing else can be reached with this one. */
const simulatedTokens: TokenSource = { token: async () => ({ ok: true, token: 'simulated' }) }

function channelAuthentication(
  { bot }: Settings,
  { clock, log }: { clock: Clock; log: Log },
): ChannelAuthentication {
  const { appId, issuer, metadataUrl } = bot
  const authentication = new BotConnectorAuthentication({ appId, issuer, metadataUrl, clock, log })
  // In the background: an endpoint that is down must not keep the bot from watching.
  void authentication.warm()
  return authentication
}

/** Answers where somebody just spoke, in the same thread. */
async function answerInPlace(
  client: ConnectorClient,
  turn: TurnContext,
  activity: Partial<Activity>,
): Promise<string> {
  const incoming = incomingSchema.parse(turn.activity)
  const sent = await client.answer(placeOf(incoming), incoming.conversation.id, activity as OutgoingActivity)
  return sent.kind === 'ok' ? sent.value.message : ''
}

/** Resolves when the requests that are being served have been answered; new ones are not taken. */
const closed = (server: ReturnType<typeof createServer>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.server.closeIdleConnections()
  })

async function listen(server: ReturnType<typeof createServer>, { host, port }: Settings): Promise<number> {
  server.listen(port, host)
  try {
    await once(server.server, 'listening')
  } catch (error) {
    throw new Fault(
      'portNotFree',
      `The bot cannot listen on ${host}, port ${port}: ${messageOf(error)}.`,
      'Stop whatever uses that port, or set PORT (and HOST) to something else.',
    )
  }
  return (server.server.address() as AddressInfo).port
}

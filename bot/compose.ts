import { randomUUID } from 'node:crypto'
import { en } from '../cards/texts/en.js'
import { type Clock, secondMs, systemClock, within } from '../src/clock.js'
import { Desk } from '../src/desk.js'
import { Investigator } from '../src/evidence/investigator.js'
import type { SimulatedTenant } from '../src/exchange/simulated-tenant.js'
import { codesOf } from '../src/health/codes.js'
import type { Conversation } from '../src/incident/delivery.js'
import { createLog, type Log } from '../src/log.js'
import { type Directory, Roles } from '../src/people/roles.js'
import { Policy } from '../src/policy.js'
import type { Settings } from '../src/settings.js'
import { openJsonStore } from '../src/store/json-store.js'
import type { Store } from '../src/store/store.js'
import { HealthWatch } from '../src/watch/health-watch.js'
import { HealthBoard } from '../src/work/health.js'
import { Loop, type Show } from '../src/work/loop.js'
import { type AskStanding, type LookAtConnector, Removals } from '../src/work/removal.js'
import { Activities, type ActivitiesParts } from './activities.js'
import { Alerts } from './alerts.js'
import { Announcer } from './announcer.js'
import { BotConnectorAuthentication, type ChannelAuthentication } from './channel-authentication.js'
import { commands, demoCommands, helpLines } from './commands.js'
import type { BotToken } from './connector-client.js'
import { Conversations } from './conversations.js'
import { HealthAnnouncer } from './health-announcer.js'
import { certificateOf, healthTenants } from './health-tenants.js'
import { Identities } from './identity.js'
import { placeOf } from './incoming.js'
import { Ops } from './ops.js'
import { refuseOrphans } from './orphans.js'
import { type RequestParts, Requests } from './requests.js'
import { closed, createServer, listen, type Readiness } from './server.js'
import { serviceHosts } from './service-hosts.js'
import { TeamsAdapter } from './teams-adapter.js'
import { defaultSimulation, type OnReading, Tenants, watchedNames } from './tenants.js'
import { graphOf, teamsClient, tokenSources, type WayParts } from './ways-out.js'

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
  /** In the place of Microsoft Graph. */
  directory?: Directory
  /** How the simulated tenant behaves, where `EXCHANGE` is `simulated`. */
  simulation?: { name: string; lagMs: number }
}

/** The running bot. */
export interface Bot {
  port: number
  /** Where metrics are served, if they are. */
  opsPort?: number | undefined
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
const mostServedNowhereLogged = 10

/**
 * Builds every part and starts the bot: the only place where parts are made and joined.
 * @throws Fault for whatever makes a start impossible: files, the data folder, the port
 */
export async function compose(settings: Settings, overrides: Overrides = {}): Promise<Bot> {
  const around = surroundings(settings, overrides)
  const { clock, log } = around
  const { roleMapFile, rulesFile, dataDir } = settings
  // Before the store is opened: a file that cannot be used must leave nothing behind.
  const watched = watchedNames(settings, overrides.simulation)
  const policy = await Policy.open({ roleMapFile, rulesFile, watched, clock, log })
  const store = await openJsonStore({ folder: dataDir, clock, log })
  policy.recordIn(store)
  try {
    return await start(settings, overrides, { ...around, policy, store })
  } catch (cause) {
    await store.close()
    throw cause
  }
}

function surroundings(settings: Settings, overrides: Overrides): WayParts {
  const { clock = systemClock, newId = randomUUID, random = Math.random } = overrides
  return {
    clock,
    newId,
    random,
    log: overrides.log ?? createLog(settings.logLevel),
    tokensOf: tokenSources(settings, clock, overrides.entraCa),
  }
}

async function start(
  settings: Settings,
  overrides: Overrides,
  around: WayParts & { policy: Policy; store: Store },
): Promise<Bot> {
  const { clock, log, newId, random, policy, store } = around
  const { roleMap } = policy
  const rules = () => policy.rules()
  const texts = en
  const tenantIdOf = (name: string) => tenants.of(name).tenantId
  const desk = new Desk({ store, clock, log, rules, tenantIdOf })
  const { simulation = defaultSimulation } = overrides
  // Nothing is read before everything is made.
  const onReading: OnReading = (...reading) => investigator.noticed(...reading)
  const tenants = await Tenants.from(settings, { ...around, desk, onReading, simulation })
  const tenantOf = (name: string) => tenants.of(name)
  try {
    refuseOrphans(await store.open(), tenants)
  } catch (fault) {
    await tenants.simulated?.stop()
    throw fault
  }

  const isServiceHost = serviceHosts(settings.bot.extraServiceHosts)
  const client = teamsClient(settings, around, overrides.botToken)
  const conversations = new Conversations({ store, clock, log })
  const conversation = (id: string) => conversations.find(id)
  const { homeTenantId } = settings
  const { directory = graphOf(settings, around) } = overrides
  const roles = new Roles({ roleMap, directory, clock })
  const identities = new Identities({ client, roles, homeTenantId, clock, conversation })

  const lookUp = (account: string) => directory.userId(account)
  const investigator: Investigator = new Investigator({
    desk,
    store,
    tenants: tenants.names,
    tenantOf,
    lookUp,
    clock,
    log,
  })
  const announcer = new Announcer({
    store,
    client,
    conversations,
    roleMap,
    evidence: (incident) => investigator.of(incident),
    markOf: (incident) => investigator.stateOf(incident).mark,
    rules,
    texts,
    clock,
    log,
  })
  const standing: AskStanding = (...voter) => identities.standing(...voter)
  const roleMapHash = async () => (await roleMap.current()).hash
  const lookAtConnector: LookAtConnector = (incident) => investigator.look(incident)
  const removals = new Removals({ desk, tenantOf, standing, lookAtConnector, roleMapHash, newId, clock, log })
  const show: Show = (...work) => announcer.show(...work)
  const serves = (where: string, tenant: string) => tenants.serves(where, tenant)
  const health = new HealthWatch({
    tenants: healthTenants(tenants, around.tokensOf),
    botCertificates: certificateOf('bot', settings.bot.credential),
    store,
    policyProblems: () => policy.problems(),
    clock,
    log,
  })
  const board = new HealthBoard({
    store,
    look: () => health.look(),
    show: (...work) => healthAnnouncer.show(...work),
    tenants: tenants.names,
    serves,
    clock,
  })
  const state = () => board.state()
  const healthAnnouncer = new HealthAnnouncer({ store, client, conversations, state, rules, texts, clock })
  const loop = new Loop({
    store,
    desk,
    removals,
    investigator,
    show,
    serves,
    health: () => board.offers(),
    clock,
    log,
    random,
  })

  const { simulated } = tenants
  const table = simulated ? [...commands, ...demoCommands] : commands
  const simulate = simulated && (async () => void simulated.restrict())
  const checks: RequestParts['checks'] = async (names) => {
    health.refresh(names)
    const served = health.tenants().filter(({ name }) => names.includes(name))
    // A conversation that is lost is nobody's business where none of its tenants is shown.
    const problems = (await store.problems()).filter(
      ({ conversation }) =>
        conversation === undefined || names.some((tenant) => serves(conversation, tenant)),
    )
    const inForce = await policy.inForce()
    return { tenants: served, problems, policy: inForce, own: health.own, botId: settings.bot.appId }
  }
  const offered = { tenants: tenants.names, serves, help: helpLines(table, texts), checks, simulate }
  const requests = new Requests({ desk, store, clock, identities, investigator, rules, texts, ...offered })
  const say: ActivitiesParts['say'] = (where, activity) =>
    client.answer(placeOf(where), where.conversation.id, activity)
  const activities = new Activities({
    requests,
    identities,
    conversations,
    say,
    commands: table,
    texts,
    clock,
    log,
  })

  const authentication = overrides.authentication ?? channelAuthentication(settings, around)
  const adapter = new TeamsAdapter(authentication)
  let draining = false
  /** Tenants of which nobody is told anything. */
  const servedNowhere = async (): Promise<string[]> => {
    const able = (await store.conversations()).filter(({ watching, gone }) => watching && !gone)
    return tenants.names.filter((name) => !able.some(({ id }) => serves(id, name)))
  }
  const readiness = async (): Promise<Readiness> => {
    const down = [
      ...(store.failing() === undefined ? [] : ['recordNotWritable']),
      ...(authentication.ready() ? [] : ['signingKeysMissing']),
      ...(draining ? ['draining'] : []),
    ]
    const watching = (await store.conversations()).filter((one) => one.watching)
    const unseen = await servedNowhere()
    const degraded = [
      ...(client.problem ? [client.problem] : []),
      ...tenants.problems(),
      ...(unseen.length > 0 ? ['nobodyWatches'] : []),
      ...(watching.some(({ gone }) => gone) ? ['conversationLost'] : []),
      ...new Set((await policy.problems()).map(({ cause }) => cause)),
      ...codesOf(await store.problems()),
    ]
    return { down: down.length > 0, degraded: [...down, ...degraded] }
  }
  const { alertToken } = settings
  const alerts = alertToken
    ? new Alerts({
        token: alertToken,
        tenants: tenants.names,
        watcherOf: (name) => tenants.of(name).watcher,
        draining: () => draining,
        clock,
        log,
      })
    : undefined
  const server = createServer({
    take: (authorization, activity) =>
      adapter.take(authorization, activity, (context) => activities.run(context)),
    isServiceHost,
    readiness,
    alerts,
    log,
  })
  const startedAt = clock.now()
  const opsState = async () => ({
    readiness: await readiness(),
    startedAt,
    tenants: health.tenants(),
    problems: await store.problems(),
    conversations: await store.conversations(),
    servedNowhere: await servedNowhere(),
  })
  const ops = settings.ops && new Ops({ state: opsState, clock, log })

  const end = async () => {
    draining = true
    health.stop()
    const drained = Promise.all([closed(server), tenants.stop(), loop.stop()])
    await within(clock, longestDrainMs, drained, undefined)
    server.server.closeAllConnections()
    await ops?.stop()
    await simulated?.stop()
    await store.close()
  }
  let ending: Promise<void> | undefined
  const unlisten = async (cause: unknown): Promise<never> => {
    await ops?.stop()
    await simulated?.stop()
    throw cause
  }
  const opsPort = settings.ops && (await ops?.listen(settings.ops).catch(unlisten))
  const port = await listen(server, settings).catch(unlisten)
  tenants.start()
  health.start()
  loop.start()
  const amiss = (await readiness()).degraded
  const unseen = (await servedNowhere()).slice(0, mostServedNowhereLogged)
  if (amiss.length > 0)
    log.warn({ degraded: amiss, servedNowhere: unseen }, 'the bot runs, and this is amiss')
  return {
    port,
    opsPort,
    simulated,
    conversations: () => store.conversations(),
    stop: () => {
      ending ??= end()
      return ending
    },
  }
}

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

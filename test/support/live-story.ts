import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realPause } from 'node:timers/promises'
import { systemClock } from '../../src/clock.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { BotProcess, type Ended } from './bot-process.js'
import { type FakeEntra, startFakeEntra } from './fake-entra.js'
import { FakeGraph } from './fake-graph.js'
import { buttonsOf, cardOf, type FakeMessage, type FakePerson, FakeTeams, wordsOf } from './fake-teams.js'
import { requiredSteps } from './moves.js'
import { unlawfulRemovals } from './oracle.js'
import { botAppId, cast, channel, homeTenant, issuer, usualRoleMap, watchedTenantId } from './story.js'

const exchangeAppId = '33333333-3333-4333-8333-333333333333'
const longestWaitMs = 15_000

/** The built bot as a process of its own, with fakes of Teams, Entra and Exchange around it, in real time. */
export class LiveStory {
  bot!: BotProcess
  #port = 0
  #tracesBefore = 0
  /** Called with each cmdlet that Exchange is asked for, before it does anything; false turns it away. */
  onCmdlet: (cmdlet: string) => boolean = () => true

  /** Settings beside the usual ones, or in the place of them. */
  more: Record<string, string> = {}

  private constructor(
    readonly teams: FakeTeams,
    readonly entra: FakeEntra,
    readonly graph: FakeGraph,
    readonly folder: string,
    readonly exchange: SimulatedTenant,
  ) {}

  static async begin(): Promise<LiveStory> {
    const teams = await FakeTeams.start()
    teams.rosters.set(channel, Object.values(cast))
    const entra = await startFakeEntra({
      [botAppId]: { secret: 'the bot password' },
      [exchangeAppId]: { secret: 'the exchange secret' },
    })
    const graph = await FakeGraph.start(...Object.values(cast))
    const folder = await mkdtemp(join(tmpdir(), 'warden-live-'))
    const exchange = createSimulatedTenant({
      tenantId: watchedTenantId,
      clock: systemClock,
      lagMs: 0,
      admits: (_token, cmdlet) => story.onCmdlet(cmdlet),
    })
    await exchange.start()
    const story = new LiveStory(teams, entra, graph, folder, exchange)
    await entra.writeCa(join(folder, 'ca.pem'))
    await writeFile(join(folder, 'roles.json'), JSON.stringify(usualRoleMap), { mode: 0o600 })
    return story
  }

  /** The bot runs, its channel watches, a connector is restricted, and all required steps are settled. */
  static async readyToDecide(): Promise<LiveStory> {
    const story = await LiveStory.begin()
    await story.start()
    await story.send(cast.rae, { type: 'message', text: 'watch' })
    story.exchange.restrict()
    for (const step of requiredSteps) await story.press(cast.rae, 'Done', { step })
    await story.shows('4 of 4', '(Get-MessageTraceV2, ')
    return story
  }

  settings(): Record<string, string> {
    return {
      MicrosoftAppId: botAppId,
      MicrosoftAppPassword: 'the bot password',
      MicrosoftAppTenantId: homeTenant,
      ToBotFromChannelOpenIdMetadataUrl: this.teams.metadataUrl,
      TEAMS_SERVICE_HOSTS: this.teams.host,
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: join(this.folder, 'data'),
      ROLE_MAP_FILE: join(this.folder, 'roles.json'),
      RULES_FILE: join(this.folder, 'rules.json'),
      EXCHANGE: 'admin-api',
      EXCHANGE_TENANT_ID: watchedTenantId,
      EXCHANGE_ORGANIZATION: 'contoso.onmicrosoft.com',
      EXCHANGE_CLIENT_ID: exchangeAppId,
      EXCHANGE_CLIENT_SECRET: 'the exchange secret',
      EXCHANGE_URL: this.exchange.url,
      COMPLIANCE_URL: this.exchange.url,
      GRAPH_URL: this.graph.url,
      ENTRA_URL: this.entra.url,
      NODE_EXTRA_CA_CERTS: join(this.folder, 'ca.pem'),
      POLL_SECONDS: '1',
      LOG_LEVEL: 'warn',
      ...this.more,
    }
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    this.#tracesBefore = this.#traces()
    const { bot, port } = await BotProcess.listening(this.settings())
    this.bot = bot
    this.#port = port
  }

  /** The bot that was started last has found out what an approval has to rest on. */
  async hasLookedIntoIt(): Promise<void> {
    await this.until('traces of both addresses', () => this.#traces() >= this.#tracesBefore + 2)
    // What it found is kept a moment after the last answer.
    await realPause(100)
  }

  #traces(): number {
    return this.exchange.log.filter(({ cmdlet }) => cmdlet === 'Get-MessageTraceV2').length
  }

  /** `kill -9`. */
  kill(): Promise<Ended> {
    return this.bot.kill('SIGKILL')
  }

  async end(): Promise<void> {
    await this.kill()
    const unlawful = await unlawfulRemovals(this.journal, this.exchange)
    await this.teams.stop()
    await this.entra.stop()
    await this.graph.stop()
    await this.exchange.stop()
    await rm(this.folder, { recursive: true })
    expect(unlawful).toEqual([])
  }

  get journal(): string {
    return join(this.folder, 'data', 'journal.jsonl')
  }

  record(): Promise<string> {
    return readFile(this.journal, 'utf8')
  }

  removals(): number {
    return this.exchange.log.filter(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector').length
  }

  /** How often the list has been read. */
  reads(): number {
    return this.exchange.log.filter(({ cmdlet }) => cmdlet === 'Get-BlockedConnector').length
  }

  async until(what: string, look: () => boolean | undefined): Promise<void> {
    for (const deadline = Date.now() + longestWaitMs; !look(); await realPause(10))
      if (Date.now() > deadline) throw new Error(`never seen: ${what}\n${this.#words()}\n${this.bot.said}`)
  }

  /** Waits until the card of the one incident shows these words. */
  shows(...words: string[]): Promise<void> {
    return this.until(`the card showing ${words.join(', ')}`, () =>
      words.every((word) => this.#words().includes(word)),
    )
  }

  /** The card of the one incident; there is never a second one. */
  async card(): Promise<FakeMessage> {
    const cards = () => this.teams.messages.filter((one) => !one.thread && cardOf(one))
    await this.until('the card', () => cards().length > 0)
    const [card, second] = cards()
    if (!card || second) throw new Error(`there are ${cards().length} cards`)
    return card
  }

  /** Presses a button of the card, with a reason or a note, and returns what it was answered with. */
  async press(
    who: FakePerson,
    title: string,
    typed: { reason?: string; note?: string; step?: string } = {},
  ): Promise<{ words: string; type: string | undefined }> {
    const { step, ...inputs } = typed
    const card = await this.card()
    const button = buttonsOf(cardOf(card)).find(
      (one) => one.title === title && (!step || one.data.step === step),
    )
    if (!button) throw new Error(`no button ${title} on: ${this.#words()}`)
    const data = { ...button.data, ...inputs }
    const body = await this.send(who, {
      type: 'invoke',
      name: 'adaptiveCard/action',
      replyToId: card.id,
      value: { action: { type: 'Action.Execute', verb: 'x', data }, trigger: 'manual' },
      conversation: {
        id: `${channel};messageid=${card.id}`,
        conversationType: 'channel',
        tenantId: homeTenant,
      },
    })
    const answer = JSON.parse(body) as { type?: string; value?: unknown }
    return {
      type: answer.type,
      words: typeof answer.value === 'string' ? answer.value : wordsOf(answer.value),
    }
  }

  /** Hands an activity to the bot as Teams does; the body of the answer. */
  async send(who: FakePerson, changes: object): Promise<string> {
    const now = Math.floor(Date.now() / 1_000)
    const claims = { iss: issuer, aud: botAppId, nbf: now - 60, exp: now + 3_600, serviceurl: this.teams.url }
    const activity = {
      id: randomUUID(),
      channelId: 'msteams',
      serviceUrl: this.teams.url,
      from: { id: who.id, name: who.name, aadObjectId: who.aadObjectId },
      recipient: { id: `28:${botAppId}`, name: 'Connector Warden' },
      conversation: { id: channel, conversationType: 'channel', tenantId: homeTenant },
      channelData: { tenant: { id: homeTenant }, channel: { id: channel } },
      ...changes,
    }
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await this.teams.token(claims)}`,
      },
      body: JSON.stringify(activity),
    })
    return response.text()
  }

  #words(): string {
    return this.teams.messages
      .filter(({ thread }) => !thread)
      .map(({ activity }) => wordsOf(activity))
      .join('\n')
  }
}

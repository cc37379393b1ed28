import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realPause } from 'node:timers/promises'
import { type Bot, compose, type Overrides } from '../../bot/compose.js'
import { elapsedMs, type Instant, later, minuteMs, secondMs } from '../../src/clock.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import type { Settings, WatchedTenantSettings } from '../../src/settings.js'
import { type FakeEntra, startFakeEntra } from './fake-entra.js'
import { FakeGraph } from './fake-graph.js'
import { buttonsOf, cardOf, type FakeMessage, type FakePerson, FakeTeams, wordsOf } from './fake-teams.js'
import { silentLog } from './silent-log.js'
import { TestClock } from './test-clock.js'

export const homeTenant = '11111111-1111-4111-8111-111111111111'
export const botAppId = '22222222-2222-4222-8222-222222222222'
export const exchangeAppId = '33333333-3333-4333-8333-333333333333'
export const watchedTenantId = '44444444-4444-4444-8444-444444444444'
export const issuer = 'https://api.botframework.com'
export const channel = '19:mail-security@thread.tacv2'

const person = (letter: string, name: string, changes: Partial<FakePerson> = {}): FakePerson => ({
  id: `29:${letter}`,
  aadObjectId: `00000000-0000-4000-8000-00000000000${letter}`,
  name,
  userPrincipalName: `${name.split(' ')[0]?.toLowerCase()}@contoso.com`,
  tenantId: homeTenant,
  userRole: 'user',
  ...changes,
})

export const cast = {
  ann: person('a', 'Ann Archer'),
  ben: person('b', 'Ben Baker'),
  rae: person('c', 'Rae Responder'),
  vic: person('d', 'Vic Viewer'),
  nora: person('e', 'Nora Norole'),
  gus: person('f', 'Gus Guest', { userRole: 'guest' }),
  fay: person('9', 'Fay Foreign', { tenantId: '99999999-9999-4999-8999-999999999999' }),
}

export const roleMapOf = (roles: Record<string, FakePerson[]>) => ({
  roles: Object.fromEntries(
    Object.entries(roles).map(([role, people]) => [
      role,
      { users: people.map(({ aadObjectId }) => aadObjectId) },
    ]),
  ),
})

// The guest and the stranger are in the map on purpose: being named must not help them.
export const usualRoleMap = roleMapOf({
  approver: [cast.ann, cast.ben, cast.gus, cast.fay],
  responder: [cast.rae],
  viewer: [cast.vic],
})

/** In real time, on a machine that may be busy. */
const longestWaitMs = 15 * secondMs

interface StoryTenant {
  name: string
  conversations?: string[]
}

const onlyContoso: StoryTenant[] = [{ name: 'contoso.onmicrosoft.com' }]
/** The first one's is `watchedTenantId`. */
const tenantIdOf = (index: number): string => watchedTenantId.replace(/4$/, String(4 + index))

export interface StoryOptions {
  rules?: object
  roleMap?: object
  lagMs?: number
  /** How late the audit log is; not at all, if not given. */
  auditLagMs?: number
  overrides?: Overrides
  pollSeconds?: number
  /** When it begins; in the night of an incident, if not given. */
  now?: Instant
  /** The watched tenants, each with a simulated Exchange of its own; Contoso alone, if none are given. */
  tenants?: StoryTenant[]
  /** Settings beside the usual ones, or in the place of them. */
  settings?: Partial<Settings>
}

/** What a click or an invoke was answered with. */
export interface Answered {
  status: number
  body: { statusCode?: number; type?: string; value?: unknown } | undefined
  /** The words of the answer, whether it was a card or a message. */
  words: string
}

/** The whole bot with fakes of Teams, Entra and Exchange around it, and the time in the test's hands. */
export class Story {
  bot!: Bot
  readonly clock: TestClock

  private constructor(
    readonly teams: FakeTeams,
    readonly entra: FakeEntra,
    readonly graph: FakeGraph,
    /** One for each watched tenant, in their order. */
    readonly exchanges: SimulatedTenant[],
    readonly folder: string,
    readonly options: StoryOptions,
    clock: TestClock,
  ) {
    this.clock = clock
  }

  /** Exchange of the first watched tenant: the only one, in most stories. */
  get exchange(): SimulatedTenant {
    const [first] = this.exchanges
    if (!first) throw new Error('the story watches no tenant')
    return first
  }

  static async begin(options: StoryOptions = {}): Promise<Story> {
    const clock = new TestClock(options.now)
    const teams = await FakeTeams.start()
    teams.rosters.set(channel, Object.values(cast))
    const entra = await startFakeEntra({
      [botAppId]: { secret: 'the bot password' },
      [exchangeAppId]: { secret: 'the exchange secret' },
    })
    const graph = await FakeGraph.start(...Object.values(cast))
    const { lagMs = 5 * minuteMs, auditLagMs = 0, tenants = onlyContoso } = options
    const exchanges = tenants.map((_tenant, index) =>
      createSimulatedTenant({ tenantId: tenantIdOf(index), clock, lagMs, auditLagMs }),
    )
    for (const exchange of exchanges) await exchange.start()
    const folder = await mkdtemp(join(tmpdir(), 'warden-story-'))
    const story = new Story(teams, entra, graph, exchanges, folder, options, clock)
    await story.writeRoleMap(options.roleMap ?? usualRoleMap)
    await writeFile(join(folder, 'rules.json'), JSON.stringify(options.rules ?? {}))
    await story.startBot()
    return story
  }

  /** A story whose channel watches already. */
  static async watching(options: StoryOptions = {}): Promise<Story> {
    const story = await Story.begin(options)
    await story.type(cast.rae, 'watch')
    return story
  }

  async end(): Promise<void> {
    await this.bot.stop()
    await this.teams.stop()
    await this.entra.stop()
    await this.graph.stop()
    for (const exchange of this.exchanges) await exchange.stop()
    await rm(this.folder, { recursive: true })
  }

  async startBot(): Promise<void> {
    const { overrides = {} } = this.options
    const usual = { clock: this.clock, log: silentLog, random: () => 0.5, entraCa: this.entra.ca }
    this.bot = await compose(this.settings(), { ...usual, ...overrides })
  }

  /** The bot ends and starts again on the same data. */
  async restart(): Promise<void> {
    await this.bot.stop()
    await this.startBot()
  }

  writeRoleMap(map: object): Promise<void> {
    return writeFile(join(this.folder, 'roles.json'), JSON.stringify(map), { mode: 0o600 })
  }

  settings(): Settings {
    return {
      host: '127.0.0.1',
      port: 0,
      dataDir: join(this.folder, 'data'),
      roleMapFile: join(this.folder, 'roles.json'),
      rulesFile: join(this.folder, 'rules.json'),
      pollSeconds: this.options.pollSeconds ?? 60,
      logLevel: 'silent',
      entraUrl: this.entra.url,
      graphUrl: this.graph.url,
      homeTenantId: homeTenant,
      bot: {
        appId: botAppId,
        credential: { tenantId: homeTenant, clientId: botAppId, secret: 'the bot password' },
        issuer,
        scope: `${issuer}/.default`,
        metadataUrl: this.teams.metadataUrl,
        extraServiceHosts: [this.teams.host],
      },
      exchange: {
        kind: 'admin-api',
        tenants: this.exchanges.map(({ url }, index) => this.#watched(url, index)),
      },
      ...this.options.settings,
    }
  }

  #watched(url: string, index: number): WatchedTenantSettings {
    const { name, conversations } = (this.options.tenants ?? onlyContoso)[index] ?? { name: '' }
    const tenantId = tenantIdOf(index)
    return {
      name,
      tenantId,
      organization: name,
      url,
      scope: `${url}/.default`,
      complianceUrl: url,
      credential: { tenantId, clientId: exchangeAppId, secret: 'the exchange secret' },
      conversations,
    }
  }

  /** Lets virtual time pass; whatever falls due on the way is done before time goes on. */
  async pass(ms: number): Promise<void> {
    const target = later(this.clock.now(), ms)
    await this.quiet()
    for (let next = this.clock.nextAlarm(); next && next <= target; next = this.clock.nextAlarm()) {
      this.clock.advance(Math.max(0, elapsedMs(this.clock.now(), next)))
      await this.quiet()
    }
    this.clock.advance(elapsedMs(this.clock.now(), target))
    await this.quiet()
  }

  /** Resolves once nothing has moved for a moment: no request of the bot's is being answered any more. */
  async quiet(): Promise<void> {
    for (let still = 0, before = this.#moves(); still < 5; ) {
      const starved = await this.#moment(2)
      const now = this.#moves()
      still = now === before && this.teams.inFlight + this.graph.inFlight === 0 && !starved ? still + 1 : 0
      before = now
    }
  }

  /** Changes with each request that arrives anywhere. */
  #moves(): string {
    return [
      this.teams.requests,
      this.entra.requests,
      this.graph.requests,
      ...this.exchanges.map(({ log }) => log),
    ]
      .map(({ length }) => length)
      .join(' ')
  }

  /** Waits in real time; true where the machine had no time for this process, so that nothing moving says nothing. */
  async #moment(ms: number): Promise<boolean> {
    const since = performance.now()
    await realPause(ms)
    return performance.now() - since > ms + 6
  }

  /** Lets time move on while something waits for it, as an answer does that Teams' limits hold back. */
  async whileTimePasses<Result>(work: Promise<Result>): Promise<Result> {
    let pending = true
    const done = work.finally(() => {
      pending = false
    })
    for (let still = 0, before = this.#moves(); pending; ) {
      const starved = await Promise.race([done.then(() => false), this.#moment(10)])
      const now = this.#moves()
      still = now === before && !starved ? still + 1 : 0
      before = now
      if (pending && still >= 5) this.clock.advance(secondMs / 4)
    }
    return done
  }

  /** Waits for something that the bot does by itself; time moves on slowly meanwhile. */
  async until<Found>(what: string, look: () => Found | undefined | false): Promise<Found> {
    const deadline = performance.now() + longestWaitMs
    for (let calm = 0; performance.now() < deadline; ) {
      const found = look()
      if (found) return found
      const starved = await this.#moment(2)
      if (starved) continue
      calm += 1
      // Not for ever: what is late because the machine is busy must not run into what comes later.
      if (calm <= 400 && calm % 20 === 0) this.clock.advance(secondMs)
    }
    throw new Error(
      `never seen: ${what}\n${this.teams.messages.map((one) => wordsOf(one.activity)).join('\n---\n')}`,
    )
  }

  /** The newest message whose words include all of these. */
  message(...words: string[]): FakeMessage | undefined {
    return this.teams.messages.findLast((one) => {
      const shown = `${String(one.activity.summary ?? '')}\n${wordsOf(one.activity)}`
      return words.every((word) => shown.includes(word))
    })
  }

  /** The live card of an incident: posted, and found by its number. */
  card(code: string): Promise<FakeMessage> {
    return this.until(`the card of ${code}`, () => this.#liveCard(code))
  }

  #liveCard(code: string): FakeMessage | undefined {
    return this.teams.messages.findLast((one) =>
      buttonsOf(cardOf(one)).some(({ data }) => data.incident === code && data.verb === 'refresh'),
    )
  }

  /** Waits until an incident's card shows these words, be it the one that is live now or a newer one. */
  async cardShows(code: string, ...words: string[]): Promise<FakeMessage> {
    const first = await this.card(code)
    return this.until(`${code} showing ${words.join(', ')}`, () => {
      const message = this.#liveCard(code) ?? first
      const shown = wordsOf(cardOf(message))
      return words.every((word) => shown.includes(word)) && message
    })
  }

  /** Presses a button on a message's card, found by its label (and step), as Action.Execute does it. */
  async press(
    who: FakePerson,
    message: FakeMessage,
    title: string,
    inputs: { reason?: string; note?: string; step?: string } = {},
  ): Promise<Answered> {
    const { step, ...typed } = inputs
    const button = buttonsOf(cardOf(message)).find(
      (one) => one.title === title && (!step || one.data.step === step),
    )
    if (!button) throw new Error(`no button ${title} ${step ?? ''} on: ${wordsOf(cardOf(message))}`)
    return this.invoke(who, message, { ...button.data, ...typed })
  }

  /** Sends a click with any data at all. */
  invoke(who: FakePerson, message: FakeMessage, data: unknown, changes: object = {}): Promise<Answered> {
    const value = { action: { type: 'Action.Execute', verb: 'x', data }, trigger: 'manual' }
    const thread = `${message.conversation};messageid=${message.thread ?? message.id}`
    return this.send(
      this.activity(who, {
        type: 'invoke',
        name: 'adaptiveCard/action',
        replyToId: message.id,
        value,
        conversation: this.conversation(thread),
        ...changes,
      }),
    )
  }

  /** Types something to the bot in the channel and returns the words of what it answered. */
  async type(who: FakePerson, text: string, conversation = channel): Promise<string> {
    const before = this.teams.messages.length
    await this.whileTimePasses(
      this.send(
        this.activity(who, {
          type: 'message',
          text: `<at>Connector Warden</at> ${text}`,
          entities: [
            {
              type: 'mention',
              text: '<at>Connector Warden</at>',
              mentioned: { id: `28:${botAppId}`, name: 'Connector Warden' },
            },
          ],
          conversation: this.conversation(conversation),
        }),
      ),
    )
    return this.teams.messages
      .slice(before)
      .map((one) => wordsOf(one.activity))
      .join('\n')
  }

  conversation(id: string): object {
    return { id, conversationType: 'channel', isGroup: true, tenantId: homeTenant, name: 'Mail security' }
  }

  /** An activity as Teams stamps it. */
  activity(who: FakePerson, changes: object): Record<string, unknown> {
    return {
      id: randomUUID(),
      channelId: 'msteams',
      serviceUrl: this.teams.url,
      timestamp: this.clock.now(),
      from: { id: who.id, name: who.name, aadObjectId: who.aadObjectId },
      recipient: { id: `28:${botAppId}`, name: 'Connector Warden' },
      conversation: this.conversation(channel),
      channelData: {
        tenant: { id: homeTenant },
        team: { id: '19:team@thread.tacv2', name: 'IT' },
        channel: { id: channel },
      },
      ...changes,
    }
  }

  /** The claims of a token that covers everything. */
  claims(): Record<string, unknown> {
    const now = Math.floor(Date.parse(this.clock.now()) / 1_000)
    return { iss: issuer, aud: botAppId, nbf: now - 60, exp: now + 3_600, serviceurl: this.teams.url }
  }

  /** Hands an activity to the bot over HTTP, signed unless an authorization is given. */
  async send(activity: object, authorization?: string): Promise<Answered> {
    const bearer = authorization ?? `Bearer ${await this.teams.token(this.claims())}`
    const response = await fetch(`http://127.0.0.1:${this.bot.port}/api/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(bearer ? { authorization: bearer } : {}) },
      body: JSON.stringify(activity),
    })
    const text = await response.text()
    const body = text ? (JSON.parse(text) as Answered['body']) : undefined
    const value = body?.value
    return { status: response.status, body, words: typeof value === 'string' ? value : wordsOf(value) }
  }

  /** How often Exchange was asked to remove a block. */
  removals(): number {
    return this.exchange.log.filter(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector').length
  }
}

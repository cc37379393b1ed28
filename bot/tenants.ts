import { type Clock, hourMs, secondMs } from '../src/clock.js'
import type { TokenSource } from '../src/credentials.js'
import type { Desk } from '../src/desk.js'
import { Fault } from '../src/errors.js'
import { ConnectorWatch, type GoodReading } from '../src/evidence/connector-watch.js'
import { createAdminApi } from '../src/exchange/admin-api.js'
import type { Connection } from '../src/exchange/connection.js'
import { createSimulatedTenant, type SimulatedTenant } from '../src/exchange/simulated-tenant.js'
import type { Log } from '../src/log.js'
import type { Settings, WatchedTenantSettings } from '../src/settings.js'
import type { Store } from '../src/store/store.js'
import { Watcher } from '../src/watch/watcher.js'
import type { WatchedTenant } from '../src/work/removal.js'
import { connectionOf, type TokensOf } from './ways-out.js'

export type OnReading = (tenant: string, reading: GoodReading) => Promise<void>

interface TenantParts {
  desk: Desk
  store: Store
  clock: Clock
  log: Log
  newId: () => string
  /** Called with each reading of a tenant's connectors. */
  onReading: OnReading
  tokensOf: TokensOf
  simulation: { name: string; lagMs: number }
}

/** What `EXCHANGE=simulated` watches, unless the demo or a test says otherwise. */
export const defaultSimulation = { name: 'Simulated tenant', lagMs: 60 * secondMs }

/** Names of the tenants that are watched by these settings. */
export const watchedNames = ({ exchange }: Settings, simulation = defaultSimulation): string[] =>
  exchange.kind === 'admin-api' ? exchange.tenants.map(({ name }) => name) : [simulation.name]

const simulatedTenantId = '5d1e7c0b-2f4a-4c68-9b3d-7a6e5f4c3b2a'

/** The simulated tenant takes any token; nothing else can be reached with this one. */
const simulatedTokens: TokenSource = { token: async () => ({ ok: true, token: 'simulated' }) }

/** A watched tenant, with what the settings say of it; nothing where it is simulated. */
export interface TenantWatched extends WatchedTenant {
  /** Its GUID, in small letters. */
  tenantId: string
  connectors: ConnectorWatch
  settings?: WatchedTenantSettings | undefined
}

/** So many milliseconds lie between the reads of two tenants where all are read. */
export const betweenReadsMs = 20
/** The same for how their connectors look, which is nobody's hurry. */
const betweenLooksMs = 1 * secondMs

/** The watched tenants by name, each with its Exchange and its watcher. */
export class Tenants {
  private constructor(
    private readonly byName: ReadonlyMap<string, TenantWatched>,
    private readonly pollSeconds: number,
    /** The one that plays Exchange, where `EXCHANGE` is `simulated`. */
    readonly simulated: SimulatedTenant | undefined,
  ) {}

  static async from({ exchange, pollSeconds }: Settings, parts: TenantParts): Promise<Tenants> {
    const { clock, simulation } = parts
    if (exchange.kind === 'admin-api') {
      const tenants = exchange.tenants.map((settings): [string, TenantWatched] => {
        const { name } = settings
        return [name, { ...watched(name, connectionOf(settings, parts), pollSeconds, parts), settings }]
      })
      return new Tenants(new Map(tenants), pollSeconds, undefined)
    }
    const simulated = createSimulatedTenant({ tenantId: simulatedTenantId, clock, lagMs: simulation.lagMs })
    await simulated.start()
    const connection = {
      url: simulated.url,
      tenantId: simulatedTenantId,
      organization: 'contoso.example',
      scope: 'simulated',
      complianceUrl: simulated.url,
      tokens: simulatedTokens,
    }
    const only = watched(simulation.name, connection, pollSeconds, parts)
    return new Tenants(new Map([[simulation.name, only]]), pollSeconds, simulated)
  }

  get names(): string[] {
    return [...this.byName.keys()]
  }

  /** @throws Fault `tenantUnknown` for one that an older incident names and that is watched no more */
  of(name: string): TenantWatched {
    const tenant = this.byName.get(name)
    if (tenant) return tenant
    throw new Fault(
      'tenantUnknown',
      `The tenant ${name} is not watched any more.`,
      'Add it to the settings again.',
    )
  }

  /** Whether a conversation is one that a tenant is shown in, if it watches: any, unless the tenant names some. */
  serves(conversation: string, name: string): boolean {
    const tenant = this.byName.get(name)
    return tenant !== undefined && (tenant.settings?.conversations?.includes(conversation) ?? true)
  }

  /** Constant words for why tenants cannot be read, each once however many tenants it is true of. */
  problems(): string[] {
    const failing = [...this.byName.values()].map(({ watcher }) => watcher.status.failing)
    return [...new Set(failing)].filter((word) => word !== undefined).map((word) => `exchange-${word}`)
  }

  /** Begins to read all tenants, one shortly after the other: a thousand at once would be a burst every round. */
  start(): void {
    const watchers = [...this.byName.values()].map(({ watcher }) => watcher)
    // Unless that took longer than one round.
    const apartMs = Math.min((this.pollSeconds * secondMs) / watchers.length, betweenReadsMs)
    for (const [index, watcher] of watchers.entries()) watcher.start(Math.floor(index * apartMs))
    const looks = [...this.byName.values()].map(({ connectors }) => connectors)
    const looksApartMs = Math.min(hourMs / looks.length, betweenLooksMs)
    for (const [index, connectors] of looks.entries())
      connectors.start(Math.floor((index + 1) * looksApartMs))
  }

  async stop(): Promise<void> {
    const tenants = [...this.byName.values()]
    const stopped = tenants.map(({ watcher }) => watcher.stop())
    for (const { connectors, exchange } of tenants) {
      connectors.stop()
      exchange.stop()
    }
    await Promise.all(stopped)
  }
}

function watched(
  tenant: string,
  connection: Omit<Connection, 'clock' | 'log' | 'newId'>,
  pollSeconds: number,
  { desk, store, clock, log, newId, onReading }: TenantParts,
): TenantWatched {
  const exchange = createAdminApi({ ...connection, clock, log, newId })
  const watcher = new Watcher({ tenant, exchange, desk, store, clock, log, newId, pollSeconds })
  return {
    tenantId: connection.tenantId.toLowerCase(),
    exchange,
    watcher,
    connectors: new ConnectorWatch({ tenant, exchange, store, clock, log, onReading }),
  }
}

import type { Clock } from '../src/clock.js'
import type { TokenSource } from '../src/credentials.js'
import type { Desk } from '../src/desk.js'
import { Fault } from '../src/errors.js'
import { createAdminApi } from '../src/exchange/admin-api.js'
import { createSimulatedTenant, type SimulatedTenant } from '../src/exchange/simulated-tenant.js'
import type { Log } from '../src/log.js'
import type { AppCredential, Settings } from '../src/settings.js'
import type { Store } from '../src/store/store.js'
import { Watcher } from '../src/watch/watcher.js'
import type { WatchedTenant } from '../src/work/removal.js'

interface TenantParts {
  desk: Desk
  store: Store
  clock: Clock
  log: Log
  newId: () => string
  tokensOf: (credential: AppCredential) => TokenSource
  simulation: { name: string; lagMs: number }
}

const simulatedTenantId = '5d1e7c0b-2f4a-4c68-9b3d-7a6e5f4c3b2a'

/** The simulated tenant takes any token; nothing else can be reached with this one. */
const simulatedTokens: TokenSource = { token: async () => ({ ok: true, token: 'simulated' }) }

/** The watched tenants by name, each with its Exchange and its watcher. */
export class Tenants {
  private constructor(
    private readonly byName: ReadonlyMap<string, WatchedTenant>,
    /** The one that plays Exchange, where `EXCHANGE` is `simulated`. */
    readonly simulated: SimulatedTenant | undefined,
  ) {}

  static async from({ exchange, pollSeconds }: Settings, parts: TenantParts): Promise<Tenants> {
    const { desk, store, clock, log, newId, tokensOf, simulation } = parts
    const watched = (
      name: string,
      connection: Omit<Parameters<typeof createAdminApi>[0], 'clock' | 'log' | 'newId'>,
    ) => {
      const api = createAdminApi({ ...connection, clock, log, newId })
      const watcher = new Watcher({
        tenant: name,
        exchange: api,
        desk,
        store,
        clock,
        log,
        newId,
        pollSeconds,
      })
      return new Map([[name, { exchange: api, watcher }]])
    }
    if (exchange.kind === 'admin-api')
      return new Tenants(
        watched(exchange.tenant, {
          ...exchange,
          organization: exchange.tenant,
          complianceUrl: 'https://ps.compliance.protection.outlook.com',
          tokens: tokensOf(exchange.credential),
        }),
        undefined,
      )
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
    return new Tenants(watched(simulation.name, connection), simulated)
  }

  get names(): string[] {
    return [...this.byName.keys()]
  }

  /** @throws Fault `tenantUnknown` for one that an older incident names and that is watched no more */
  of(name: string): WatchedTenant {
    const tenant = this.byName.get(name)
    if (tenant) return tenant
    throw new Fault(
      'tenantUnknown',
      `The tenant ${name} is not watched any more.`,
      'Add it to the settings again.',
    )
  }

  /** Constant words for why tenants cannot be read. */
  problems(): string[] {
    const failing = [...this.byName.values()].map(({ watcher }) => watcher.status.failing)
    return failing.filter((word) => word !== undefined).map((word) => `exchange-${word}`)
  }

  start(): void {
    for (const { watcher } of this.byName.values()) watcher.start()
  }

  async stop(): Promise<void> {
    const tenants = [...this.byName.values()]
    const stopped = tenants.map(({ watcher }) => watcher.stop())
    for (const { exchange } of tenants) exchange.stop()
    await Promise.all(stopped)
  }
}

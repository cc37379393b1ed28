import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Connection } from '../../src/exchange/connection.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import type { SimulatedFault } from '../../src/exchange/simulated-faults.js'
import type { SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { silentLog } from './silent-log.js'
import type { TestClock } from './test-clock.js'

export const tenantId = '8d0f2c6a-3b1e-4c57-9a44-6e1d0b7f5c21'

let ids = 0

/** A connection to a simulated tenant, with a token that it takes. */
export const connectionTo = (tenant: SimulatedTenant, clock: TestClock): Connection => ({
  url: tenant.url,
  tenantId,
  organization: 'contoso.onmicrosoft.com',
  scope: 'https://outlook.office365.com/.default',
  complianceUrl: tenant.url,
  tokens: { token: async () => ({ ok: true, token: 'reader' }) },
  clock,
  newId: () => `00000000-0000-4000-9000-${String(++ids).padStart(12, '0')}`,
  log: silentLog,
})

/** The adapters that must all behave alike. Each is given a simulated tenant to talk to. */
export const adapters: {
  name: string
  make: (tenant: SimulatedTenant, clock: TestClock, settings?: Partial<Connection>) => Exchange
}[] = [
  {
    name: 'admin-api',
    make: (tenant, clock, settings) => createAdminApi({ ...connectionTo(tenant, clock), ...settings }),
  },
]

/** An answer of the simulated tenant, in the words of a test. */
export const answering = (
  status: number,
  body: unknown = '',
  headers: Record<string, string> = {},
): SimulatedFault => ({
  kind: 'answer',
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

/** Lets the loopback connection do its work until something is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    if (turn === 100_000) throw new Error(`It did not happen: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Until the tenant has seen so many requests. */
export const untilSeen = (tenant: SimulatedTenant, requests: number): Promise<void> =>
  until(`${requests} requests`, () => tenant.log.length >= requests)

/** Enough turns of the event loop for a request that should not be made to have been made. */
export async function stillness(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
}

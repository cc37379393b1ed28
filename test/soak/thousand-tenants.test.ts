import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realPause } from 'node:timers/promises'
import { minuteMs, secondMs, systemClock } from '../../src/clock.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import { BotProcess, endBotProcesses } from '../support/bot-process.js'
import { type FakeEntra, startFakeEntra } from '../support/fake-entra.js'
import { FakeTeams } from '../support/fake-teams.js'
import { botAppId, homeTenant } from '../support/story.js'

// One process watches a thousand tenants, each read once a minute, in real time: what it costs.

const exchangeAppId = '33333333-3333-4333-8333-333333333333'
const settleMs = 3 * minuteMs
const measureMs = 5 * minuteMs
const clockTicksPerSecond = 100

interface Figures {
  tenants: number
  readsPerSecond: number
  cpuPercentOfOneCore: number
  residentMb: number
  longestGapSeconds: number
}

/** A thousand organisations behind one port, as Exchange Online is one host for all. */
class ManyTenants {
  readonly tenants = new Map<string, SimulatedTenant>()
  readonly #server: Server

  constructor(count: number) {
    for (let n = 0; n < count; n++) {
      const tenantId = `44444444-4444-4444-8444-${String(n).padStart(12, '0')}`
      this.tenants.set(tenantId, createSimulatedTenant({ tenantId, clock: systemClock, lagMs: 0 }))
    }
    this.#server = createServer((request, response) => {
      const [, tenantId = ''] = request.url?.match(/\/adminapi\/beta\/([^/]+)\//) ?? []
      const tenant = this.tenants.get(tenantId)
      if (tenant) tenant.handle(request, response)
      else response.writeHead(404).end()
    })
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** When each tenant's list was read since `from`, in milliseconds. */
  readsSince(from: number): number[][] {
    return [...this.tenants.values()].map(({ log }) =>
      log
        .filter(({ cmdlet }) => cmdlet === 'Get-BlockedConnector')
        .map(({ at }) => Date.parse(at))
        .filter((at) => at >= from),
    )
  }
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}

async function residentMb(pid: number): Promise<number> {
  const [, kb = '0'] = (await readFile(`/proc/${pid}/status`, 'utf8')).match(/VmRSS:\s+(\d+)/) ?? []
  return Number(kb) / 1024
}

async function measure(count: number, entra: FakeEntra, teams: FakeTeams): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'warden-soak-'))
  const exchange = new ManyTenants(count)
  await exchange.listen()
  await entra.writeCa(join(folder, 'ca.pem'))
  await writeFile(join(folder, 'secret'), 'the exchange secret', { mode: 0o600 })
  const tenants = [...exchange.tenants.keys()].map((tenantId, n) => ({
    name: `tenant ${n}`,
    tenantId,
    organization: `t${n}.onmicrosoft.com`,
    clientId: exchangeAppId,
    secretFile: 'secret',
  }))
  await writeFile(join(folder, 'tenants.json'), JSON.stringify({ tenants }), { mode: 0o600 })
  await writeFile(join(folder, 'roles.json'), '{}', { mode: 0o600 })
  const { bot } = await BotProcess.listening({
    MicrosoftAppId: botAppId,
    MicrosoftAppPassword: 'the bot password',
    MicrosoftAppTenantId: homeTenant,
    ToBotFromChannelOpenIdMetadataUrl: teams.metadataUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: join(folder, 'data'),
    ROLE_MAP_FILE: join(folder, 'roles.json'),
    RULES_FILE: join(folder, 'rules.json'),
    EXCHANGE: 'admin-api',
    EXCHANGE_URL: exchange.url,
    COMPLIANCE_URL: exchange.url,
    TENANTS_FILE: join(folder, 'tenants.json'),
    ENTRA_URL: entra.url,
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    LOG_LEVEL: 'error',
  })
  await realPause(settleMs)
  const from = Date.now()
  const cpuBefore = await cpuSeconds(bot.pid)
  await realPause(measureMs)
  const seconds = (Date.now() - from) / secondMs
  const cpu = (await cpuSeconds(bot.pid)) - cpuBefore
  const reads = exchange.readsSince(from)
  const gaps = reads.flatMap((times) => times.slice(1).map((at, n) => at - (times[n] ?? at)))
  const figures: Figures = {
    tenants: count,
    readsPerSecond: reads.flat().length / seconds,
    cpuPercentOfOneCore: (100 * cpu) / seconds,
    residentMb: await residentMb(bot.pid),
    longestGapSeconds: Math.max(...gaps) / secondMs,
  }
  expect(bot.said).not.toContain('"level":50')
  await bot.kill('SIGKILL')
  await exchange.stop()
  await rm(folder, { recursive: true })
  return figures
}

describe('one process that watches a thousand tenants', () => {
  let entra: FakeEntra
  let teams: FakeTeams

  beforeAll(async () => {
    teams = await FakeTeams.start()
    entra = await startFakeEntra({
      [botAppId]: { secret: 'the bot password' },
      [exchangeAppId]: { secret: 'the exchange secret' },
    })
  })

  afterAll(async () => {
    await endBotProcesses()
    await teams.stop()
    await entra.stop()
  })

  test('reads every one of them every minute, within a quarter of a core and 64 KB of resident memory for each', async () => {
    const one = await measure(1, entra, teams)
    const thousand = await measure(1_000, entra, teams)
    const kbPerTenant = ((thousand.residentMb - one.residentMb) * 1024) / (thousand.tenants - one.tenants)
    process.stdout.write(`${JSON.stringify({ one, thousand, kbPerTenant }, undefined, 2)}\n`)
    expect(thousand.readsPerSecond).toBeGreaterThan(16)
    expect(thousand.longestGapSeconds).toBeLessThan(65)
    expect(thousand.cpuPercentOfOneCore).toBeLessThan(25)
    expect(kbPerTenant).toBeLessThan(64)
  })
})

import { minuteMs } from '../../src/clock.js'
import { Desk } from '../../src/desk.js'
import { createAdminApi } from '../../src/exchange/admin-api.js'
import type { Exchange } from '../../src/exchange/exchange.js'
import { createSimulatedTenant, type SimulatedTenant } from '../../src/exchange/simulated-tenant.js'
import type { Incident } from '../../src/incident/incident.js'
import { defaultRules } from '../../src/incident/rules.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import { Watcher } from '../../src/watch/watcher.js'
import { type AskStanding, Removals } from '../../src/work/removal.js'
import { connectionTo, tenantId } from '../support/exchange-adapters.js'
import { actor, inForce } from '../support/incidents.js'
import { silentLog as log } from '../support/silent-log.js'
import { Disk, newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

let clock: TestClock
let disk: Disk
let store: Store
let desk: Desk
let tenant: SimulatedTenant
let exchange: Exchange
let standing: AskStanding
let removals: Removals

beforeEach(async () => {
  clock = new TestClock()
  disk = new Disk()
  store = await openJsonStore({ folder: await newFolder(), clock, log, files: disk })
  desk = new Desk({ store, clock, log, rules: async () => inForce() })
  tenant = createSimulatedTenant({ tenantId, clock, lagMs: minuteMs })
  await tenant.start()
  exchange = createAdminApi(connectionTo(tenant, clock))
  let ids = 0
  const newId = () => `id-${++ids}`
  const parts = { tenant: 'Contoso', exchange, desk, store, clock, log, newId, pollSeconds: 60 }
  const watcher = new Watcher(parts)
  standing = async () => 'approver'
  const ask: AskStanding = (...voter) => standing(...voter)
  const lookAtConnector = async () => ({ ok: true, fingerprint: 'as it was' }) as const
  removals = new Removals({
    desk,
    tenantOf: () => ({ exchange, watcher }),
    standing: ask,
    lookAtConnector,
    roleMapHash: async () => 'map',
    newId,
    clock,
    log,
  })
  tenant.restrict()
  await watcher.readNow()
})

afterEach(async () => {
  exchange.stop()
  await store.close()
  await tenant.stop()
  await removeFolders()
})

/** The one incident, approved. */
async function approved(): Promise<Incident> {
  for (const step of defaultRules.checklist.required)
    await desk.act(1, { verb: 'done', actor: actor(), step })
  return (await desk.act(1, { verb: 'approve', actor: actor(), reason: 'Reverted', evidenceAt: clock.now() }))
    .incident
}

const sent = () => tenant.log.filter(({ cmdlet }) => cmdlet === 'Remove-BlockedConnector').length

const evidenceCanBeRead = async () => expect(await exchange.auditing()).toMatchObject({ ok: true })

describe('what else is asked of the tenant goes on after a removal', () => {
  test('that was sent', async () => {
    expect(await removals.remove(await approved())).toBe('done')
    expect(sent()).toBe(1)
    await evidenceCanBeRead()
  })

  test('that may not be started after all, because its votes were voided in the meantime', async () => {
    const incident = await approved()
    standing = async () => {
      await desk.act(1, { verb: 'undo', actor: actor(), step: 'traffic' })
      return 'approver'
    }
    expect(await removals.remove(incident)).toBe('again')
    expect(sent()).toBe(0)
    await evidenceCanBeRead()
  })

  test('whose intent cannot be recorded', async () => {
    const incident = await approved()
    standing = async () => {
      disk.free = 0
      return 'approver'
    }
    await expect(removals.remove(incident)).rejects.toMatchObject({ code: 'recordNotWritable' })
    expect(sent()).toBe(0)
    await evidenceCanBeRead()
  })
})

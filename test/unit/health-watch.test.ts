import { setTimeout as realPause } from 'node:timers/promises'
import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import type { TokenAnswer } from '../../src/credentials.js'
import type { EvidenceReads, ReadFailure } from '../../src/exchange/exchange.js'
import { isOpen } from '../../src/health/problem.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import { type HealthTenant, HealthWatch } from '../../src/watch/health-watch.js'
import { silentLog } from '../support/silent-log.js'
import { ann, conversation, newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

const refused: ReadFailure = { ok: false, code: 'permission', message: 'may not', retryable: false }
const goodPolicy = { enabled: true, notifies: true, recipients: 1 }

/** A tenant whose answers a test decides on, and that counts how often it is asked. */
class FakeTenant implements HealthTenant {
  asked = 0
  auditing: Awaited<ReturnType<EvidenceReads['auditing']>> = { ok: true, on: true }
  policy: Awaited<ReturnType<EvidenceReads['alertPolicy']>> = { ok: true, policy: goodPolicy }
  token: TokenAnswer = { ok: true, token: 'a token' }
  certificates: HealthTenant['certificates'] = []

  constructor(readonly name = 'Contoso') {}

  watch = () => ({})
  signInToUnblock = async () => this.token
  reads = {
    auditing: async () => {
      this.asked += 1
      return this.auditing
    },
    alertPolicy: async () => this.policy,
  }
}

let clock: TestClock
let store: Store
let tenant: FakeTenant
let watch: HealthWatch

beforeEach(async () => {
  clock = new TestClock()
  store = await openJsonStore({ folder: await newFolder(), clock, log: silentLog })
  tenant = new FakeTenant()
})

afterEach(async () => {
  watch.stop()
  await store.close()
  await removeFolders()
})

function start(tenants: HealthTenant[] = [tenant]): void {
  const policyProblems = async () => []
  watch = new HealthWatch({ tenants, botCertificates: [], store, policyProblems, clock, log: silentLog })
  watch.start()
}

/** Lets time pass, and looks at what came of it. */
async function pass(ms: number): Promise<string[]> {
  clock.advance(ms)
  await realPause(5)
  await watch.look()
  return (await store.problems()).filter(isOpen).map(({ cause }) => cause)
}

const started = async (): Promise<string[]> => {
  start()
  return pass(0)
}

describe('audit logging', () => {
  test('that is off is found at the start, and again good within the hour', async () => {
    tenant.auditing = { ok: true, on: false }
    expect(await started()).toEqual(['auditOff'])
    tenant.auditing = { ok: true, on: true }
    expect(await pass(59 * minuteMs)).toEqual(['auditOff'])
    expect(await pass(minuteMs)).toEqual([])
  })

  test('that could not be looked at is neither good nor bad, and a known problem stays', async () => {
    tenant.auditing = refused
    expect(await started()).toEqual([])
    tenant.auditing = { ok: true, on: false }
    expect(await pass(hourMs)).toEqual(['auditOff'])
    tenant.auditing = refused
    expect(await pass(hourMs)).toEqual(['auditOff'])
    expect(watch.tenants()[0]?.auditing).toMatchObject({ collected: false, cause: 'may not' })
  })

  test('that never answers does not hide the alert policy', async () => {
    tenant.reads.auditing = () => new Promise(() => undefined)
    tenant.policy = { ok: true, policy: undefined }
    expect(await started()).toEqual(['alertPolicyMissing'])
  })
})

test('an alert policy that was switched off is found, and the same problem is recorded once', async () => {
  await started()
  tenant.policy = { ok: true, policy: { ...goodPolicy, enabled: false } }
  expect(await pass(hourMs)).toEqual(['alertPolicyOff'])
  const head = store.head()
  for (let n = 0; n < 3; n++) await pass(minuteMs)
  expect(store.head()).toEqual(head)
})

test('an app for the removal that Entra refuses is found; that Entra does not answer says nothing', async () => {
  tenant.token = { ok: false, code: 'unreachable', message: 'no answer' }
  expect(await started()).toEqual([])
  tenant.token = { ok: false, code: 'credentials', message: 'the secret has expired' }
  expect(await pass(hourMs)).toEqual(['unblockCredentials'])
  expect((await store.problems())[0]?.detail).toBe('the secret has expired')
})

test('a certificate file that is not there is not known to be good', async () => {
  tenant.certificates = [{ what: 'exchange', path: '/nowhere/exchange.pem' }]
  expect(await started()).toEqual([])
  expect(watch.tenants()[0]?.certificates).toMatchObject([
    {
      what: 'exchange',
      until: { collected: false, cause: expect.stringContaining('/nowhere/exchange.pem') },
    },
  ])
})

test('a tenant that has left the settings is amiss no more', async () => {
  tenant.auditing = { ok: true, on: false }
  await started()
  watch.stop()
  start([new FakeTenant('Fabrikam')])
  expect(await pass(0)).toEqual([])
  expect((await store.problems())[0]?.over).toMatchObject({ unwatched: true })
})

describe('a conversation that was lost', () => {
  const lost = (id: string) => store.conversations().then((all) => all.find((one) => one.id === id))
  const lose = async (id: string) => {
    const gone = { at: clock.now(), cause: 'removed' }
    const watching = { since: clock.now(), by: ann }
    await store.changeConversation(id, () => conversation(id, { watching, gone }))
  }

  test('for a week is watched no more, and nothing is amiss any more', async () => {
    await lose('one')
    expect(await started()).toEqual(['conversationLost'])
    expect(await pass(7 * 24 * hourMs - 1)).toEqual(['conversationLost'])
    expect((await lost('one'))?.watching).toBeDefined()
    expect(await pass(1)).toEqual([])
    expect((await lost('one'))?.watching).toBeUndefined()
    expect((await store.problems())[0]?.over).toMatchObject({ unwatched: true })
  })

  test('and is back within the week is watched as before', async () => {
    await lose('one')
    await started()
    await pass(6 * 24 * hourMs)
    await store.changeConversation('one', (known) => known && { ...known, gone: undefined })
    expect(await pass(2 * 24 * hourMs)).toEqual([])
    expect((await lost('one'))?.watching).toBeDefined()
  })
})

test('a look that cannot be recorded fails, and the next one makes up for it', async () => {
  tenant.auditing = { ok: true, on: false }
  start()
  clock.advance(0)
  await realPause(5)
  const record = store.record
  store.record = () => Promise.reject(new Error('the disk is full'))
  await expect(watch.look()).rejects.toThrow('the disk is full')
  store.record = record
  expect(await pass(0)).toEqual(['auditOff'])
})

describe('checks', () => {
  test('are made again when somebody asks and the last are older than five minutes', async () => {
    await started()
    expect(tenant.asked).toBe(1)
    await pass(5 * minuteMs - 1)
    watch.refresh(['Contoso'])
    expect(tenant.asked).toBe(1)
    await pass(1)
    watch.refresh(['Fabrikam'])
    expect(tenant.asked).toBe(1)
    watch.refresh(['Contoso'])
    expect(tenant.asked).toBe(2)
  })

  test('of one tenant never run twice at once', async () => {
    tenant.reads.alertPolicy = () => new Promise(() => undefined)
    await started()
    await pass(10 * minuteMs)
    watch.refresh(['Contoso'])
    await pass(0)
    expect(tenant.asked).toBe(1)
  })

  test('of many tenants are spread, and end with the bot', async () => {
    const tenants = Array.from({ length: 40 }, (_, n) => new FakeTenant(`tenant ${n}`))
    const asked = () => tenants.filter((one) => one.asked > 0).length
    start(tenants)
    await pass(secondMs)
    expect(asked()).toBe(5)
    await pass(10 * secondMs)
    expect(asked()).toBe(40)
    watch.stop()
    await pass(2 * hourMs)
    expect(Math.max(...tenants.map((one) => one.asked))).toBe(1)
  })
})

import { setImmediate } from 'node:timers/promises'
import { secondMs } from '../../src/clock.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import { Lanes, type Offer } from '../../src/work/lanes.js'
import type { WorkResult } from '../../src/work/removal.js'
import { silentLog } from '../support/silent-log.js'
import { newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

let clock: TestClock
let store: Store
let lanes: Lanes
let ran: string[]
let due: Offer[]

beforeEach(async () => {
  clock = new TestClock()
  store = await openJsonStore({ folder: await newFolder(), clock, log: silentLog })
  ran = []
  due = []
  lanes = new Lanes({ store, clock, log: silentLog, random: () => 0.5, onFree: () => lanes.offer(due) })
})

afterEach(async () => {
  due = []
  await store.close()
  await removeFolders()
})

/** Work that notes that it ran, and goes off the list of what is due if it worked. */
function work(lane: string, name: string, result: () => WorkResult = () => 'done', state = '1'): Offer {
  const offer: Offer = {
    lane,
    name,
    state,
    run: async () => {
      ran.push(name)
      const is = result()
      if (is === 'done') due = due.filter((one) => one !== offer)
      return is
    },
  }
  return offer
}

async function offer(...offers: Offer[]): Promise<void> {
  due = offers
  lanes.offer(due)
  await settled()
}

/** What was started has run, and what that led to. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await setImmediate()
}

async function pass(seconds: number): Promise<void> {
  clock.advance(seconds * secondMs)
  await settled()
}

test('work of one lane is done one after the other, work of different lanes side by side', async () => {
  const waiting: (() => void)[] = []
  const slow = (lane: string, name: string): Offer => ({
    ...work(lane, name),
    run: () => {
      ran.push(name)
      return new Promise((resolve) => waiting.push(() => resolve('done')))
    },
  })
  await offer(slow('one', 'a'), slow('one', 'b'), slow('two', 'c'))
  expect(ran).toEqual(['a', 'c'])
  due = due.slice(1)
  waiting[0]?.()
  await settled()
  expect(ran).toEqual(['a', 'c', 'b'])
  due = []
  for (const finish of waiting) finish()
  await lanes.idle()
})

test('a lane that fails backs off alone, longer each time and a minute at most', async () => {
  await offer(
    work('down', 'a', () => 'again'),
    work('up', 'b'),
  )
  expect(ran).toEqual(['a', 'b'])
  const waits: number[] = []
  for (let seconds = 0, last = 0; waits.length < 9; seconds++) {
    const before = ran.length
    await pass(1)
    if (ran.length > before) {
      waits.push(seconds + 1 - last)
      last = seconds + 1
    }
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test('work that fails does not hold up the other work of its lane', async () => {
  const twoFail = [work('one', 'a', () => 'again'), work('one', 'b', () => 'again')]
  await offer(...twoFail, work('one', 'c'))
  await pass(1)
  await pass(2)
  expect(ran).toContain('c')
})

test('work that fails goes on being tried in turn, whatever is new', async () => {
  const failing = work('one', 'a', () => 'again')
  await offer(failing, work('one', 'b'))
  for (const name of ['c', 'd', 'e']) {
    due.push(work('one', name))
    await pass(60)
  }
  await pass(60)
  expect(ran.filter((name) => name === 'a').length).toBeGreaterThan(1)
  expect(ran).toEqual(expect.arrayContaining(['b', 'c', 'd', 'e']))
})

test('work that throws counts as failed and is tried again', async () => {
  let broken = true
  await offer(
    work('one', 'a', () => {
      if (broken) throw new Error('the disk is full')
      return 'done'
    }),
  )
  broken = false
  await pass(1)
  expect(ran).toEqual(['a', 'a'])
  expect(due).toEqual([])
})

test('work that says it is done and is due all the same is not repeated in a storm', async () => {
  const noEffect = (name: string): Offer => ({
    ...work('one', name),
    run: async () => {
      ran.push(name)
      return 'done'
    },
  })
  await offer(noEffect('a'), noEffect('b'))
  await pass(10)
  expect(ran.length).toBeLessThan(12)
})

test('the same work for a new state is done at once', async () => {
  await offer(work('one', 'a', () => 'done', '1'))
  await offer(work('one', 'a', () => 'done', '2'))
  expect(ran).toEqual(['a', 'a'])
})

test('work whose lane somebody else has claimed waits', async () => {
  const claim = await store.claim('one', clock.now(), '2026-11-22T04:00:00.000Z')
  await offer(work('one', 'a'))
  expect(ran).toEqual([])
  if (claim) await store.release(claim)
  await pass(1)
  expect(ran).toEqual(['a'])
})

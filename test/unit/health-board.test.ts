import { hourMs, later, secondMs } from '../../src/clock.js'
import { openJsonStore } from '../../src/store/json-store.js'
import { HealthBoard } from '../../src/work/health.js'
import { silentLog } from '../support/silent-log.js'
import { newFolder, removeFolders } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

afterEach(removeFolders)

test('how things are is looked at once a second at most, also after the clock was set back', async () => {
  const time = new TestClock()
  let setBackMs = 0
  const clock = { ...time, now: () => later(time.now(), -setBackMs) }
  const store = await openJsonStore({ folder: await newFolder(), clock: time, log: silentLog })
  let looks = 0
  const look = async () => {
    looks += 1
  }
  const show = async () => 'done' as const
  const wakeAt = time.wakeAt.bind(time)
  const board = new HealthBoard({
    store,
    look,
    show,
    tenants: [],
    serves: () => true,
    clock: { ...clock, wakeAt },
  })
  await board.offers()
  await board.offers()
  expect(looks).toBe(1)
  time.advance(secondMs)
  await board.offers()
  expect(looks).toBe(2)
  setBackMs = hourMs
  await board.offers()
  expect(looks).toBe(3)
  await store.close()
})

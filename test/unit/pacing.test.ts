import { Pacing } from '../../bot/pacing.js'
import { elapsedMs, hourMs, secondMs } from '../../src/clock.js'
import { TestClock } from '../support/test-clock.js'

/** What Microsoft allows one bot in one conversation; what is sent has to stay below. */
const allowed = [
  { most: 7, withinMs: secondMs },
  { most: 8, withinMs: 2 * secondMs },
  { most: 60, withinMs: 30 * secondMs },
  { most: 1_800, withinMs: hourMs },
]

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Asks for that many turns at once and lets time pass until all were given; returns when, in ms from the start. */
async function turnsOf(
  clock: TestClock,
  pacing: Pacing,
  conversation: string,
  count: number,
): Promise<number[]> {
  const start = clock.now()
  const given: number[] = []
  for (let n = 0; n < count; n++)
    void pacing.turn(conversation).then(() => given.push(elapsedMs(start, clock.now())))
  for (await settled(); given.length < count; await settled()) {
    const next = clock.nextAlarm()
    if (!next) throw new Error(`nothing to wait for after ${given.length} of ${count}`)
    clock.advance(Math.max(0, elapsedMs(clock.now(), next)))
  }
  return given
}

const mostWithin = (times: number[], withinMs: number): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + withinMs).length))

describe('how fast the bot speaks in one conversation', () => {
  test('a few messages go out at once', async () => {
    const clock = new TestClock()
    expect(await turnsOf(clock, new Pacing(clock), 'a', 6)).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('many wait for their turn, and Teams’ limits are never reached', async () => {
    const clock = new TestClock()
    const times = await turnsOf(clock, new Pacing(clock), 'a', 130)
    for (const { most, withinMs } of allowed) expect(mostWithin(times, withinMs)).toBeLessThan(most)
  })

  test('many do not wait longer than the limits ask for', async () => {
    const clock = new TestClock()
    const times = await turnsOf(clock, new Pacing(clock), 'a', 55)
    expect(Math.max(...times)).toBeLessThanOrEqual(16 * secondMs)
  })

  test('the limit of an hour holds as well', async () => {
    const clock = new TestClock()
    const pacing = new Pacing(clock)
    const times: number[] = []
    const start = clock.now()
    // One every 1.2 seconds breaks no shorter limit.
    for (let n = 0; n < 1_700; n++) {
      await pacing.turn('a')
      times.push(elapsedMs(start, clock.now()))
      clock.advance(1_200)
    }
    const waited = await turnsOf(clock, pacing, 'a', 1)
    expect(elapsedMs(start, clock.now())).toBeGreaterThanOrEqual(hourMs)
    expect(waited).toHaveLength(1)
  })

  test('one conversation does not wait for another', async () => {
    const clock = new TestClock()
    const pacing = new Pacing(clock)
    await turnsOf(clock, pacing, 'a', 6)
    let waiting = true
    void pacing.turn('a').then(() => {
      waiting = false
    })
    await pacing.turn('b')
    expect(waiting).toBe(true)
  })
})

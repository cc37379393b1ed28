import { fail, ok, warn } from '../../bot/doctor/check.js'
import { meaningOf } from '../../bot/doctor/degraded.js'
import { each } from '../../bot/doctor/patient.js'
import { asJson, asText, exitCodeOf } from '../../bot/doctor/report.js'

const findings = {
  whole: true,
  checks: [
    ok('machine.space', '900 MB are free.'),
    fail('settings.valid', { found: 'Two problems:\n  - one\n  - two', fix: 'Put them right' }),
    warn(
      'teams.conversation',
      { found: 'A name that colours: \u001b[31mred\u0007', fix: 'Look' },
      'Room\u001b[2J',
    ),
  ],
}

describe('what the doctor prints', () => {
  test('reads without colour, area by area, with what to do below what was found', () => {
    expect(asText(findings, false)).toBe(
      [
        'Settings',
        '  ✗ fail Settings: Two problems:',
        '           - one',
        '           - two',
        '         What to do: Put them right',
        '',
        'Teams',
        '  ! warn Conversation (Room [2J): A name that colours:  [31mred ',
        '         What to do: Look',
        '',
        'This machine and the running bot',
        '  ✓ ok   Free space for the record: 900 MB are free.',
        '',
        '1 ok, 1 to look at, 1 failed.',
        '',
      ].join('\n'),
    )
  })

  test('has colour where that is wanted, and only its own', () => {
    const text = asText(findings, true)
    expect(text).toContain('\u001b[31m✗ fail\u001b[0m Settings')
    expect(text.split('\u001b')).toHaveLength(7)
  })

  test('is for scripts one object, with the same lines', () => {
    expect(JSON.parse(asJson(findings))).toEqual({
      ok: false,
      checks: [
        { id: 'machine.space', area: 'machine', result: 'ok', found: '900 MB are free.' },
        {
          id: 'settings.valid',
          area: 'settings',
          result: 'fail',
          found: 'Two problems:\n  - one\n  - two',
          fix: 'Put them right',
        },
        {
          id: 'teams.conversation',
          area: 'teams',
          subject: 'Room\u001b[2J',
          result: 'warn',
          found: 'A name that colours: \u001b[31mred\u0007',
          fix: 'Look',
        },
      ],
    })
  })

  test('ends with 1 only if something failed', () => {
    const exitCodeWith = (...checks: typeof findings.checks) => exitCodeOf({ whole: true, checks })
    expect(exitCodeWith(...findings.checks)).toBe(1)
    expect(exitCodeWith(warn('machine.clock', { found: 'a little off', fix: 'set it' }))).toBe(0)
  })
})

describe('what the bot calls itself degraded by', () => {
  test.each([
    ['exchange-permission', 'does not let the app read'],
    ['exchange-somethingNew', 'somethingNew'],
    ['nobodyWatches', 'Nobody is told'],
    ['toString', 'toString.'],
  ])('%s is explained, or passed on', (code, words) => {
    expect(meaningOf(code)).toEqual({
      found: expect.stringContaining(words),
      fix: expect.stringMatching(/\S/),
    })
  })
})

test('of many things four are done at a time, and told in their order', async () => {
  let running = 0
  let most = 0
  const items = Array.from({ length: 11 }, (_, index) => index)
  const done: number[] = []
  const results = await each(
    items,
    async (item) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return [item * 10]
    },
    (count) => done.push(count),
  )
  expect(results).toEqual(items.map((item) => item * 10))
  expect(most).toBe(4)
  expect(done.at(-1)).toBe(11)
})

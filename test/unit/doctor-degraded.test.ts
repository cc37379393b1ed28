import { meaningOf } from '../../bot/doctor/degraded.js'
import { healthCauses } from '../../src/health/problem.js'

const readFailures = [
  'credentials',
  'permission',
  'throttled',
  'unreachable',
  'timeout',
  'serverError',
  'unreadable',
  'rowUnreadable',
  'stale',
]

describe('doctor explains what /readyz calls the bot', () => {
  test.each([
    ...healthCauses,
    'recordNotWritable',
    'signingKeysMissing',
    'draining',
    'nobodyWatches',
    'teamsCredentials',
    'teamsUnreachable',
    ...readFailures.map((code) => `exchange-${code}`),
  ])('%s', (code) => {
    const { found, fix } = meaningOf(code)
    expect(found).toMatch(/^[A-Z].*\.$/)
    expect(found).not.toContain(code.replace('exchange-', ': '))
    expect(found).not.toBe(`${code}.`)
    expect(fix).not.toContain('journalctl')
  })

  test('a word that is new to it is passed on as it is', () => {
    expect(meaningOf('somethingNew').found).toBe('somethingNew.')
  })
})

import { Alerts } from '../../bot/alerts.js'
import type { Read } from '../../src/exchange/exchange.js'
import { keptLog } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

const names = ['Contoso', 'Fabrikam']

function alertsWith(readNow: (tenant: string) => Promise<Read>, draining = false) {
  const { log, lines } = keptLog()
  const alerts = new Alerts({
    token: 'right',
    tenants: names,
    watcherOf: (tenant) => ({ readNow: () => readNow(tenant) }),
    draining: () => draining,
    clock: new TestClock(),
    log,
  })
  return { alerts, lines }
}

const never = () => new Promise<Read>(() => undefined)

test('an alert has every tenant read, or the one that it names', () => {
  const asked: string[] = []
  const { alerts } = alertsWith((tenant) => {
    asked.push(tenant)
    return never()
  })
  alerts.read(undefined)
  alerts.read('Fabrikam')
  alerts.read('nobody')
  expect(asked).toEqual([...names, 'Fabrikam', ...names])
})

test('a read that cannot be recorded is the log’s to tell', async () => {
  const { alerts, lines } = alertsWith(() => Promise.reject(new Error('the disk is full')))
  alerts.read('Contoso')
  await Promise.resolve()
  expect(lines).toMatchObject([{ tenant: 'Contoso', fault: 'the disk is full' }])
})

test('a bot that is being stopped takes no more alerts, and says so only to whoever has the token', () => {
  const { alerts } = alertsWith(never, true)
  expect(alerts.admit('Bearer right')).toMatchObject({ ok: false, status: 503 })
  expect(alerts.admit('Bearer wrong')).toMatchObject({ ok: false, status: 401 })
})

test('the scheme may be written in any case, the token may not', () => {
  const { alerts } = alertsWith(never)
  expect(alerts.admit('bearer right')).toEqual({ ok: true })
  expect(alerts.admit('Bearer RIGHT')).toMatchObject({ status: 401 })
  expect(alerts.admit(undefined)).toMatchObject({ status: 401 })
})

import { Alerts } from '../../bot/alerts.js'
import type { Read } from '../../src/exchange/exchange.js'
import { keptLog } from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

const names = ['Contoso', 'Fabrikam']

function alertsWith(readNow: (tenant: string) => Promise<Read>, draining = false) {
  const { log, lines } = keptLog()
  const clock = new TestClock()
  const alerts = new Alerts({
    token: 'right',
    tenants: names,
    watcherOf: (tenant) => ({ readNow: () => readNow(tenant) }),
    draining: () => draining,
    clock,
    log,
  })
  return { alerts, lines, clock }
}

const never = () => new Promise<Read>(() => undefined)

test('an alert has every tenant read, or the one that it names', () => {
  const asked: string[] = []
  const { alerts, clock } = alertsWith((tenant) => {
    asked.push(tenant)
    return never()
  })
  const passed = () => {
    clock.advance(1000)
    return asked.splice(0)
  }
  alerts.read(undefined)
  expect(passed()).toEqual(names)
  alerts.read('Fabrikam')
  expect(passed()).toEqual(['Fabrikam'])
  alerts.read('nobody')
  expect(passed()).toEqual(names)
})

test('tenants are read one shortly after the other, and once for two alerts that come together', () => {
  const asked: string[] = []
  const { alerts, clock } = alertsWith((tenant) => {
    asked.push(tenant)
    return never()
  })
  alerts.read(undefined)
  expect(asked).toEqual(['Contoso'])
  alerts.read(undefined)
  clock.advance(19)
  expect(asked).toEqual(['Contoso', 'Contoso'])
  clock.advance(1)
  expect(asked).toEqual(['Contoso', 'Contoso', 'Fabrikam'])
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

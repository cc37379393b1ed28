import { networkFailure } from '../../src/network-failure.js'

const error = (fields: object) => Object.assign(new Error('it failed'), fields)
const hiddenByFetch = (cause: unknown) => new TypeError('fetch failed', { cause })

test.each([
  ['a refused connection', error({ code: 'ECONNREFUSED' })],
  ['an unknown host', error({ code: 'ENOTFOUND', syscall: 'getaddrinfo' })],
  ['a name server that does not answer', error({ code: 'EAI_AGAIN' })],
  ['a network without a way there', error({ code: 'ENETUNREACH', syscall: 'connect' })],
  ['a connection that never came about', error({ code: 'ETIMEDOUT', syscall: 'connect' })],
  ['connecting too slowly', error({ code: 'UND_ERR_CONNECT_TIMEOUT' })],
  ['an expired certificate', error({ code: 'CERT_HAS_EXPIRED' })],
  ["another host's certificate", error({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })],
  [
    'every address failing to connect',
    new AggregateError([
      error({ code: 'ECONNREFUSED', syscall: 'connect' }),
      error({ code: 'ENETUNREACH', syscall: 'connect' }),
    ]),
  ],
])('after %s nothing can have been sent', (_, cause) => {
  expect(networkFailure(hiddenByFetch(cause)).neverSent).toBe(true)
  expect(networkFailure(cause).neverSent).toBe(true)
})

test.each([
  ['a reset', error({ code: 'ECONNRESET', syscall: 'read' })],
  ['a failed write', error({ code: 'EPIPE', syscall: 'write' })],
  ['a closed socket', error({ code: 'UND_ERR_SOCKET' })],
  ['no headers in time', error({ code: 'UND_ERR_HEADERS_TIMEOUT' })],
  ['a timeout while reading', error({ code: 'ETIMEDOUT', syscall: 'read' })],
  ['an answer that is not HTTP', error({ code: 'HPE_INVALID_CONSTANT' })],
  [
    'one address cut after connecting',
    new AggregateError([error({ code: 'ECONNREFUSED' }), error({ code: 'ECONNRESET' })]),
  ],
  ['an error without a code', error({})],
  ['something that is no error', 'it failed'],
])('after %s it may have been sent', (_, cause) => {
  expect(networkFailure(hiddenByFetch(cause)).neverSent).toBe(false)
})

test('it is said in words, with the code to search for', () => {
  expect(networkFailure(hiddenByFetch(error({ code: 'ECONNREFUSED' }))).why).toBe(
    'the connection was refused (ECONNREFUSED)',
  )
  expect(networkFailure(error({ code: 'SELF_SIGNED_CERT_IN_CHAIN' })).why).toContain('NODE_EXTRA_CA_CERTS')
  expect(networkFailure(error({ code: 'EHOSTDOWN' })).why).toBe('EHOSTDOWN')
  expect(networkFailure(error({})).why).toBe('it failed')
})

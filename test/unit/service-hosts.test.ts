import { serviceHosts } from '../../bot/service-hosts.js'

const allowed = serviceHosts([])

describe('the hosts that the bot speaks to as Teams', () => {
  test.each([
    'https://smba.trafficmanager.net/teams/',
    'https://smba.trafficmanager.net/emea/11111111-1111-4111-8111-111111111111/',
    'https://SMBA.TrafficManager.Net/amer',
    'https://smba.trafficmanager.net:443/teams/',
    'https://smba.infra.gcc.teams.microsoft.com/teams',
    'https://smba.infra.gov.teams.microsoft.us/teams',
    'https://smba.infra.dod.teams.microsoft.us/teams',
  ])("Microsoft's own are allowed: %s", (url) => {
    expect(allowed(url)).toBe(true)
  })

  test.each([
    ['somebody else’s name under the same suffix', 'https://evil.trafficmanager.net/teams/'],
    ['a name that only begins like one', 'https://smba.trafficmanager.net.evil.example/'],
    ['a name that only ends like one', 'https://evilsmba.trafficmanager.net/'],
    ['a name below one', 'https://x.smba.trafficmanager.net/'],
    ['the suffix alone', 'https://trafficmanager.net/'],
    ['a host behind a user name', 'https://smba.trafficmanager.net@evil.example/'],
    ['a user name', 'https://evil@smba.trafficmanager.net/'],
    ['a user name and password', 'https://a:b@smba.trafficmanager.net/'],
    ['letters that look the same', 'https://ѕmba.trafficmanager.net/'],
    ['a dot at the end', 'https://smba.trafficmanager.net./'],
    ['another port', 'https://smba.trafficmanager.net:8443/'],
    ['plain http', 'http://smba.trafficmanager.net/teams/'],
    ['another protocol', 'ftp://smba.trafficmanager.net/'],
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['an address', 'https://203.0.113.5/'],
    ['the metadata address of clouds', 'http://169.254.169.254/latest/'],
    ['this machine', 'http://127.0.0.1:9999/'],
    ['this machine by name', 'http://localhost/'],
    ['a query that swallows the path', 'https://smba.trafficmanager.net/?next='],
    ['a fragment that swallows the path', 'https://smba.trafficmanager.net/#'.concat('x')],
    ['no URL', 'smba.trafficmanager.net'],
    ['nothing', ''],
    ['a blank in the host', 'https://smba.trafficmanager.net evil.example/'],
    ['a zero byte', 'https://smba.trafficmanager.net\u0000.evil.example/'],
  ])('%s is not: %j', (_what, url) => {
    expect(allowed(url)).toBe(false)
  })

  describe('with hosts of the operator’s own', () => {
    const extended = serviceHosts([
      'teams.partner.example',
      '127.0.0.1:3979',
      'proxy.example:8443',
      'other.example',
    ])

    test.each([
      'https://teams.partner.example/teams',
      'https://proxy.example:8443/',
      'http://127.0.0.1:3979/_connector',
      'https://smba.trafficmanager.net/teams/',
    ])('%s is allowed', (url) => {
      expect(extended(url)).toBe(true)
    })

    test.each([
      ['plain http to a host that is not this machine', 'http://other.example/'],
      ['another port than the one listed', 'https://proxy.example/'],
      ['another port of this machine', 'http://127.0.0.1:3980/'],
      ['this machine under another name', 'http://localhost:3979/'],
      ['a name below a listed one', 'https://evil.teams.partner.example/'],
      ['a name that begins like this machine', 'http://127.0.0.1.evil.example:3979/'],
    ])('%s is not: %s', (_what, url) => {
      expect(extended(url)).toBe(false)
    })

    test('a listed name that begins like a loopback address is still not this machine', () => {
      expect(serviceHosts(['127.evil.example'])('http://127.evil.example/')).toBe(false)
    })
  })
})

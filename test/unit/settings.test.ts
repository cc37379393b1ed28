import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explain, Fault } from '../../src/errors.js'
import { isLoopback } from '../../src/loopback.js'
import { readSettings, type Settings, settingNames, type WatchedTenantSettings } from '../../src/settings.js'

const tenant = '11111111-1111-4111-8111-111111111111'
const bot = '22222222-2222-4222-8222-222222222222'
const app = '33333333-3333-4333-8333-333333333333'

const enough = {
  MicrosoftAppId: bot,
  MicrosoftAppTenantId: tenant,
  MicrosoftAppPassword: 'bot-password-canary',
  EXCHANGE: 'admin-api',
  EXCHANGE_TENANT_ID: tenant,
  EXCHANGE_ORGANIZATION: 'contoso.onmicrosoft.com',
  EXCHANGE_CLIENT_ID: app,
  EXCHANGE_CLIENT_SECRET: 'exchange-secret-canary',
}

/** Why the settings are refused. */
function refusalOf(environment: Record<string, string | undefined>, envFile: string): Fault {
  try {
    readSettings(environment, envFile)
  } catch (fault) {
    if (fault instanceof Fault && fault.code === 'settingsInvalid') return fault
    throw fault
  }
  throw new Error('the settings were accepted')
}

const watched = ({ exchange }: Settings): WatchedTenantSettings[] =>
  exchange.kind === 'admin-api' ? exchange.tenants : []

/** The settings that a refusal lists, in its order. */
const namesIn = ({ message }: Fault): (string | undefined)[] =>
  [...message.matchAll(/^ {2}- (\w+)/gm)].map(([, name]) => name)

describe('the settings', () => {
  let folder: string
  let envFile: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'warden-settings-'))
    envFile = join(folder, '.env')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const read = (environment: Record<string, string | undefined>): Settings =>
    readSettings(environment, envFile)
  const problems = (environment: Record<string, string | undefined>): string =>
    explain(refusalOf(environment, envFile))

  test('with no more than is needed, everything else has its default', () => {
    expect(read(enough)).toEqual({
      host: '127.0.0.1',
      port: 3978,
      dataDir: './data',
      roleMapFile: 'config/roles.json',
      rulesFile: 'config/rules.json',
      pollSeconds: 60,
      logLevel: 'info',
      entraUrl: 'https://login.microsoftonline.com',
      graphUrl: 'https://graph.microsoft.com',
      homeTenantId: tenant,
      bot: {
        appId: bot,
        credential: { tenantId: tenant, clientId: bot, secret: 'bot-password-canary' },
        issuer: 'https://api.botframework.com',
        scope: 'https://api.botframework.com/.default',
        metadataUrl: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
        extraServiceHosts: [],
      },
      exchange: {
        kind: 'admin-api',
        tenants: [
          {
            name: 'contoso.onmicrosoft.com',
            tenantId: tenant,
            organization: 'contoso.onmicrosoft.com',
            url: 'https://outlook.office365.com',
            scope: 'https://outlook.office365.com/.default',
            complianceUrl: 'https://ps.compliance.protection.outlook.com',
            credential: { tenantId: tenant, clientId: app, secret: 'exchange-secret-canary' },
          },
        ],
      },
    })
  })

  test('a simulated Exchange needs no app for it', () => {
    const { EXCHANGE_TENANT_ID, EXCHANGE_ORGANIZATION, EXCHANGE_CLIENT_ID, EXCHANGE_CLIENT_SECRET, ...rest } =
      enough
    expect(read({ ...rest, EXCHANGE: 'simulated' }).exchange).toEqual({ kind: 'simulated' })
  })

  test('everything that is missing is named at once', () => {
    const refused = refusalOf({ EXCHANGE: 'admin-api' }, envFile)
    expect(namesIn(refused)).toEqual([
      'MicrosoftAppId',
      'MicrosoftAppTenantId',
      'MicrosoftAppPassword',
      'EXCHANGE_TENANT_ID',
      'EXCHANGE_ORGANIZATION',
    ])
    expect(explain(refused)).toContain('.env.example')
  })

  test('what is missing is named beside what is wrong', () => {
    writeFileSync(envFile, 'POLL_SECOND=5\n')
    const told = problems({ PORT: 'eighty', EXCHANGE: 'admin-api', LOG_LEVEL: 'loud' })
    for (const name of ['POLL_SECONDS', 'PORT', 'LOG_LEVEL', 'MicrosoftAppId', 'EXCHANGE_TENANT_ID'])
      expect(told).toContain(name)
  })

  test('how Exchange is reached has no default', () => {
    expect(problems({ ...enough, EXCHANGE: undefined })).toMatch(/EXCHANGE: .*admin-api or simulated/)
  })

  test.each([
    ['both', { MicrosoftAppCertificatePath: 'bot.pem' }],
    ['neither', { MicrosoftAppPassword: '' }],
  ])('of secret and certificate exactly one is taken, not %s', (_what, change) => {
    expect(problems({ ...enough, ...change })).toContain('exactly one of them')
  })

  test('a certificate takes the place of a secret', () => {
    const { MicrosoftAppPassword, ...rest } = enough
    expect(read({ ...rest, MicrosoftAppCertificatePath: 'bot.pem' }).bot.credential).toEqual({
      tenantId: tenant,
      clientId: bot,
      certificatePath: 'bot.pem',
    })
  })

  describe('without secret and certificate', () => {
    const { EXCHANGE_CLIENT_SECRET, MicrosoftAppPassword, ...bare } = enough
    const { EXCHANGE_CLIENT_ID, ...anonymous } = bare
    const federatedTokenFile = '/var/run/secrets/azure/tokens/azure-identity-token'
    const onAks = { AZURE_FEDERATED_TOKEN_FILE: federatedTokenFile }

    test.each([
      ['its own', { ...anonymous, MicrosoftAppPassword }, undefined],
      ['the one with this client id', { ...bare, MicrosoftAppPassword }, app],
    ])('Exchange is read as the managed identity of the machine, %s', (_which, given, clientId) => {
      expect(watched(read(given))).toMatchObject([
        { credential: { tenantId: tenant, clientId, managedIdentity: true } },
      ])
    })

    test('a federated token is taken where the platform gives one, for Exchange and for the bot', () => {
      const settings = read({ ...bare, ...onAks })
      expect(settings.bot.credential).toEqual({ tenantId: tenant, clientId: bot, federatedTokenFile })
      expect(watched(settings)).toMatchObject([
        { credential: { tenantId: tenant, clientId: app, federatedTokenFile } },
      ])
    })

    test('a federated token needs to know which app it is for', () => {
      expect(namesIn(refusalOf({ ...anonymous, ...onAks }, envFile))).toEqual(['EXCHANGE_CLIENT_ID'])
    })

    test('a secret or certificate that is set counts, also where the platform gives a federated token', () => {
      const settings = read({ ...enough, ...onAks })
      expect(settings.bot.credential).toHaveProperty('secret')
      expect(watched(settings)).toMatchObject([{ credential: { secret: 'exchange-secret-canary' } }])
    })

    test.each(['UserAssignedMSI', 'UserAssignedMsi', 'userassignedmsi'])(
      'a bot of the type %s is a managed identity itself',
      (MicrosoftAppType) => {
        expect(read({ ...bare, ...onAks, MicrosoftAppType }).bot.credential).toEqual({
          tenantId: tenant,
          clientId: bot,
          managedIdentity: true,
        })
      },
    )

    test.each([{ MicrosoftAppPassword }, { MicrosoftAppCertificatePath: 'bot.pem' }])(
      'a bot that is a managed identity has neither: %j',
      (proof) => {
        const given = { ...enough, MicrosoftAppPassword: undefined, MicrosoftAppType: 'UserAssignedMSI' }
        expect(problems({ ...given, ...proof })).toContain('must not be set where MicrosoftAppType is')
      },
    )
  })

  test('Exchange’s secret and certificate are not set both', () => {
    expect(problems({ ...enough, EXCHANGE_CERTIFICATE_PATH: 'app.pem' })).toContain(
      'EXCHANGE_CLIENT_SECRET or EXCHANGE_CERTIFICATE_PATH: at most one',
    )
  })

  describe('a second app for the removal', () => {
    const EXCHANGE_UNBLOCK_CLIENT_ID = '44444444-4444-4444-8444-444444444444'
    const EXCHANGE_UNBLOCK_CLIENT_SECRET = 'unblock-secret-canary'
    const EXCHANGE_UNBLOCK_CERTIFICATE_PATH = 'unblock.pem'
    const unblocker = { tenantId: tenant, clientId: EXCHANGE_UNBLOCK_CLIENT_ID }

    test.each([
      [{ EXCHANGE_UNBLOCK_CLIENT_SECRET }, { secret: EXCHANGE_UNBLOCK_CLIENT_SECRET }],
      [{ EXCHANGE_UNBLOCK_CERTIFICATE_PATH }, { certificatePath: EXCHANGE_UNBLOCK_CERTIFICATE_PATH }],
    ])('proves itself with %j', (proof, expected) => {
      expect(watched(read({ ...enough, EXCHANGE_UNBLOCK_CLIENT_ID, ...proof }))).toMatchObject([
        { unblockCredential: { ...unblocker, ...expected } },
      ])
    })

    test('may be a managed identity if the first one is', () => {
      const given = { ...enough, EXCHANGE_CLIENT_SECRET: undefined, EXCHANGE_UNBLOCK_CLIENT_ID }
      expect(watched(read(given))).toMatchObject([
        { unblockCredential: { ...unblocker, managedIdentity: true } },
      ])
    })

    test.each([
      ['nothing', { EXCHANGE_UNBLOCK_CLIENT_ID }, 'exactly one of them'],
      [
        'both',
        {
          EXCHANGE_UNBLOCK_CLIENT_ID,
          EXCHANGE_UNBLOCK_CLIENT_SECRET,
          EXCHANGE_UNBLOCK_CERTIFICATE_PATH,
        },
        'exactly one of them',
      ],
      ['no client id', { EXCHANGE_UNBLOCK_CLIENT_SECRET }, 'EXCHANGE_UNBLOCK_CLIENT_ID: missing'],
    ])('with %s is a problem before it is needed', (_what, given, words) => {
      expect(problems({ ...enough, ...given })).toContain(words)
    })
  })

  test('what calls for an early look and what operators read are off until they are set', () => {
    const alertToken = 'a'.repeat(32)
    expect(read({ ...enough, ALERT_TOKEN: alertToken, OPS_PORT: '9090' })).toMatchObject({
      alertToken,
      ops: { host: '127.0.0.1', port: 9090 },
    })
    expect(read({ ...enough, OPS_HOST: '10.0.0.1' }).ops).toBeUndefined()
  })

  test('ALERT_TOKEN is nothing that can be guessed', () => {
    const told = problems({ ...enough, ALERT_TOKEN: 'short-canary-of-31-characters..' })
    expect(told).toContain('ALERT_TOKEN: must be at least 32 characters long')
    expect(told).not.toContain('canary')
  })

  test.each([
    ['blanks', 'correct horse battery staple canary'],
    ['other letters than ASCII', 'canary-ünd-so-weiter-und-so-weiter-und-so'],
  ])('ALERT_TOKEN with %s, which no caller could ever send, is refused', (_what, token) => {
    const told = problems({ ...enough, ALERT_TOKEN: token })
    expect(told).toContain('plain ASCII, without blanks')
    expect(told).not.toContain('canary')
  })

  test('a bot that would not check whom it sends its secrets to does not start', () => {
    const told = problems({ ...enough, NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect(told).toContain('NODE_TLS_REJECT_UNAUTHORIZED: must not be 0')
    expect(told).toContain('NODE_EXTRA_CA_CERTS')
    expect(read({ ...enough, NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toEqual(read(enough))
  })

  test.each(['https://outlook.office365.com?x=1', 'https://outlook.office365.com/#here'])(
    'an address that paths are put behind ends with its own: %s is refused',
    (url) => {
      for (const name of ['EXCHANGE_URL', 'COMPLIANCE_URL', 'GRAPH_URL', 'ENTRA_URL'])
        expect(problems({ ...enough, [name]: url })).toContain(`${name}: must be an https URL`)
    },
  )

  test('no value is ever printed, right or wrong', () => {
    const canary = 'S3cr3t~Canary'
    writeFileSync(envFile, `EXCHANGE_CLIENT_SECERT=${canary}\nMicrosoftAppPasword=${canary}\n`)
    const wrong = Object.fromEntries(settingNames.map((name) => [name, `${canary} of ${name}`]))
    expect(problems(wrong)).not.toContain(canary)
  })

  describe('in .env', () => {
    test('are read, and the environment wins', () => {
      writeFileSync(envFile, 'PORT=1000\nPOLL_SECONDS=30\n')
      expect(read({ ...enough, PORT: '2000' })).toMatchObject({ port: 2000, pollSeconds: 30 })
    })

    test('an empty value means not set, and hides nothing', () => {
      writeFileSync(envFile, 'PORT=\nPOLL_SECONDS=30\nLOG_LEVEL="  "\n')
      expect(read({ ...enough, POLL_SECONDS: '' })).toMatchObject({
        port: 3978,
        pollSeconds: 30,
        logLevel: 'info',
      })
    })

    test('quotes, comments, Windows line ends and a byte order mark do no harm', () => {
      writeFileSync(envFile, '\ufeffPORT=1000\r\n# a comment\r\nMicrosoftAppPassword="with # and blank"\r\n')
      const { MicrosoftAppPassword, ...rest } = enough
      const { port, bot: settings } = read(rest)
      expect(port).toBe(1000)
      expect(settings.credential).toMatchObject({ secret: 'with # and blank' })
    })

    test('a line end that a container runtime leaves in a value does no harm', () => {
      expect(read({ ...enough, MicrosoftAppId: `${bot}\r` }).bot.appId).toBe(bot)
    })

    test.each([
      ['MicrosoftAppID2', 'MicrosoftAppId'],
      ['MICROSOFT_APP_TENANT_ID', 'MicrosoftAppTenantId'],
      ['EXCHANGE_CLIENT_SECERT', 'EXCHANGE_CLIENT_SECRET'],
      ['ROLEMAP_FILE', 'ROLE_MAP_FILE'],
      ['POLL_SECOND', 'POLL_SECONDS'],
      ['port', 'PORT'],
    ])('a misspelt %s is a problem, and %s is suggested', (typed, meant) => {
      writeFileSync(envFile, `${typed}=1\n`)
      expect(problems(enough)).toMatch(new RegExp(`${typed} in .*did you mean ${meant}\\?`))
    })

    test.each(['EXCHANGE_UNBLOCK_APP', 'MicrosoftAppColour'])(
      '%s begins like ours and is nothing: a problem',
      (typed) => {
        writeFileSync(envFile, `${typed}=1\n`)
        expect(problems(enough)).toContain(`${typed} in ${envFile}: there is no such setting`)
      },
    )

    test('what belongs to Azure’s own libraries is left alone', () => {
      writeFileSync(envFile, 'AZURE_CLIENT_ID=x\nAZURE_TENANT_ID=x\nAZURE_AUTHORITY_HOST=x\n')
      expect(read(enough).port).toBe(3978)
    })

    test('what belongs to other programs is left alone', () => {
      writeFileSync(envFile, 'NODE_EXTRA_CA_CERTS=ca.pem\nTZ=UTC\nHTTPS_PROXY=http://proxy\nOAuthUrl=x\n')
      expect(read(enough).port).toBe(3978)
    })

    test('one that cannot be read stops the start', () => {
      envFile = folder
      expect(problems(enough)).toContain('cannot be read')
    })
  })

  describe('URLs', () => {
    const urls = ['EXCHANGE_URL', 'COMPLIANCE_URL', 'GRAPH_URL', 'ToBotFromChannelOpenIdMetadataUrl']

    test.each(
      urls.flatMap((name) =>
        [
          'outlook.office365.com',
          'http://outlook.office365.com',
          'http://127.0.0.1.evil.example',
          'http://127.evil.example',
          'http://0.0.0.0:80',
          'https://user@outlook.office365.com',
          'https://user:word@outlook.office365.com',
          'ftp://outlook.office365.com',
          'not a url',
        ].map((url) => [name, url]),
      ),
    )('%s does not take %s', (name, url) => {
      const told = problems({ ...enough, [name]: url })
      expect(told).toContain(`${name}: must be an https URL, or plain http to a loopback address`)
      expect(told).not.toContain(url)
    })

    test.each([
      'http://127.0.0.1:8080',
      'http://localhost:8080',
      'http://[::1]:8080',
      'https://outlook.office365.us',
    ])('EXCHANGE_URL takes %s, and the scope follows it', (url) => {
      expect(watched(read({ ...enough, EXCHANGE_URL: `${url}/` }))).toMatchObject([
        { url, scope: `${url}/.default` },
      ])
    })

    test.each(['http://127.0.0.1:8080', 'http://login.microsoftonline.com', 'login.microsoftonline.com'])(
      'ENTRA_URL does not take %s: it issues all tokens, and they never travel in the open',
      (url) => {
        expect(problems({ ...enough, ENTRA_URL: url })).toContain('ENTRA_URL: must be an https URL, without')
      },
    )

    test('ENTRA_URL takes another host as given', () => {
      expect(read({ ...enough, ENTRA_URL: 'https://login.example:8443/' }).entraUrl).toBe(
        'https://login.example:8443',
      )
    })

    test.each([
      ['http://127.1', true],
      ['http://127.200.3.4', true],
      ['http://[::1]', true],
      ['http://LOCALHOST', true],
      ['http://localhost.evil.example', false],
      ['http://127.0.0.1.nip.example', false],
      ['http://128.0.0.1', false],
      ['http://[::ffff:8.8.8.8]', false],
    ])('whether %s is this machine: %s', (url, expected) => {
      expect(isLoopback(new URL(url))).toBe(expected)
    })
  })

  describe('clouds', () => {
    const government = 'https://botframework.azure.us'
    const china = 'https://botframework.azure.cn'

    test.each([
      [government, 'us', 'https://login.microsoftonline.us'],
      [china, 'azure.cn', 'https://login.partner.microsoftonline.cn'],
    ])('%s sets issuer, keys, scope and sign-in together', (ChannelService, ending, entraUrl) => {
      const settings = read({ ...enough, ChannelService })
      expect(settings.entraUrl).toBe(entraUrl)
      expect(settings.bot).toMatchObject({
        issuer: `https://api.botframework.${ending}`,
        scope: `https://api.botframework.${ending}/.default`,
        metadataUrl: `${ChannelService.replace('//', '//login.')}/v1/.well-known/openidconfiguration`,
      })
    })

    test.each([
      [
        'GCC High',
        { ChannelService: government },
        'https://outlook.office365.us',
        'https://ps.compliance.protection.office365.us',
        'https://graph.microsoft.us',
      ],
      [
        'DoD, told apart by EXCHANGE_URL',
        { ChannelService: government, EXCHANGE_URL: 'https://outlook-dod.office365.us/' },
        'https://outlook-dod.office365.us',
        'https://l5.ps.compliance.protection.office365.us',
        'https://dod-graph.microsoft.us',
      ],
      [
        '21Vianet',
        { ChannelService: china },
        'https://outlook.office365.cn',
        'https://ps.compliance.protection.partner.outlook.cn',
        'https://microsoftgraph.chinacloudapi.cn',
      ],
    ])('%s has its own Exchange, compliance and Graph', (_name, given, url, complianceUrl, graphUrl) => {
      const settings = read({ ...enough, ...given })
      expect(settings.graphUrl).toBe(graphUrl)
      expect(watched(settings)).toMatchObject([{ url, scope: `${url}/.default`, complianceUrl }])
    })

    test('each address can be set all the same', () => {
      const settings = read({
        ...enough,
        ChannelService: government,
        ENTRA_URL: 'https://login.example',
        GRAPH_URL: 'https://graph.example/',
        EXCHANGE_URL: 'https://exchange.example',
        EXCHANGE_SCOPE: 'https://scope.example/.default',
        COMPLIANCE_URL: 'https://compliance.example',
      })
      expect(settings).toMatchObject({ entraUrl: 'https://login.example', graphUrl: 'https://graph.example' })
      expect(watched(settings)).toMatchObject([
        {
          url: 'https://exchange.example',
          scope: 'https://scope.example/.default',
          complianceUrl: 'https://compliance.example',
        },
      ])
    })

    test('setting one name leaves the others at the cloud’s defaults', () => {
      const settings = read({ ...enough, ToBotFromChannelOpenIdMetadataUrl: 'http://127.0.0.1:5000/openid' })
      expect(settings.bot).toMatchObject({
        metadataUrl: 'http://127.0.0.1:5000/openid',
        issuer: 'https://api.botframework.com',
        scope: 'https://api.botframework.com/.default',
      })
    })

    test.each(['https://api.botframework.azure.cn', 'https://api.botframework.azure.cn/.default'])(
      'a scope is taken with and without its ending: %s',
      (scope) => {
        expect(read({ ...enough, ToChannelFromBotOAuthScope: scope }).bot.scope).toBe(
          'https://api.botframework.azure.cn/.default',
        )
      },
    )

    test.each(['https://botframework.azure.de', 'gov'])(
      'a cloud that is not known is a problem: %s',
      (cloud) => {
        expect(problems({ ...enough, ChannelService: cloud })).toContain('ChannelService: must be empty')
      },
    )

    test('another type of app is a problem, not silently something else', () => {
      expect(problems({ ...enough, MicrosoftAppType: 'MultiTenant' })).toContain(
        'MicrosoftAppType: must be SingleTenant or UserAssignedMSI',
      )
    })
  })

  test.each(['0', '-5', '1.5', '1e3', 'soon', '100000', '0x10'])('POLL_SECONDS does not take %s', (value) => {
    expect(problems({ ...enough, POLL_SECONDS: value })).toContain(
      'POLL_SECONDS: must be a whole number of seconds',
    )
  })

  test('POLL_SECONDS takes a second', () => {
    expect(read({ ...enough, POLL_SECONDS: '1' }).pollSeconds).toBe(1)
  })

  test.each(
    ['65536', '-1', '80a', '1e3'].flatMap((value) => [
      ['PORT', value],
      ['OPS_PORT', value],
    ]),
  )('%s does not take %s', (name, value) => {
    expect(problems({ ...enough, [name]: value })).toContain(`  - ${name}: must be a port number`)
  })

  test.each([
    'MicrosoftAppId',
    'MicrosoftAppTenantId',
    'EXCHANGE_CLIENT_ID',
    'EXCHANGE_UNBLOCK_CLIENT_ID',
    'EXCHANGE_TENANT_ID',
  ])('%s has to be a GUID', (name) => {
    expect(problems({ ...enough, [name]: 'contoso' })).toContain(`${name}: must be a GUID`)
  })

  test('TEAMS_SERVICE_HOSTS is a list of hosts', () => {
    const settings = read({
      ...enough,
      TEAMS_SERVICE_HOSTS: ' Teams.Partner.Example, 127.0.0.1:3979 ,[::1]:80,',
    })
    expect(settings.bot.extraServiceHosts).toEqual(['teams.partner.example', '127.0.0.1:3979', '[::1]:80'])
  })

  test.each(['https://teams.partner.example', 'a b', '*.example', 'host:port', 'user@host'])(
    'TEAMS_SERVICE_HOSTS does not take %s',
    (value) => {
      expect(problems({ ...enough, TEAMS_SERVICE_HOSTS: value })).toContain(
        'TEAMS_SERVICE_HOSTS: must be hosts',
      )
    },
  )
})

describe('.env.example', () => {
  const text = readFileSync('.env.example', 'utf8')
  const lines = [...text.matchAll(/^(#?)([A-Za-z_]+)=(.*)$/gm)].map(([, off, name, value]) => ({
    off,
    name,
    value,
  }))

  test('shows every setting once, and nothing that is none', () => {
    expect(lines.map(({ name }) => name).sort()).toEqual([...settingNames].sort())
  })

  test('shows the defaults that are really in force', () => {
    const shown = Object.fromEntries(lines.filter(({ off }) => off).map(({ name, value }) => [name, value]))
    expect(readSettings({ ...shown, ...enough }, 'no such file')).toEqual(
      readSettings(enough, 'no such file'),
    )
  })

  test('copied as it is, it asks for exactly what has no default', () => {
    expect(namesIn(refusalOf({}, '.env.example'))).toEqual([
      'EXCHANGE',
      'MicrosoftAppId',
      'MicrosoftAppTenantId',
      'MicrosoftAppPassword',
    ])
  })
})

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explain, Fault } from '../../src/errors.js'
import { readSettings, type WatchedTenantSettings } from '../../src/settings.js'

const home = '11111111-1111-4111-8111-111111111111'
const app = '33333333-3333-4333-8333-333333333333'
const otherApp = '66666666-6666-4666-8666-666666666666'

let folder: string
let file: string
let environment: Record<string, string | undefined>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warden-tenants-'))
  file = join(folder, 'tenants.json')
  environment = {
    MicrosoftAppId: '22222222-2222-4222-8222-222222222222',
    MicrosoftAppTenantId: home,
    MicrosoftAppPassword: 'bot-password',
    EXCHANGE: 'admin-api',
    TENANTS_FILE: file,
    CONTOSO_SECRET: 'contoso-secret',
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const contoso = {
  name: 'Contoso',
  tenantId: '44444444-4444-4444-8444-444444444444',
  organization: 'contoso.onmicrosoft.com',
  clientId: app,
  secretVariable: 'CONTOSO_SECRET',
}
const fabrikam = {
  ...contoso,
  name: 'Fabrikam',
  tenantId: '55555555-5555-4555-8555-555555555555',
  organization: 'fabrikam.onmicrosoft.com',
}

const write = (content: string, mode = 0o600) => {
  writeFileSync(file, content)
  chmodSync(file, mode)
}
const secretIn = (name: string, content: string, mode = 0o600) => {
  writeFileSync(join(folder, name), content)
  chmodSync(join(folder, name), mode)
}

/** The tenants as the settings have them. */
function tenants(...entries: unknown[]): WatchedTenantSettings[] {
  if (entries.length > 0) write(JSON.stringify({ tenants: entries }))
  const { exchange } = readSettings(environment, join(folder, '.env'))
  return exchange.kind === 'admin-api' ? exchange.tenants : []
}

/** What the refused start says. */
function problems(...entries: unknown[]): string {
  try {
    tenants(...entries)
  } catch (fault) {
    if (fault instanceof Fault && fault.code === 'settingsInvalid') return explain(fault)
    throw fault
  }
  throw new Error('the file was accepted')
}

const without = ({ ...entry }: Record<string, unknown>, ...keys: string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => !keys.includes(key)))

describe('the tenants file', () => {
  test('names several tenants; what it leaves out, the settings say for all', () => {
    environment.EXCHANGE_URL = 'https://exchange.example'
    environment.EXCHANGE_SCOPE = 'https://scope.example/.default'
    environment.COMPLIANCE_URL = 'https://compliance.example'
    expect(tenants(contoso, { ...fabrikam, conversations: ['19:fabrikam@thread.tacv2'] })).toEqual([
      {
        name: 'Contoso',
        tenantId: contoso.tenantId,
        organization: 'contoso.onmicrosoft.com',
        url: 'https://exchange.example',
        scope: 'https://scope.example/.default',
        complianceUrl: 'https://compliance.example',
        credential: { tenantId: contoso.tenantId, clientId: app, secret: 'contoso-secret' },
      },
      expect.objectContaining({ name: 'Fabrikam', conversations: ['19:fabrikam@thread.tacv2'] }),
    ])
  })

  test('can give a tenant addresses of its own; the scope follows the address, the cloud’s compliance too', () => {
    environment.ChannelService = 'https://botframework.azure.us'
    environment.EXCHANGE_SCOPE = 'https://scope.example/.default'
    const own = {
      exchangeUrl: 'https://outlook.example/',
      exchangeScope: 'https://x.example/.default',
      complianceUrl: 'https://c.example',
    }
    expect(
      tenants({ ...contoso, exchangeUrl: 'https://outlook-dod.office365.us' }, { ...fabrikam, ...own }),
    ).toMatchObject([
      {
        url: 'https://outlook-dod.office365.us',
        scope: 'https://outlook-dod.office365.us/.default',
        complianceUrl: 'https://l5.ps.compliance.protection.office365.us',
      },
      {
        url: 'https://outlook.example',
        scope: 'https://x.example/.default',
        complianceUrl: 'https://c.example',
      },
    ])
  })

  test('refers to what an app proves itself with; paths start from its folder', () => {
    mkdirSync(join(folder, 'secrets'))
    secretIn('secrets/contoso', ' secret of a file\n')
    const proven = (proof: object) =>
      tenants({ ...without(contoso, 'secretVariable'), ...proof })[0]?.credential
    const who = { tenantId: contoso.tenantId, clientId: app }
    expect(proven({ secretFile: 'secrets/contoso' })).toEqual({ ...who, secret: 'secret of a file' })
    expect(proven({ secretFile: join(folder, 'secrets/contoso') })).toEqual({
      ...who,
      secret: 'secret of a file',
    })
    expect(proven({ certificatePath: 'app.pem' })).toEqual({
      ...who,
      certificatePath: join(folder, 'app.pem'),
    })
    expect(proven({ federatedTokenFile: '/var/token' })).toEqual({
      ...who,
      federatedTokenFile: '/var/token',
    })
    expect(proven({ managedIdentity: true })).toEqual({ ...who, managedIdentity: true })
    expect(proven({ managedIdentity: true, clientId: undefined })).toEqual({
      tenantId: contoso.tenantId,
      managedIdentity: true,
    })
  })

  test('can name a second app for the removal', () => {
    secretIn('unblock', 'unblock-secret')
    const unblock = { clientId: otherApp, secretFile: 'unblock' }
    expect(tenants({ ...contoso, unblock })[0]?.unblockCredential).toEqual({
      tenantId: contoso.tenantId,
      clientId: otherApp,
      secret: 'unblock-secret',
    })
  })

  test('refers to variables that stand in .env, which are then no misspelt settings', () => {
    writeFileSync(join(folder, '.env'), 'EXCHANGE_CONTOSO_SECRET=from-env\nEXCHANGE_OTHER=x\n')
    const told = problems({ ...contoso, secretVariable: 'EXCHANGE_CONTOSO_SECRET' })
    expect(told).toContain('EXCHANGE_OTHER in')
    expect(told).not.toContain('EXCHANGE_CONTOSO_SECRET')
    writeFileSync(join(folder, '.env'), 'EXCHANGE_CONTOSO_SECRET=from-env\n')
    expect(tenants({ ...contoso, secretVariable: 'EXCHANGE_CONTOSO_SECRET' })).toMatchObject([
      { credential: { secret: 'from-env' } },
    ])
  })

  test('as the example shows it is accepted', () => {
    environment.TENANTS_FILE = 'config/tenants.example.json'
    environment.FABRIKAM_SECRET = 'fabrikam-secret'
    // Only the secret's file is missing, which nobody ships.
    expect(problems()).toBe(
      'The settings cannot be used:\n  - TENANTS_FILE: tenants[0].unblock.secretFile names a file that cannot be used. It cannot be read (ENOENT).\n  What to do: Set them in the environment or in ' +
        `${join(folder, '.env')}; .env.example explains each.`,
    )
  })

  test('is left alone where Exchange is simulated', () => {
    environment.EXCHANGE = 'simulated'
    environment.TENANTS_FILE = join(folder, 'none.json')
    expect(tenants()).toEqual([])
  })
})

describe('a tenants file that cannot be used', () => {
  test.each([
    'EXCHANGE_TENANT_ID',
    'EXCHANGE_ORGANIZATION',
    'EXCHANGE_CLIENT_ID',
    'EXCHANGE_CLIENT_SECRET',
    'EXCHANGE_CERTIFICATE_PATH',
    'EXCHANGE_UNBLOCK_CLIENT_ID',
    'EXCHANGE_UNBLOCK_CLIENT_SECRET',
    'EXCHANGE_UNBLOCK_CERTIFICATE_PATH',
  ])('because %s is set beside it', (name) => {
    environment[name] = app
    expect(problems(contoso)).toContain(`${name}: must not be set beside TENANTS_FILE`)
  })

  test('tells all that is wrong at once, with the place of each, and beside other problems', () => {
    environment.PORT = 'eighty'
    const told = problems(
      { ...contoso, tenantId: 'contoso', colour: 'blue' },
      { ...without(fabrikam, 'organization'), exchangeUrl: 'http://outlook.office365.com' },
    )
    expect(told).toContain('PORT: must be a port number')
    expect(told).toContain('TENANTS_FILE: tenants[0].tenantId must be a GUID')
    expect(told).toMatch(/TENANTS_FILE: tenants\[0\] .*colour/)
    expect(told).toContain('TENANTS_FILE: tenants[1].organization')
    expect(told).toContain('TENANTS_FILE: tenants[1].exchangeUrl must be an https URL')
  })

  const wrong: [string, object[], string][] = [
    ['names no tenant', [], 'tenants must name at least one tenant'],
    [
      'has two of one name, but for the case',
      [contoso, { ...fabrikam, name: 'CONTOSO' }],
      'tenants[1].name is the same as that of tenants[0]',
    ],
    [
      'has one tenant twice',
      [contoso, { ...fabrikam, tenantId: contoso.tenantId }],
      'tenants[1].tenantId is the same as that of tenants[0]',
    ],
    ['has a name of nothing', [{ ...contoso, name: '  ' }], 'tenants[0].name must not be empty'],
    ['has an app without any proof', [without(contoso, 'secretVariable')], 'needs exactly one of secretFile'],
    [
      'has an app with two proofs',
      [{ ...contoso, managedIdentity: true }],
      'tenants[0] needs exactly one of secretFile',
    ],
    ['has a secret without an app', [without(contoso, 'clientId')], 'tenants[0].clientId missing'],
    [
      'has a second app without a client id',
      [{ ...contoso, unblock: { certificatePath: 'a.pem' } }],
      'tenants[0].unblock.clientId missing',
    ],
    [
      'has an identity that is not managed',
      [{ ...without(contoso, 'secretVariable'), managedIdentity: false }],
      'tenants[0].managedIdentity must be true, or left out',
    ],
    ['shows a tenant nowhere', [{ ...contoso, conversations: [] }], 'tenants[0].conversations names none'],
    [
      'names a message instead of a conversation',
      [{ ...contoso, conversations: ['19:a@thread.tacv2;messageid=1'] }],
      'tenants[0].conversations[0] must be the id alone',
    ],
    [
      'names a variable that is not set',
      [{ ...contoso, secretVariable: 'NOT_SET' }],
      'tenants[0].secretVariable names a variable that is not set',
    ],
  ]
  test.each(wrong)('because it %s', (_title, entries, words) => {
    write(JSON.stringify({ tenants: entries }))
    expect(problems()).toContain(words)
  })

  test.each([
    ['is missing', () => rmSync(file), 'cannot be read (ENOENT)'],
    [
      'is a folder',
      () => {
        rmSync(file)
        mkdirSync(file)
      },
      'cannot be read (EISDIR)',
    ],
    ['is empty', () => write(''), 'not JSON'],
    ['is no object', () => write('[]'), 'TENANTS_FILE:'],
    ['is not JSON', () => write('{"tenants":\n[\n  canary-of-a-secret'), 'not JSON'],
    ['may be written to by others', () => chmodSync(file, 0o666), 'chmod go-w'],
  ])('because it %s', (_title, spoil, words) => {
    write(JSON.stringify({ tenants: [contoso] }))
    spoil()
    expect(problems()).toContain(words)
    expect(problems()).not.toContain('canary')
  })

  test('is looked at where a link leads', () => {
    write(JSON.stringify({ tenants: [contoso] }), 0o666)
    environment.TENANTS_FILE = join(folder, 'link.json')
    symlinkSync(file, environment.TENANTS_FILE)
    expect(problems()).toContain('Others may write to it')
    chmodSync(file, 0o600)
    expect(tenants()).toHaveLength(1)
  })

  test('says from which line on, where the engine says it', () => {
    write('{"tenants": [\n{ "name": "a"\n"b": 1 }] }')
    expect(problems()).toContain('the file is not JSON, from line 3 on')
  })

  test('nested a hundred thousand levels deep is refused as any other mistake is', () => {
    write(`{"tenants":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect(problems()).toContain('is nested too deeply')
  })

  test('with a byte order mark in front is one that can be', () => {
    write(`\ufeff${JSON.stringify({ tenants: [contoso] })}`)
    expect(tenants()).toHaveLength(1)
  })
})

describe('secrets', () => {
  const canary = 'S3cr3t~Canary'

  test.each([
    'secret',
    'clientSecret',
    'EXCHANGE_CLIENT_SECRET',
    'password',
    'client_pwd',
    'privateKey',
    'token',
  ])('never stand in the file: %s is refused, and it is said where else it goes', (key) => {
    const told = problems({ ...contoso, [key]: canary })
    expect(told).toContain(`TENANTS_FILE: tenants[0].${key} must not stand in this file`)
    expect(told).toContain('secretFile (a file) or secretVariable (an environment variable)')
    expect(told).not.toContain(canary)
  })

  test('are refused in the second app, and at the top, too', () => {
    write(
      JSON.stringify({
        password: canary,
        tenants: [{ ...contoso, unblock: { clientId: otherApp, secret: canary } }],
      }),
    )
    const told = problems()
    expect(told).toContain('TENANTS_FILE: password must not stand in this file')
    expect(told).toContain('TENANTS_FILE: tenants[0].unblock.secret must not stand in this file')
    expect(told).not.toContain(canary)
  })

  test.each(
    Object.keys(contoso).concat('secretFile', 'certificatePath', 'federatedTokenFile', 'exchangeUrl'),
  )('pasted where %s belongs are not repeated', (key) => {
    environment.TENANTS_FILE = file
    write(JSON.stringify({ tenants: [{ ...contoso, tenantId: 'x', [key]: canary }] }))
    expect(problems()).not.toContain(canary)
  })

  test('pasted as the name of a variable that looks like one are not repeated either', () => {
    expect(problems({ ...contoso, secretVariable: 'Canary0123456789' })).not.toContain('Canary')
  })

  test('pasted as the name of the file are not repeated', () => {
    environment.TENANTS_FILE = canary
    expect(problems()).not.toContain(canary)
  })

  const files: [string, string, number, string][] = [
    ['is empty', ' \n', 0o600, 'It is empty'],
    ['everybody may read', canary, 0o604, 'chmod o-r'],
    ['others may write to', canary, 0o620, 'chmod go-w'],
  ]
  test.each(files)('in a file that %s are refused', (_title, content, mode, words) => {
    secretIn('app', content, mode)
    const told = problems({ ...without(contoso, 'secretVariable'), secretFile: 'app' })
    expect(told).toContain('TENANTS_FILE: tenants[0].secretFile names a file that cannot be used.')
    expect(told).toContain(words)
    expect(told).not.toContain(canary)
  })

  test('in a file that its group may read are taken: Kubernetes mounts them so', () => {
    secretIn('app', canary, 0o640)
    expect(tenants({ ...without(contoso, 'secretVariable'), secretFile: 'app' })).toHaveLength(1)
  })
})

describe('hostile input', () => {
  test('with prototypes in it gives nobody anything', () => {
    write(
      `{"__proto__":{"tenants":[${JSON.stringify(contoso)}]},"tenants":[{"__proto__":{"secretVariable":"CONTOSO_SECRET"},"name":"Contoso","tenantId":"${contoso.tenantId}","organization":"o","clientId":"${app}"}]}`,
    )
    expect(problems()).toContain('__proto__')
    expect(({} as Record<string, unknown>).secretVariable).toBeUndefined()
  })

  test.each([
    ['null', 'null'],
    ['a number', '7'],
    ['tenants that are none', '{"tenants":{"0":{}}}'],
    ['a tenant that is none', '{"tenants":[null,"x",[]]}'],
    ['names that are no text', '{"tenants":[{"name":{"toString":1}}]}'],
    ['brackets without end', '['.repeat(5_000)],
  ])('such as %s is a problem, and no crash', (_title, content) => {
    write(content)
    expect(problems()).toContain('TENANTS_FILE:')
  })
})

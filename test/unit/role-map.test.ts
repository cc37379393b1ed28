import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { later, minuteMs, secondMs } from '../../src/clock.js'
import type { Fault } from '../../src/errors.js'
import { directoryRoleName } from '../../src/people/directory-roles.js'
import { RoleMap, roleMapSchema } from '../../src/people/role-map.js'
import { Roles, type Subject } from '../../src/people/roles.js'
import { TestClock } from '../support/test-clock.js'
import { TestDirectory } from '../support/test-directory.js'

const ann = { id: '00000000-0000-4000-8000-00000000000a', upn: 'ann@contoso.com' }
const ben = { id: '00000000-0000-4000-8000-00000000000b', upn: 'ben@contoso.com' }
const contoso = 'contoso.onmicrosoft.com'

describe('the role map', () => {
  let folder: string
  let path: string
  let clock: TestClock
  let warnings: string[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warden-roles-'))
    path = join(folder, 'roles.json')
    clock = new TestClock()
    warnings = []
  })
  afterEach(() => rm(folder, { recursive: true }))

  const writeText = (text: string) => writeFile(path, text, { mode: 0o600 })
  const write = (map: unknown) => writeText(JSON.stringify(map))
  const open = () =>
    RoleMap.open({
      path,
      watched: [contoso, 'fabrikam.onmicrosoft.com'],
      clock,
      onChange: async ({ broken }) => {
        if (broken) warnings.push(broken.why)
      },
    })
  const refusal = async (): Promise<Fault> =>
    open().then(
      () => {
        throw new Error('it was opened')
      },
      (fault: Fault) => fault,
    )
  /** What the map gives to whom Entra has nothing to say about. */
  const held = (roleMap: RoleMap, who: Subject, tenant: string) =>
    new Roles({ roleMap, directory: new TestDirectory(), clock })
      .of(who, { fresh: true, deadline: later(clock.now(), secondMs) })
      .roleIn(tenant)
  const approvers = (...users: string[]) => ({ roles: { approver: { users } } })
  const roleOf = async (who: { id: string; upn?: string }, tenant = contoso) =>
    (await held(await open(), who, tenant)).role

  test('missing, nobody has a role', async () => {
    expect(await roleOf(ann)).toBeUndefined()
  })

  test.each(['', '{}', '{"roles":{}}', '{"roles":{"approver":{"users":[]}}}'])(
    'empty, nobody has a role: %j',
    async (text) => {
      await writeText(text)
      expect(await roleOf(ann)).toBeUndefined()
    },
  )

  test('an object id gives the role that it stands under, and nobody else one', async () => {
    await write(approvers(ann.id))
    const map = await open()
    expect(await held(map, ann, contoso)).toMatchObject({
      role: 'approver',
      source: `role map, approver: ${ann.id}`,
    })
    expect((await held(map, ben, contoso)).role).toBeUndefined()
  })

  test('object ids and UPNs are the same in any spelling of their letters', async () => {
    await write({
      roles: { approver: { users: [ann.id.toUpperCase()] }, viewer: { users: ['Ben@CONTOSO.com'] } },
    })
    expect(await roleOf(ann)).toBe('approver')
    expect(await roleOf({ ...ben, upn: 'BEN@contoso.COM' })).toBe('viewer')
  })

  test('a UPN gives nothing to whom the roster knows no UPN of', async () => {
    await write(approvers('ben@contoso.com'))
    expect(await roleOf({ id: ben.id })).toBeUndefined()
  })

  test('who stands under several roles has the highest', async () => {
    await write({
      roles: { viewer: { users: [ann.id] }, approver: { users: [ann.upn] }, responder: { users: [ann.id] } },
    })
    expect(await roleOf(ann)).toBe('approver')
  })

  test("a watched tenant's own map replaces the general one there, and only there", async () => {
    await write({ ...approvers(ann.id), tenants: { [contoso]: { roles: { viewer: { users: [ann.id] } } } } })
    expect(await roleOf(ann)).toBe('viewer')
    expect(await roleOf(ann, 'fabrikam.onmicrosoft.com')).toBe('approver')
  })

  test('an empty map for a watched tenant means nobody there', async () => {
    await write({ ...approvers(ann.id), tenants: { [contoso]: {} } })
    expect(await roleOf(ann)).toBeUndefined()
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a tenant called %s finds no map but the general one',
    async (tenant) => {
      await write(approvers(ann.id))
      expect(await roleOf(ann, tenant)).toBe('approver')
      expect(await roleOf(ben, tenant)).toBeUndefined()
    },
  )

  test.each([
    `{"__proto__":{"approver":{"users":["${ann.id}"]}}}`,
    `{"__proto__":{"roles":{"approver":{"users":["${ann.id}"]}}}}`,
    `{"roles":{"__proto__":{"approver":{"users":["${ann.id}"]}}}}`,
    `{"tenants":{"__proto__":{"roles":{"approver":{"users":["${ann.id}"]}}}}}`,
    `{"roles":{"approver":{"__proto__":{"users":["${ann.id}"]}}}}`,
  ])('nobody gains a role through %s', async (text) => {
    await writeText(text)
    const given = await open().then(
      async (map) => (await held(map, ann, contoso)).role ?? 'nothing',
      (fault: Fault) => fault.code,
    )
    expect(['nothing', 'fileUnusable']).toContain(given)
    expect(Object.hasOwn(Object.prototype, 'approver')).toBe(false)
  })

  test.each([
    ['a misspelt role', { roles: { aprover: { users: [ann.id] } } }, 'aprover'],
    ['a misspelt key of a role', { roles: { approver: { user: [ann.id] } } }, 'user'],
    ['a misspelt top', { role: {} }, '"role"'],
    ['a display name', approvers('Ann Archer'), 'object id or a user principal name'],
    [
      'a group by its name',
      { roles: { approver: { groups: ['Mail admins'] } } },
      'object id of an Entra group',
    ],
    [
      'a directory role that nobody knows',
      { roles: { approver: { directoryRoles: ['Securty Administrator'] } } },
      'Global Administrator, Security Administrator, Global Reader, Security Reader, Exchange Administrator',
    ],
    ['a person twice wrapped', approvers([ann.id] as unknown as string), 'roles.approver.users[0]'],
  ])('%s stops the start, and it is named', async (_what, map, named) => {
    await write(map)
    expect((await refusal()).message).toContain(named)
  })

  test('a directory role may be written by its name in any letters, or by its template id', async () => {
    const other = 'AB0C1D2E-0000-4000-8000-00000000F00D'
    await write({
      roles: {
        approver: { directoryRoles: ['security ADMINISTRATOR', ` ${other} `], groups: [` ${other}`] },
      },
    })
    expect(await (await open()).approverEntries(contoso)).toEqual({
      users: [],
      groups: [other.toLowerCase()],
      directoryRoles: ['194ae4cb-b126-40b2-bd5b-6091b380977d', other.toLowerCase()],
    })
  })

  test('that names no approvers for one tenant is amiss for that one only', async () => {
    await write({
      ...approvers(ann.id),
      tenants: { [contoso]: { roles: { responder: { users: [ben.id] } } } },
    })
    const map = await open()
    expect(await map.problems()).toEqual([{ cause: 'nobodyMayApprove', tenant: contoso }])
    const named = (await map.inForce()).approvers
    expect([...named.values()]).toEqual([
      { users: 0, groupsAndRoles: 0 },
      { users: 1, groupsAndRoles: 0 },
    ])
  })

  test('of a tenant is found whatever the case of its name', async () => {
    await write({ ...approvers(ann.id), tenants: { 'Contoso.OnMicrosoft.com': approvers(ben.id) } })
    expect(await roleOf(ben)).toBe('approver')
    expect(await roleOf(ann)).toBeUndefined()
  })

  test('of a tenant that is not watched stops the start, and names those that are', async () => {
    await write({ ...approvers(ann.id), tenants: { 'contoso.com': approvers(ben.id) } })
    const { code, message } = await refusal()
    expect(code).toBe('fileUnusable')
    expect(message).toContain('contoso.com')
    expect(message).toContain(`no watched tenant; watched: ${contoso}, fabrikam.onmicrosoft.com`)
  })

  test('of a tenant that is not watched, after an edit, is a broken edit', async () => {
    await write(approvers(ann.id))
    const map = await open()
    await write({ ...approvers(ann.id), tenants: { 'contoso.com': approvers(ben.id) } })
    expect((await held(map, ann, contoso)).role).toBe('approver')
    expect(await map.problems()).toEqual([{ cause: 'roleMapBroken' }])
    expect(warnings[0]).toContain('no watched tenant')
  })

  test('of one tenant that stands there twice stops the start', async () => {
    await write({
      ...approvers(ann.id),
      tenants: { [contoso]: {}, [contoso.toUpperCase()]: approvers(ben.id) },
    })
    expect((await refusal()).message).toContain('twice')
  })

  test('whom it names as approvers of a tenant is told entry by entry', async () => {
    await write({ ...approvers(ann.id), tenants: { [contoso]: {} } })
    const map = await open()
    expect(await map.approverEntries(contoso)).toEqual({ users: [], groups: [], directoryRoles: [] })
    expect((await map.approverEntries('fabrikam.onmicrosoft.com')).users).toEqual([ann.id])
  })

  test.each([
    ['users', ann.id],
    ['groups', ann.id],
    ['directoryRoles', 'Security Administrator'],
  ])('named as %s, somebody may approve', async (kind, entry) => {
    await write({ roles: { approver: { [kind]: [entry] } } })
    expect(await (await open()).problems()).toEqual([])
    await write({ roles: { responder: { [kind]: [entry] } } })
    expect(await (await open()).problems()).toEqual([
      { cause: 'nobodyMayApprove', tenant: contoso },
      { cause: 'nobodyMayApprove', tenant: 'fabrikam.onmicrosoft.com' },
    ])
  })

  test('the example can be used: Security Administrators approve, Global and Security Readers view', async () => {
    const example = JSON.parse(await readFile('config/roles.example.json', 'utf8'))
    const { roles } = roleMapSchema.parse(example)
    expect(roles.approver?.directoryRoles.map(directoryRoleName)).toEqual(['Security Administrator'])
    expect(roles.viewer?.directoryRoles.map(directoryRoleName)).toEqual(['Global Reader', 'Security Reader'])
  })

  test('a map that others may write to stops the start', async () => {
    await write(approvers(ann.id))
    await chmod(path, 0o666)
    expect((await refusal()).message).toContain('chmod go-w')
  })

  test('an edit counts at the next question', async () => {
    await write(approvers(ann.id))
    const map = await open()
    await write(approvers(ben.id))
    expect((await held(map, ann, contoso)).role).toBeUndefined()
    expect((await held(map, ben, contoso)).role).toBe('approver')
  })

  test('deleted, nobody has a role any more', async () => {
    await write(approvers(ann.id))
    const map = await open()
    await rm(path)
    expect((await held(map, ann, contoso)).role).toBeUndefined()
  })

  describe('broken by an edit', () => {
    let map: RoleMap
    beforeEach(async () => {
      await write({ roles: { approver: { users: [ann.id] }, viewer: { users: [ben.id] } } })
      map = await open()
      await writeText('{"roles":')
      await held(map, ann, contoso)
    })

    test('keeps the last good one in force, and says so loudly', async () => {
      expect(await map.problems()).toEqual([{ cause: 'roleMapBroken' }])
      expect(warnings).toHaveLength(1)
      clock.advance(15 * minuteMs - 1)
      expect((await held(map, ann, contoso)).role).toBe('approver')
    })

    test('after fifteen minutes nobody may approve, and approvers may still respond', async () => {
      clock.advance(15 * minuteMs)
      expect((await held(map, ann, contoso)).role).toBe('responder')
      expect((await held(map, ben, contoso)).role).toBe('viewer')
    })

    test('breaking it differently every few minutes wins no time', async () => {
      for (const text of ['{', '{{', '{{{']) {
        await writeText(text)
        await held(map, ann, contoso)
        clock.advance(5 * minuteMs)
      }
      expect((await held(map, ann, contoso)).role).toBe('responder')
    })

    test('put right, approvers may approve again', async () => {
      clock.advance(20 * minuteMs)
      await write(approvers(ben.id))
      expect((await held(map, ben, contoso)).role).toBe('approver')
      expect(await map.problems()).toEqual([])
    })
  })

  test('those who are called by name are the responders, or the approvers where there are none', async () => {
    await write({
      ...approvers(ann.id),
      tenants: { [contoso]: { roles: { responder: { users: [ben.id] } } } },
    })
    const map = await open()
    expect(await map.responders(contoso)).toEqual([ben.id])
    expect(await map.responders('fabrikam.onmicrosoft.com')).toEqual([ann.id])
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { expiryOf } from '../../src/certificate-expiry.js'

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warden-'))
  path = join(folder, 'app.pem')
})
afterAll(() => rm(folder, { recursive: true }))

const made = (name: string, notAfterDate: string) =>
  generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(notAfterDate),
  })

describe('when a certificate expires', () => {
  test('is read from the first certificate of the file, wherever the key stands', async () => {
    const app = await made('app', '2027-03-04T05:06:07Z')
    const authority = await made('authority', '2036-01-01T00:00:00Z')
    const expected = { ok: true, expiresAt: '2027-03-04T05:06:07.000Z' }
    await writeFile(path, `${app.private}\n${app.cert}\n${authority.cert}`)
    expect(await expiryOf(path)).toEqual(expected)
    await writeFile(path, `${app.cert}\n${authority.cert}\n${app.private}`)
    expect(await expiryOf(path)).toEqual(expected)
  })

  test('is known of one that has expired already', async () => {
    const { cert } = await generate([{ name: 'commonName', value: 'old' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: new Date('2020-01-01T00:00:00Z'),
      notAfterDate: new Date('2021-01-01T00:00:00Z'),
    })
    await writeFile(path, cert)
    expect(await expiryOf(path)).toEqual({ ok: true, expiresAt: '2021-01-01T00:00:00.000Z' })
  })

  test('is not known of a file that is missing', async () => {
    expect(await expiryOf(join(folder, 'none.pem'))).toEqual({
      ok: false,
      why: `${join(folder, 'none.pem')} cannot be read (ENOENT)`,
    })
  })

  test.each([
    ['no certificate', '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----'],
    ['a broken one', '-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----'],
    ['nothing', ''],
  ])('is not known of a file with %s, and nothing of it is told', async (_title, content) => {
    await writeFile(path, content)
    expect(await expiryOf(path)).toEqual({
      ok: false,
      why: `${path} holds no certificate that can be read`,
    })
  })
})

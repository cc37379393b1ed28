import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { strFromU8, unzipSync } from 'fflate'
import { commands } from '../../bot/commands.js'
import { en } from '../../cards/texts/en.js'
import { commandLists } from '../../manifest/command-list.js'
import { fillManifest } from '../../manifest/fill.js'
import { appPackage } from '../../tools/app-package.js'
import { packageSettings } from '../../tools/package-settings.js'

const patienceMs = 60_000

const botId = '0b9a6c1e-5f27-4d38-8e43-7c20d1f4a9b6'
const appId = '52d7f0c3-91be-4f6a-8a5d-6e7d0c4b1a90'
const values = { botId, appId, version: '1.2.3', website: 'https://intranet.contoso.example/warden' }
const template = readFileSync('manifest/manifest.json', 'utf8')
const suggested = commands
  .filter((command) => command.suggested)
  .map(({ name }) => ({ name, ...en.commands[name] }))
const filled = () => fillManifest(template, values, suggested)

// In a process of its own, for jest cannot load one of the library's dependencies: hence the patience.
const validator = `
import { readFileSync } from 'node:fs'
import { AppManifestUtils, TeamsManifestConverter } from '@microsoft/app-manifest'
const manifest = TeamsManifestConverter.jsonToManifest(readFileSync(0, 'utf8'))
console.log(JSON.stringify(await AppManifestUtils.validateAgainstSchema(manifest)))
`
const complaints = async (manifest: string): Promise<string[]> =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', validator], {
      input: manifest,
      encoding: 'utf8',
    }),
  )

describe('the manifest', () => {
  test(
    'is what the schema of its version asks for',
    async () => {
      expect(await complaints(JSON.stringify(filled()))).toEqual([])
    },
    patienceMs,
  )

  test(
    'would also pass as version 1.29, so moving up changes two lines',
    async () => {
      const newer = JSON.stringify(filled()).replaceAll('v1.25', 'v1.29').replaceAll('"1.25"', '"1.29"')
      expect(newer).toContain('"manifestVersion":"1.29"')
      expect(await complaints(newer)).toEqual([])
    },
    patienceMs,
  )

  test('declares channel features, without which Teams refuses an app for teams', () => {
    expect(filled()).toMatchObject({ supportsChannelFeatures: 'tier1' })
  })

  test('names the bot, the app and the page it was given, and leaves nothing open', () => {
    expect(filled()).toMatchObject({
      id: appId,
      version: '1.2.3',
      developer: { websiteUrl: values.website },
      bots: [{ botId, scopes: ['team', 'personal', 'groupChat'] }],
    })
    expect(JSON.stringify(filled())).not.toContain('{{')
  })

  test('takes a value as text, whatever is in it', () => {
    const website = 'https://contoso.example/","id":"evil'
    expect(fillManifest(template, { ...values, website }, suggested)).toMatchObject({
      id: appId,
      developer: { websiteUrl: website },
    })
  })

  test.each([
    [
      'asks for a value that nobody has',
      '{"id": "{{surprise}}", "bots": []}',
      /unknown value \{\{surprise\}\}/,
    ],
    ['is no JSON', '{"id": ', /no valid JSON/],
    ['lists no bots', '{"id": "x"}', /not list its bots/],
  ])('a template that %s is refused', (_, broken, why) => {
    expect(() => fillManifest(broken, values, suggested)).toThrow(why)
  })
})

describe('the commands that Teams suggests', () => {
  test('are ten of the bot’s own, the same in channels, in the personal chat and in group chats', () => {
    const titles = ['help', 'list', 'show', 'ack', 'done', 'note', 'approve', 'keep', 'watch', 'whoami']
    const lists = commandLists(suggested)
    expect(lists.map((list) => list.scopes)).toEqual([['team'], ['personal'], ['groupChat']])
    for (const list of lists) expect(list.commands.map((command) => command.title)).toEqual(titles)
  })

  test('explain themselves in the words of the bot’s help, with the example apart from what gets typed', () => {
    const { approve, help } = en.commands
    const [list] = commandLists(suggested)
    expect(list?.commands).toContainEqual({ title: 'help', description: help.does })
    expect(list?.commands).toContainEqual({
      title: 'approve',
      description: `${approve.usage}: ${approve.does}`,
    })
  })
})

describe('the icons', () => {
  test('have the sizes that Teams asks for', () => {
    expect(readPng('manifest/color.png')).toMatchObject({ width: 192, height: 192 })
    expect(readPng('manifest/outline.png')).toMatchObject({ width: 32, height: 32 })
  })

  test('the outline is white on nothing', () => {
    const { pixels } = readPng('manifest/outline.png')
    const visible = pixels.filter(([, , , alpha]) => alpha > 0)
    expect(visible.filter(([red, green, blue]) => red + green + blue < 3 * 255)).toEqual([])
    expect(visible.length).toBeGreaterThan(100)
    expect(pixels.length - visible.length).toBeGreaterThan(100)
  })

  test('the colour icon fills its square', () => {
    const { pixels } = readPng('manifest/color.png')
    expect(pixels.filter(([, , , alpha]) => alpha < 255)).toEqual([])
  })
})

describe('the app package', () => {
  const icons = {
    'color.png': readFileSync('manifest/color.png'),
    'outline.png': readFileSync('manifest/outline.png'),
  }

  test('has the manifest and the icons it names at its root, and nothing else', async () => {
    const files = unzipSync(await appPackage({ manifest: filled(), icons }, async () => []))
    expect(Object.keys(files).sort()).toEqual(['color.png', 'manifest.json', 'outline.png'])
    const manifest = JSON.parse(strFromU8(files['manifest.json'] ?? new Uint8Array()))
    expect(manifest).toEqual(filled())
    expect(Object.values(manifest.icons).every((icon) => String(icon) in files)).toBe(true)
  })

  test('is the same whenever it is made: the files in it carry one fixed time', async () => {
    const zip = Buffer.from(await appPackage({ manifest: filled(), icons }, async () => []))
    const firstOfJanuary2026 = (((2026 - 1980) << 25) | (1 << 21) | (1 << 16)) >>> 0
    expect(zip.readUInt32LE(10)).toBe(firstOfJanuary2026)
  })

  test(
    'is not made from a manifest that Teams would refuse',
    async () => {
      const manifest = { ...filled(), accentColor: 'teal' }
      await expect(appPackage({ manifest, icons }, complaints)).rejects.toMatchObject({
        code: 'manifestInvalid',
        message: expect.stringContaining('accentColor'),
      })
    },
    patienceMs,
  )
})

describe('npm run package', () => {
  const other = '11111111-2222-4333-8444-555555555555'
  const settings = (args: string[], env: NodeJS.ProcessEnv = {}, dotEnv = '') =>
    packageSettings({ args, env, dotEnv })

  test('takes the bot id as typed, else from the environment, else from .env', () => {
    const dotEnv = `MicrosoftAppId=${other}\n`
    expect(settings(['--bot-id', botId], { MicrosoftAppId: other }, dotEnv).botId).toBe(botId)
    expect(settings([], { MicrosoftAppId: botId }, dotEnv).botId).toBe(botId)
    expect(settings([], { MicrosoftAppId: '' }, dotEnv).botId).toBe(other)
  })

  test('gives the app the bot’s id unless told otherwise', () => {
    expect(settings(['--bot-id', botId]).appId).toBe(botId)
    expect(settings(['--bot-id', botId, '--app-id', appId]).appId).toBe(appId)
  })

  test.each([
    ['no bot id', [], /neither the environment nor \.env/],
    ['a bot id that is no GUID', ['--bot-id', 'warden'], /the bot id is no GUID\.$/],
    ['an app id that is no GUID', ['--bot-id', botId, '--app-id', '7'], /the app id is no GUID/],
    ['a website without https', ['--bot-id', botId, '--website', 'http://contoso.example'], /no https URL/],
    ['an unknown option', ['--bot', botId], /--bot/],
  ])('refuses %s and says how to call it', (_, args, why) => {
    const attempt = () => settings(args)
    expect(attempt).toThrow(why)
    expect(attempt).toThrow(expect.objectContaining({ remedy: expect.stringContaining('--bot-id <GUID>') }))
  })
})

type Pixel = [red: number, green: number, blue: number, alpha: number]

/** Reads a PNG of 8 bits per channel, RGB or RGBA, not interlaced: what a browser's screenshot is. */
function readPng(path: string): { width: number; height: number; pixels: Pixel[] } {
  const chunks = pngChunks(readFileSync(path))
  const header = Buffer.concat(chunks.filter(({ type }) => type === 'IHDR').map(({ data }) => data))
  const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data))
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3]
  const bytes = unfiltered(inflateSync(data), width * channels, channels)
  const at = (index: number) => bytes[index] ?? 0
  const pixels = Array.from({ length: width * height }, (_, pixel): Pixel => {
    const start = pixel * channels
    return [at(start), at(start + 1), at(start + 2), channels === 4 ? at(start + 3) : 255]
  })
  return { width, height, pixels }
}

function pngChunks(file: Buffer): { type: string; data: Buffer }[] {
  const chunks = []
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const data = file.subarray(at + 8, at + 8 + file.readUInt32BE(at))
    chunks.push({ type: file.toString('latin1', at + 4, at + 8), data })
  }
  return chunks
}

/** Undoes the filter that each line of a PNG names in its first byte. */
function unfiltered(lines: Buffer, lineLength: number, channels: number): Uint8Array {
  const count = lines.length / (lineLength + 1)
  const bytes = new Uint8Array(count * lineLength)
  for (let index = 0; index < bytes.length; index++) {
    const [line, column] = [Math.floor(index / lineLength), index % lineLength]
    const left = column >= channels ? (bytes[index - channels] ?? 0) : 0
    const above = bytes[index - lineLength] ?? 0
    const aboveLeft = column >= channels ? (bytes[index - lineLength - channels] ?? 0) : 0
    const predicted = [0, left, above, (left + above) >> 1, paeth(left, above, aboveLeft)]
    const filter = lines[line * (lineLength + 1)] ?? 0
    bytes[index] = (lines[line * (lineLength + 1) + 1 + column] ?? 0) + (predicted[filter] ?? 0)
  }
  return bytes
}

function paeth(left: number, above: number, aboveLeft: number): number {
  const estimate = left + above - aboveLeft
  const distances = [left, above, aboveLeft].map((value) => Math.abs(estimate - value))
  const nearest = distances.indexOf(Math.min(...distances))
  return [left, above, aboveLeft][nearest] ?? 0
}

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Import {
  file: string
  /** A path from the root for our own files, else the name of the package. */
  from: string
}

function imports(folder: string): Import[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return files.flatMap((name) => {
    const file = join(folder, name)
    const text = readFileSync(join(root, file), 'utf8')
    const named = [
      ...text.matchAll(
        /^(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
      ),
    ]
    return named.map((match) => ({ file, from: target(file, match[1] ?? match[2] ?? match[3] ?? '') }))
  })
}

const target = (file: string, from: string): string =>
  from.startsWith('.') ? relative(root, resolve(root, dirname(file), from)) : from

const offending = (folder: string, allowed: (one: Import) => boolean): string[] =>
  imports(folder)
    .filter((one) => !allowed(one))
    .map(({ file, from }) => `${file} imports ${from}`)

const within =
  (...folders: string[]) =>
  (from: string): boolean =>
    folders.some((folder) => from.startsWith(`${folder}/`))

const isPackage = (from: string): boolean =>
  !within('src', 'cards', 'bot', 'demo', 'tools', 'manifest', 'test')(from)

describe('imports run one way: bot -> cards -> src', () => {
  test('there are imports to look at', () => {
    for (const folder of ['bot', 'cards', 'src']) expect(imports(folder).length).toBeGreaterThan(20)
  })

  test('src knows nothing of cards, of the bot, of Teams or of HTTP servers', () => {
    const foreign = [
      'botbuilder',
      'botframework-connector',
      'restify',
      'adaptivecards-templating',
      'adaptivecards',
    ]
    // The simulated tenant is a server, and has to be one.
    const mayServe = (file: string) => file.startsWith('src/exchange/simulated-')
    const wrong = offending('src', ({ file, from }) => {
      if (/^node:https?$/.test(from)) return mayServe(file)
      return within('src')(from) || (isPackage(from) && !foreign.includes(from))
    })
    expect(wrong).toEqual([])
  })

  test('cards know nothing of the bot, of Teams or of the outside', () => {
    const allowed = ['zod', 'adaptivecards-templating', 'node:fs', 'node:module']
    expect(offending('cards', ({ from }) => within('src', 'cards')(from) || allowed.includes(from))).toEqual(
      [],
    )
  })

  test('nothing but the demo and the tools imports the bot', () => {
    for (const folder of ['src', 'cards'])
      expect(offending(folder, ({ from }) => !within('bot')(from))).toEqual([])
  })

  test('what is pure imports zod and its own kind, and nothing else', () => {
    const pure = (from: string) => from === 'zod' || from === 'src/clock.js' || within('src/incident')(from)
    expect(offending('src/incident', ({ from }) => pure(from))).toEqual([])
    expect(offending('src/health', ({ from }) => pure(from) || within('src/health')(from))).toEqual([])
  })

  test('cards take of src only what is pure', () => {
    const allowed = (from: string) =>
      !within('src')(from) || from === 'src/clock.js' || within('src/incident', 'src/health')(from)
    expect(offending('cards', ({ from }) => allowed(from))).toEqual([])
  })

  test('a library that has to be replaced one day stays in its place', () => {
    const homes: Record<string, string> = {
      botbuilder: 'bot/',
      'botframework-connector': 'bot/',
      restify: 'bot/server.ts',
      'adaptivecards-templating': 'cards/',
      lowdb: 'src/store/snapshot.ts',
      '@azure/identity': 'src/credentials.ts',
      jose: 'bot/channel-authentication.ts',
      pino: 'src/log.ts',
      'prom-client': 'bot/metrics.ts',
    }
    const wrong = ['bot', 'cards', 'src'].flatMap((folder) =>
      offending(folder, ({ file, from }) => file.startsWith(homes[from] ?? '')),
    )
    expect(wrong).toEqual([])
  })
})

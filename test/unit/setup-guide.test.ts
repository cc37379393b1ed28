import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { readOptions } from '../../bot/doctor/options.js'
import { areas } from '../../bot/doctor/titles.js'
import { rulesSchema } from '../../src/incident/rules.js'
import { settingNames } from '../../src/settings.js'

const path = 'docs/setup.md'
const guide = readFileSync(path, 'utf8')

/** Names that are not ours: other programs' variables, and what systemd calls address families. */
const notOurs = ['AZURE_FEDERATED_TOKEN_FILE', 'HTTPS_PROXY', 'AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK']

const blocks = (language: string): string[] =>
  [...guide.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, marked]) => marked === language)
    .map(([, , text = '']) => text)

const all = (pattern: RegExp, text = guide): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([whole, part]) => part ?? whole)),
]

/** As GitHub makes them: small letters, no punctuation, hyphens for blanks. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

const json = blocks('json').map((text) => ({
  line: guide.slice(0, guide.indexOf(text)).split('\n').length,
  text,
}))

describe('the setup guide', () => {
  test('names no setting that the bot does not read', () => {
    const named = [
      ...all(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g),
      ...all(/\b(?:MicrosoftApp|ToBotFromChannel|ToChannelFromBot|ChannelService)\w*/g),
      ...all(/`([A-Z]{3,})(?:=[^`]*)?`/g),
    ]
    expect(named).toContain('MicrosoftAppId')
    expect(named.filter((name) => ![...settingNames, ...notOurs].includes(name))).toEqual([])
  })

  test('shows only settings in its .env, also in the lines that are switched off', () => {
    const [env = '', ...others] = blocks('dotenv')
    const switchedOn = env.replace(/^#(?=\w+=)/gm, '')
    const names = Object.keys(parseEnv(switchedOn))
    expect(others).toEqual([])
    expect(names).toContain('EXCHANGE')
    expect(names.filter((name) => !settingNames.includes(name))).toEqual([])
  })

  test('tells nobody to run a script that does not exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
    const named = all(/npm run (?:--silent )?([\w:-]+)/g)
    expect(named).toEqual(expect.arrayContaining(['package', 'doctor']))
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('says what to do about the lines of every area that the doctor looks at', () => {
    const section = guide.slice(guide.indexOf('\n## 11.'), guide.indexOf('\n## 12.'))
    const rows = all(/^\| (.+?) +\|/gm, section).slice(2)
    expect(rows).toEqual(Object.values(areas))
  })

  test('names no option that the doctor does not take', () => {
    const options = all(/doctor -- (--[\w-]+)/g)
    expect(options).toEqual(['--json', '--test-card'])
    for (const option of options) expect(readOptions([option])).toMatchObject({ kind: 'run' })
  })

  test('links only to files and sections that are there', () => {
    const anchors = all(/^#{2,} (.+)$/gm).map(anchor)
    const links = all(/\]\(([^)\s]+)\)/g).filter((link) => !link.startsWith('https://'))
    expect(links.length).toBeGreaterThan(10)
    const broken = links.filter((link) =>
      link.startsWith('#')
        ? !anchors.includes(link.slice(1))
        : !existsSync(join(dirname(path), link.replace(/#.*/, ''))),
    )
    expect(broken).toEqual([])
  })

  test.each(json)('has JSON that can be read on line $line', ({ text }) => {
    expect(() => JSON.parse(text)).not.toThrow()
  })

  test('has rules that the bot takes', () => {
    const rules = json.map(({ text }) => JSON.parse(text)).filter((block) => 'approvals' in block)
    expect(rules).toHaveLength(1)
    expect(rulesSchema.parse(rules[0]).approvals.required).toBe(2)
  })
})

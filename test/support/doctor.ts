import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'
import type { Check } from '../../bot/doctor/check.js'
import { examineWith, type Wishes } from '../../bot/doctor/examination.js'
import { asJson, asText, exitCodeOf } from '../../bot/doctor/report.js'
import { secondMs } from '../../src/clock.js'
import type { Settings, WatchedTenantSettings } from '../../src/settings.js'
import { botAppId, exchangeAppId, Story, type StoryOptions } from './story.js'
import type { TestClock } from './test-clock.js'

/** What a visit came to: what people read, what scripts read, and how the program would end. */
export interface Visit {
  checks: Check[]
  text: string
  json: string
  exitCode: number
}

export const alertToken = 'the-token-of-whoever-calls-the-alert-door'
/** Fakes' secrets, and how the fake Entra's tokens begin. */
const secrets = ['the bot password', 'the exchange secret', 'the unblock secret', alertToken, 'token-']

/** None of them may be in anything that the doctor says. */
export function expectNoSecret(...said: string[]): void {
  for (const text of said) for (const secret of secrets) expect(text).not.toContain(secret)
}

export const unblockAppId = '88888888-8888-4888-8888-888888888888'
const globalReader = 'f2ef992c-3afb-46b9-b7cf-a126ee74c451'
const securityAdministrator = '194ae4cb-b126-40b2-bd5b-6091b380977d'

/** A story in which the doctor finds nothing amiss. It is now, because servers say what time it is. */
export async function beginHealthy(options: StoryOptions = {}): Promise<Story> {
  const story = await Story.watching({ now: new Date().toISOString(), ...options })
  story.entra.claims.set(botAppId, { roles: ['User.Read.All', 'GroupMember.Read.All'], wids: [] })
  const wids = [globalReader, securityAdministrator]
  story.entra.claims.set(exchangeAppId, { roles: ['Exchange.ManageAsApp'], wids })
  // Long enough for the first reads.
  await story.pass(2 * secondMs)
  return story
}

export const settingsOf = (story: Story): Settings => ({
  ...story.settings(),
  port: story.bot.port,
  alertToken,
})

/** The settings of a story, with something else said of its watched tenants. */
export function settingsWith(story: Story, tenant: Partial<WatchedTenantSettings>): Settings {
  const settings = settingsOf(story)
  if (settings.exchange.kind !== 'admin-api') throw new Error('the story watches nothing')
  const tenants = settings.exchange.tenants.map((one) => ({ ...one, ...tenant }))
  return { ...settings, exchange: { kind: 'admin-api', tenants } }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Has the doctor look at a story, and holds what is true of every visit. */
export async function visit(
  story: Story,
  {
    settings = settingsOf(story),
    clock = story.clock,
    ...wishes
  }: { settings?: Settings; clock?: TestClock } & Partial<Wishes> = {},
): Promise<Visit> {
  const checks = await examineWith(
    settings,
    { testCard: false, progress: () => undefined, ...wishes },
    { clock, random: () => 0.5, entraCa: story.entra.ca },
  )
  const findings = { checks, whole: true }
  const seen = {
    checks,
    text: asText(findings, false),
    json: asJson(findings),
    exitCode: exitCodeOf(findings),
  }
  expectNoSecret(seen.text, seen.json)
  for (const { result, fix, found } of checks) {
    expect(found).toMatch(/\S/)
    if (result === 'ok') expect(fix).toBeUndefined()
    else expect(fix).toMatch(/\S/)
  }
  return seen
}

/** What is not as it should be, by id. */
export const amiss = ({ checks }: Visit): string[] => [
  ...new Set(checks.filter(({ result }) => result !== 'ok').map(({ id, result }) => `${id} ${result}`)),
]

/** The lines of one kind. */
export const linesOf = ({ checks }: Visit, id: string): Check[] => checks.filter((check) => check.id === id)

const program = resolve('dist/bot/doctor/main.js')

/** Runs the built program in a folder, with nothing in its environment but what it is given. */
export async function runDoctor(
  folder: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  if (!existsSync(program)) throw new Error(`${program} is missing: npm run build makes it`)
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => {
    out += String(text)
  })
  child.stderr.on('data', (text) => {
    err += String(text)
  })
  const [code] = await once(child, 'close')
  expectNoSecret(out, err)
  return { code: code as number | null, out, err }
}

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Clock, elapsedMs, hourMs, type Instant, minuteMs, secondMs } from '../../src/clock.js'
import { request } from '../../src/exchange/http-request.js'
import { lastConnectorReading } from '../../src/store/connector-histories.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { meaningOf } from './degraded.js'
import { type Patient, tenantNames } from './patient.js'
import { count } from './words.js'

/** The bot itself, if it runs on this machine: how it is, and when it last read each tenant. */
export async function runningBotChecks(patient: Patient): Promise<Check[]> {
  const { clock, settings } = patient
  const seen = { runs: false }
  const bot = await attempt('machine.bot', clock, () => askBot(patient, seen))
  const told = seen.runs ? await readsTold(patient) : undefined
  const reads = await Promise.all(
    tenantNames(settings).map((tenant) =>
      attempt('machine.lastRead', clock, () => lastRead(patient, tenant, { ...seen, told }), tenant),
    ),
  )
  return [...bot, ...reads.flat()]
}

const patienceSeconds = 5

/** A bot that listens everywhere is asked where it is. */
const addressOf = (host: string, port: number): string => {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** JSON that was answered, whatever the status; undefined if nothing of the kind came. */
async function jsonFrom(url: string, clock: Clock): Promise<{ listens: boolean; json?: unknown }> {
  const answer = await request(new URL(url), clock, { method: 'GET', headers: {}, patienceSeconds })
  if (answer.kind !== 'answered') return { listens: answer.kind !== 'notSent' }
  try {
    return { listens: true, json: JSON.parse(answer.body ?? '') }
  } catch {
    return { listens: true }
  }
}

const healthSchema = z.object({ status: z.literal('running') })
const readySchema = z.object({ status: z.enum(['ready', 'down']), degraded: z.array(z.string()) })

async function askBot({ settings, clock }: Patient, seen: { runs: boolean }): Promise<Check[]> {
  const id = 'machine.bot'
  const address = addressOf(settings.host, settings.port)
  const health = await jsonFrom(`${address}/healthz`, clock)
  if (!health.listens) return [await doesNotRun(settings.dataDir, address)]
  const other = {
    found: `What listens at ${address} is not Connector Warden, or does not answer any more.`,
    fix: `ss -ltnp 'sport = :${settings.port}' shows what it is; end that, or set PORT`,
  }
  if (!healthSchema.safeParse(health.json).success) return [fail(id, other)]
  seen.runs = true
  const ready = readySchema.safeParse((await jsonFrom(`${address}/readyz`, clock)).json)
  if (!ready.success) return [fail(id, other)]
  const { status, degraded } = ready.data
  const words = status === 'ready' ? 'Runs, and serves clicks.' : 'Runs, and cannot serve clicks.'
  const codes = [...new Set(degraded)].map((code) => degradedCheck(code, status))
  return [
    status === 'ready' || codes.length > 0
      ? ok(id, words)
      : fail(id, { found: words, fix: 'journalctl -u connector-warden -n 50 says why' }),
    ...codes,
  ]
}

/** These alone keep clicks from being served. */
const serious = ['recordNotWritable', 'signingKeysMissing', 'draining']

const degradedCheck = (code: string, status: 'ready' | 'down'): Check =>
  (status === 'down' && serious.includes(code) ? fail : warn)('machine.degraded', meaningOf(code), code)

/** Before its first start it is no surprise. */
async function doesNotRun(folder: string, address: string): Promise<Check> {
  const id = 'machine.bot'
  const hasRun = await stat(join(folder, 'journal.jsonl')).then(
    () => true,
    () => false,
  )
  if (!hasRun) return ok(id, `It was never started: nothing listens at ${address}.`)
  return warn(id, {
    found: `It does not run: nothing listens at ${address}.`,
    fix: 'systemctl start connector-warden, or npm start',
  })
}

const lastGoodRead = z.string().optional()
const opsSchema = z.object({
  tenants: z.array(
    z.object({
      name: z.string(),
      lastGoodReadAt: lastGoodRead,
      list: z.object({ lastGoodReadAt: lastGoodRead }).optional(),
    }),
  ),
})

/** What the listener for operators says of each tenant's last good read; undefined if there is none to ask. */
async function readsTold({
  settings,
  clock,
}: Patient): Promise<Map<string, Instant | undefined> | undefined> {
  if (!settings.ops) return undefined
  const { host, port } = settings.ops
  const { json } = await jsonFrom(`${addressOf(host, port)}/readyz`, clock)
  const details = opsSchema.safeParse(json)
  if (!details.success) return undefined
  return new Map(
    details.data.tenants.map(({ name, lastGoodReadAt, list }) => [
      name,
      lastGoodReadAt ?? list?.lastGoodReadAt,
    ]),
  )
}

const blindAfterMs = 10 * minuteMs
/** The connectors are read every hour. */
const staleAfterMs = 3 * hourMs

async function lastRead(
  { settings, clock }: Patient,
  tenant: string,
  { runs, told }: { runs: boolean; told: Map<string, Instant | undefined> | undefined },
): Promise<Check> {
  const id = 'machine.lastRead'
  const now = clock.now()
  const fix = 'The lines on Exchange above say why; journalctl -u connector-warden says since when'
  if (told?.has(tenant)) {
    const at = told.get(tenant)
    if (at === undefined) return warn(id, { found: 'None since the bot was started.', fix }, tenant)
    const most = Math.max(blindAfterMs, 3 * settings.pollSeconds * secondMs)
    const found = `Of the restricted list: ${inWords(at)}, ${ago(at, now)}.`
    return elapsedMs(at, now) > most ? fail(id, { found, fix }, tenant) : ok(id, found, tenant)
  }
  const at = await lastConnectorReading(settings.dataDir, tenant)
  const more = 'With OPS_PORT set the bot would tell of every read.'
  if (at === undefined)
    return ok(id, runs ? `Not known: nothing of it is kept yet. ${more}` : 'Never.', tenant)
  const found = `Of its connectors, which are read every hour: ${inWords(at)}, ${ago(at, now)}.`
  const isLate = runs && elapsedMs(at, now) > staleAfterMs
  return isLate ? warn(id, { found, fix }, tenant) : ok(id, runs ? `${found} ${more}` : found, tenant)
}

const inWords = (at: Instant): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`

function ago(at: Instant, now: Instant): string {
  const minutes = Math.max(0, Math.floor(elapsedMs(at, now) / minuteMs))
  if (minutes < 120) return `${count(minutes, 'minute')} ago`
  return minutes < 48 * 60
    ? `${Math.floor(minutes / 60)} hours ago`
    : `${Math.floor(minutes / 60 / 24)} days ago`
}

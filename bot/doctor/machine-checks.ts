import { open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { elapsedMs, secondMs } from '../../src/clock.js'
import { errorCode, messageOf } from '../../src/errors.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { type Patient, tenantsOf } from './patient.js'
import { runningBotChecks } from './running-bot.js'
import { serverTime } from './server-time.js'

/** The machine that this runs on, and the bot that may be running on it. */
export async function machineChecks(patient: Patient): Promise<Check[]> {
  const { clock } = patient
  const lines = await Promise.all([
    attempt('machine.clock', clock, () => skew(patient)),
    attempt('machine.dataDir', clock, () => record(patient)),
    runningBotChecks(patient),
  ])
  return lines.flat()
}

const warnAfterSeconds = 60
/** Microsoft refuses tokens and signatures whose time is further off than this. */
const failAfterSeconds = 300

async function skew({ settings, clock, entraCa }: Patient): Promise<Check> {
  const id = 'machine.clock'
  const [first] = tenantsOf(settings)
  const servers: [string, string, string?][] = [
    ['Entra', settings.entraUrl, entraCa],
    ['Microsoft Graph', settings.graphUrl],
    ...(first ? [['Exchange', first.url] as [string, string]] : []),
  ]
  const times = await Promise.all(
    servers.map(async ([name, url, ca]) => ({ name, time: await serverTime(url, clock, ca) })),
  )
  const known = times.flatMap(({ name, time }) =>
    time ? [{ name, seconds: Math.round(elapsedMs(time.theirs, time.ours) / secondMs) }] : [],
  )
  const [worst] = known.sort((one, other) => Math.abs(other.seconds) - Math.abs(one.seconds))
  const fix = 'timedatectl set-ntp true, or another way to keep the clock right'
  if (!worst) return warn(id, { found: "Cannot be compared: none of Microsoft's servers answered.", fix })
  const apart = Math.abs(worst.seconds)
  const words = `${apart} seconds ${worst.seconds < 0 ? 'behind' : 'ahead of'} ${worst.name}`
  if (apart > failAfterSeconds) return fail(id, { found: `${words}: tokens and clicks are refused.`, fix })
  if (apart > warnAfterSeconds) return warn(id, { found: `${words}.`, fix })
  return ok(id, `Right, within ${Math.max(apart, 1)} seconds of ${known.map(({ name }) => name).join(', ')}.`)
}

const othersMayLookIn = 0o007
const leastFreeBytes = 500 * 1024 * 1024

async function record(patient: Patient): Promise<Check[]> {
  const folder = patient.settings.dataDir
  const found = await stat(folder).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
  if (!found)
    return [ok('machine.dataDir', `There is no ${folder} yet; the bot makes it at its first start.`)]
  if (!found.isDirectory())
    return [
      fail('machine.dataDir', {
        found: `${folder} cannot be written: it is no folder.`,
        fix: 'Let DATA_DIR name a folder of its own',
      }),
    ]
  return [
    await writable(patient, folder, found.uid),
    await space(folder),
    ...(process.platform === 'win32' ? [] : [rights(folder, found.mode)]),
  ]
}

/** Writes a file of its own and removes it; its name is one that the bot sweeps up, should that fail. */
async function writable({ newId }: Patient, folder: string, owner: number): Promise<Check> {
  const id = 'machine.dataDir'
  const path = join(folder, `doctor-${newId()}.tmp`)
  const me = process.getuid?.()
  const asOwner = `sudo -H -u "$(id -nu ${owner})" npm run doctor`
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile('The doctor was here.\n')
      await file.sync()
    } finally {
      await file.close()
      await rm(path)
    }
  } catch (error) {
    const isOthers = me !== undefined && owner !== me
    const fix = isOthers ? asOwner : `df -h ${folder} && ls -ld ${folder}`
    return fail(id, { found: `${folder} cannot be written: ${messageOf(error)}.`, fix })
  }
  if (me === 0 && owner !== 0)
    return warn(id, {
      found: `${folder} belongs to user ${owner}, and the doctor runs as root: what it says of files need not be true for the bot.`,
      fix: asOwner,
    })
  return ok(id, `${folder} can be written.`)
}

async function space(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const words = `${Math.floor(free / 1024 / 1024)} MB are free`
  if (free >= leastFreeBytes) return ok('machine.space', `${words}.`)
  return warn('machine.space', {
    found: `${words}: a record that cannot be written stops everything.`,
    fix: `du -xh ${folder}/.. | sort -h | tail shows what takes the space`,
  })
}

function rights(folder: string, mode: number): Check {
  const id = 'machine.rights'
  if ((mode & othersMayLookIn) === 0) return ok(id, 'Not everybody on this machine.')
  return warn(id, {
    found: `Everybody on this machine may look into ${folder}.`,
    fix: `chmod o-rwx ${folder}`,
  })
}

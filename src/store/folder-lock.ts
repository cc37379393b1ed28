import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Instant } from '../clock.js'
import { errorCode, Fault } from '../errors.js'
import type { Log } from '../log.js'
import { readIfThere, replaceFile } from './durable-files.js'

const ownerSchema = z.object({
  pid: z.number().int().min(1),
  host: z.string(),
  /** Changes with every start of the machine. */
  boot: z.string().optional(),
  /** When the process started, in clock ticks since the machine did: tells two processes of one id apart. */
  started: z.string().optional(),
  since: z.string(),
})
export type Owner = z.infer<typeof ownerSchema>

const lockName = 'lock.json'
const wishPrefix = 'lock.wanted-'

/**
 * Makes this process the only one that uses a data folder. A lock whose process is no more is taken over; one
 * of another machine never is, since nobody here can tell. Rejects with code `folderInUse`, naming the owner.
 *
 * Looking at a lock and replacing it are two steps, and two processes could take over the same dead lock in
 * between. So whoever wants the folder first puts down a wish, a file of a name of its own, and then looks for
 * other living wishes: of two at the same time at least one sees the other and gives up. `lock.json` is only
 * touched while holding the only wish. Nothing of this has to be cleaned up by hand after a crash.
 *
 * @returns gives the folder free again
 */
export async function lockFolder(folder: string, now: Instant, log: Log): Promise<() => Promise<void>> {
  const me = await thisProcess(now)
  const wish = await putWish(folder, me)
  try {
    await refuseOtherWishes(folder, wish)
    await takeOver(folder, me, log)
    return () => giveFree(folder, me)
  } finally {
    await rm(wish, { force: true })
  }
}

async function putWish(folder: string, me: Owner): Promise<string> {
  const wish = join(folder, `${wishPrefix}${randomUUID()}.json`)
  try {
    await replaceFile(wish, JSON.stringify(me))
  } catch (thrown) {
    // Whoever has just got the folder sweeps up half-written files, ours with them: the lock will name it.
    if (errorCode(thrown) !== 'ENOENT') throw thrown
    await replaceFile(wish, JSON.stringify(me))
  }
  return wish
}

async function refuseOtherWishes(folder: string, mine: string): Promise<void> {
  const names = await readdir(folder)
  const wishes = names.filter((name) => name.startsWith(wishPrefix) && name.endsWith('.json'))
  for (const path of wishes.map((name) => join(folder, name)).filter((path) => path !== mine)) {
    const owner = await readOwner(path)
    if (owner && (await mayBeAlive(owner))) throw inUse(folder, path, owner)
    await rm(path, { force: true })
  }
}

async function takeOver(folder: string, me: Owner, log: Log): Promise<void> {
  const path = join(folder, lockName)
  const owner = await readOwner(path)
  if (owner && (await mayBeAlive(owner))) throw inUse(folder, path, owner)
  if (owner)
    log.warn({ ...owner }, 'the process that used the folder ended without giving it free: taken over')
  await replaceFile(path, JSON.stringify(me))
}

/** Only our own lock: somebody may have deleted it by hand and started another process. */
async function giveFree(folder: string, me: Owner): Promise<void> {
  const path = join(folder, lockName)
  if ((await readIfThere(path)) === JSON.stringify(me)) await rm(path)
}

/** Both kinds of file get their content before their name: an unreadable one is not just being written. */
async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  try {
    return ownerSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new Fault(
      'folderInUse',
      `${path} cannot be read, so nobody can tell whether another process uses that folder.`,
      `Make sure that no other bot uses it, then delete ${path} and start again.`,
      { cause },
    )
  }
}

function inUse(folder: string, lock: string, { pid, host, since }: Owner): Fault {
  return new Fault(
    'folderInUse',
    `The folder ${folder} is used by process ${pid} on ${host} since ${since}; only one process may use it.`,
    host === hostname()
      ? `End process ${pid}, or give this bot a folder of its own (DATA_DIR). If it is no bot, delete ${lock}.`
      : `End the bot on ${host}. If that machine is gone for good, delete ${lock} and start again.`,
  )
}

async function mayBeAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true
  const boot = await bootId()
  if (owner.boot !== undefined && boot !== undefined && owner.boot !== boot) return false
  if (!isRunning(owner.pid)) return false
  const started = await startOf(owner.pid)
  return owner.started === undefined || started === undefined || owner.started === started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // EPERM: it runs, as another user.
    return errorCode(thrown) !== 'ESRCH'
  }
}

async function thisProcess(now: Instant): Promise<Owner> {
  const { pid } = process
  return { pid, host: hostname(), boot: await bootId(), started: await startOf(pid), since: now }
}

/** Only Linux tells; elsewhere the process id alone has to do. */
const bootId = async () => (await readIfThere('/proc/sys/kernel/random/boot_id'))?.trim()

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  // The second field is the command's name in brackets and may hold anything; the start is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]
}

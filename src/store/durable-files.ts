import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../errors.js'

/** What an append-only file asks of the operating system; tests put failing disks here. */
export interface FileOps {
  /** Writes at `position`, in bytes; returns how many bytes were written, which may be fewer than given. */
  write(file: FileHandle, bytes: Uint8Array, position: number): Promise<number>
  datasync(file: FileHandle): Promise<void>
  truncate(file: FileHandle, length: number): Promise<void>
}

export const systemFileOps: FileOps = {
  write: async (file, bytes, position) =>
    (await file.write(bytes, 0, bytes.byteLength, position)).bytesWritten,
  datasync: (file) => file.datasync(),
  truncate: (file, length) => file.truncate(length),
}

/** The text of a file, or undefined if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    // ESRCH: a process that ended while its file in /proc was being read.
    if (['ENOENT', 'ESRCH'].includes(errorCode(thrown))) return undefined
    throw thrown
  }
}

/** Makes the names in a folder durable: new, renamed and removed ones. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder as a file, and makes names durable by itself.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a folder that only its owner can read; one that exists already is left as it is. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  await syncFolder(dirname(first))
  await syncFolder(dirname(folder))
}

const temporary = '.tmp'

/**
 * Replaces a file as a whole, readable by its owner only. After a crash at any moment the old or the new
 * content is there in full. Not for two writers of the same file at once.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array | AsyncIterable<string>,
): Promise<void> {
  const draft = path + temporary
  await rm(draft, { force: true })
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await writeFile(handle, content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, path)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
  await syncFolder(dirname(path))
}

/** Removes what `replaceFile` left behind when the process was killed in the middle of it. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder)
  await Promise.all(
    names.filter((name) => name.endsWith(temporary)).map((name) => rm(join(folder, name), { force: true })),
  )
}

/** Path of a copy of bytes that were cut off `path`: `journal.jsonl` at noon gives `journal.torn-...T12-00-00...`. */
export const tornCopyOf = (path: string, at: string): string =>
  join(dirname(path), `${basename(path, '.jsonl')}.torn-${at.replaceAll(':', '-')}`)

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../clock.js'
import { errorCode, Fault, messageOf } from '../errors.js'
import type { Log } from '../log.js'
import { type FileOps, replaceFile, syncFolder, tornCopyOf } from './durable-files.js'
import type { LinesEnd } from './json-lines.js'

/** What an append log needs from its surroundings. */
export interface LogSurroundings {
  clock: Clock
  log: Log
  files: FileOps
}

/** The file behind an append log. */
export interface LogFile {
  path: string
  /** Reads the file again; throws if it is not what it has to be. */
  recheck(): Promise<void>
}

/**
 * A file that only ever grows by whole, durable appends. One append at a time.
 *
 * After an append that failed, the file is cut back to its last good length before anything else is written:
 * otherwise a restart would find lines whose writers were told that nothing was recorded. After a failed
 * sync the system may have dropped pages that it still shows to readers, so the cut file is read and checked
 * again as well.
 */
export class AppendLog {
  private suspect: 'written' | 'unsynced' | undefined
  private failure: string | undefined

  private constructor(
    private readonly file: LogFile,
    private readonly handle: FileHandle,
    private length: number,
    private readonly around: LogSurroundings,
  ) {}

  /**
   * Opens the file for appending after its last complete line, and makes durable what is there. Bytes after
   * that line are cut off, kept in a file of their own and reported.
   * @param end what reading the file found
   */
  static async open(file: LogFile, end: LinesEnd, around: LogSurroundings): Promise<AppendLog> {
    const handle = await open(file.path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const log = new AppendLog(file, handle, end.bytes, around)
    try {
      if (end.torn) await log.cutTorn(end.torn)
      // A process that was killed may have left lines that are read but not durable yet.
      await around.files.datasync(handle)
      await syncFolder(dirname(file.path))
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
    return log
  }

  /** Bytes that are durable. */
  bytes(): number {
    return this.length
  }

  /** Why the last append failed; undefined if it did not. */
  failing(): string | undefined {
    return this.failure
  }

  /** Resolves when `bytes` are durable; rejects with code `recordNotWritable`, and then they are not there. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.repair()
      await this.write(bytes)
    } catch (thrown) {
      this.failure = messageOf(thrown)
      await this.repairEarly()
      throw notWritable(this.file.path, thrown)
    }
    this.length += bytes.byteLength
    this.failure = undefined
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  private async write(bytes: Uint8Array): Promise<void> {
    const { files } = this.around
    this.suspect = 'written'
    for (let done = 0; done < bytes.byteLength; ) {
      const written = await files.write(this.handle, bytes.subarray(done), this.length + done)
      if (written === 0) throw new Error('the system wrote nothing and gave no reason')
      done += written
    }
    this.suspect = 'unsynced'
    await files.datasync(this.handle)
    this.suspect = undefined
  }

  private async repair(): Promise<void> {
    if (!this.suspect) return
    const { files, log } = this.around
    await files.truncate(this.handle, this.length)
    await files.datasync(this.handle)
    if (this.suspect === 'unsynced') await this.file.recheck()
    this.suspect = undefined
    log.warn(
      { file: this.file.path, bytes: this.length },
      'cut back to the last good length after a failed write',
    )
  }

  /** Not waiting for the next append: the process may be ended before there is one. */
  private async repairEarly(): Promise<void> {
    try {
      await this.repair()
    } catch (thrown) {
      const cause = messageOf(thrown)
      this.around.log.error(
        { file: this.file.path, cause },
        'cannot be cut back yet; nothing is written until it is',
      )
    }
  }

  private async cutTorn(torn: Buffer): Promise<void> {
    const { clock, files, log } = this.around
    const kept = tornCopyOf(this.file.path, clock.now())
    await replaceFile(kept, torn)
    await files.truncate(this.handle, this.length)
    log.warn(
      { file: this.file.path, at: this.length, bytes: torn.length, kept },
      'the last line was not written to its end and was never acknowledged: cut off and kept aside',
    )
  }
}

const remedies: Record<string, string> = {
  ENOSPC: 'Free space on that disk, then do it again; the bot need not be restarted.',
  EDQUOT: 'Raise the quota of the user that runs the bot, then do it again; the bot need not be restarted.',
  EROFS: 'Mount that disk for writing, then do it again.',
  EIO: 'The disk reports errors: move the folder to a sound one and start the bot there.',
}

function notWritable(path: string, cause: unknown): Fault {
  const remedy = cause instanceof Fault ? cause.remedy : remedies[errorCode(cause)]
  return new Fault(
    'recordNotWritable',
    `Not recorded, nothing was done: ${path} could not be written (${messageOf(cause)}).`,
    remedy ?? 'Look at the disk and at the rights of that file, then do it again.',
    { cause },
  )
}

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { basename, dirname } from 'node:path'
import { z } from 'zod'
import { errorCode, Fault, messageOf } from '../errors.js'

/** A file of JSON lines, and the code of the fault that says it is damaged. */
export interface LinesFile {
  path: string
  damaged: string
}

/** Where the last complete line ends, in bytes, and what follows it without an end of line. */
export interface LinesEnd {
  lines: number
  bytes: number
  torn?: Buffer | undefined
}

/**
 * The newest form of lines that we know, and the one we write. Every earlier form stays readable: what came with form 2
 * (evidence, problems with the bot itself) is only added. The number grows so that an older version says that a newer
 * one wrote the file, and does not take it for damaged.
 */
export const newestForm = 2
export const formSchema = z.int().min(1).max(newestForm)

/** Longer than any line we write, so that a file full of junk does not fill the memory first. */
export const longestLine = 4 * 1024 * 1024

const newline = 0x0a

/**
 * Reads a file line by line and gives each as the JSON value that it holds, with its exact bytes (without the
 * end of line). A last line without its end was never acknowledged to anybody: it is returned as `torn`.
 * A missing file has no lines. Anything else that is not a line of JSON, and whatever `visit` throws, rejects
 * with a fault that names file, line and byte.
 */
export async function eachJsonLine(
  file: LinesFile,
  visit: (value: unknown, bytes: Buffer) => void,
): Promise<LinesEnd> {
  const end: LinesEnd = { lines: 0, bytes: 0 }
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunksOf(file.path)) {
    rest = visitLines(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk, end, file, visit)
    if (rest.length > longestLine) throw damage(file, end, `a line is longer than ${longestLine} bytes`)
  }
  return rest.length > 0 ? { ...end, torn: rest } : end
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 })
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw thrown
  }
}

/** Visits the complete lines of `bytes`, counts them in `end`, and returns what follows the last one. */
function visitLines(
  bytes: Buffer,
  end: LinesEnd,
  file: LinesFile,
  visit: (value: unknown, bytes: Buffer) => void,
): Buffer {
  let start = 0
  for (let stop = bytes.indexOf(newline); stop >= 0; stop = bytes.indexOf(newline, start)) {
    const line = bytes.subarray(start, stop)
    try {
      const value = parseJson(line)
      if (isNewer(value)) throw newer(file, end)
      visit(value, line)
    } catch (thrown) {
      throw thrown instanceof Fault ? thrown : damage(file, end, messageOf(thrown), thrown)
    }
    end.lines += 1
    end.bytes += line.length + 1
    start = stop + 1
  }
  return bytes.subarray(start)
}

function parseJson(line: Buffer): unknown {
  if (line.length === 0) throw new Error('the line is empty')
  if (line.includes(0)) throw new Error('the line holds NUL bytes, as a power cut can leave them')
  if (line.subarray(0, 3).toString('hex') === 'efbbbf')
    throw new Error('the line starts with a byte order mark: an editor has saved the file')
  if (!isUtf8(line)) throw new Error('the line is not valid UTF-8')
  try {
    return JSON.parse(line.toString())
  } catch (cause) {
    throw new Error('the line is not JSON', { cause })
  }
}

const isNewer = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'v' in value &&
  typeof value.v === 'number' &&
  value.v > newestForm

function newer({ path }: LinesFile, end: LinesEnd): Fault {
  return new Fault(
    'writtenByNewer',
    `${path} was written by a newer version of the bot: line ${end.lines + 1}, byte ${end.bytes}, has a form ` +
      'that this version does not know. Nothing was changed.',
    'Run that version or a newer one, or restore the folder as it was before the upgrade.',
  )
}

function damage({ path, damaged }: LinesFile, end: LinesEnd, why: string, cause?: unknown): Fault {
  const folder = dirname(path)
  return new Fault(
    damaged,
    `${path} is damaged at line ${end.lines + 1}, byte ${end.bytes}: ${why}. Nothing was changed.`,
    `Restore ${basename(path)} from a backup. Without one, keep a copy of the folder ${folder} and move it ` +
      'aside: the bot then starts with an empty record, finds what is restricted by reading Exchange, and ' +
      'asks for all approvals anew; say `watch` again in each channel.',
    { cause },
  )
}

import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { z } from 'zod'
import { prettifyError } from 'zod'
import type { Clock, Instant } from './clock.js'
import { errorCode, Fault, messageOf } from './errors.js'
import { unsafe } from './file-rights.js'

/** What a file says now. `hash` is of its exact bytes, `absent` where there is no file. */
export interface Reading<Value> {
  value: Value
  hash: string
  /** Set while the file cannot be used and the last good one stays: why, and since when. */
  broken?: { why: string; since: Instant } | undefined
}

interface Options<Schema extends z.ZodType> {
  path: string
  /** What it is called in messages, e.g. `role map`. */
  what: string
  /** Name of the setting that says where it is. */
  setting: string
  schema: Schema
  clock: Clock
  /** Refuse a file that others may write to, or that belongs to somebody else. */
  guarded: boolean
  /** Called when the file changed, was found broken, or is good again. */
  onChange: (reading: Reading<z.infer<Schema>>, was: string) => Promise<void>
}

/**
 * A JSON file that people edit while the program runs. It is looked at whenever it is asked for, so an edit
 * works at once; a broken edit leaves the last good one in force and says so.
 */
export class WatchedFile<Schema extends z.ZodType> {
  #reading: Reading<z.infer<Schema>>
  #seen: string
  #loading: Promise<Reading<z.infer<Schema>>> | undefined

  private constructor(
    private readonly options: Options<Schema>,
    first: { reading: Reading<z.infer<Schema>>; seen: string },
  ) {
    this.#reading = first.reading
    this.#seen = first.seen
  }

  /**
   * Reads the file for the first time; one that does not exist, or holds nothing, counts as `{}`.
   * @throws Fault `fileUnusable` if there is one and it cannot be used: a start is no time for guessing
   */
  static async open<Schema extends z.ZodType>(options: Options<Schema>): Promise<WatchedFile<Schema>> {
    const seen = await fingerprint(options.path)
    const result = await load(options, 'atStart')
    if (!result.ok) {
      const { what, path, setting } = options
      throw new Fault(
        'fileUnusable',
        `The ${what} ${path} cannot be used:\n${result.why}`,
        `Put the file right, or let ${setting} name another one. Nothing was changed.`,
      )
    }
    return new WatchedFile(options, { reading: result.reading, seen })
  }

  /**
   * What the file says now, or the last good version of it. Whoever asks while an edit is being read waits for
   * it: a role that was taken away must not count once more.
   */
  async current(): Promise<Reading<z.infer<Schema>>> {
    if (this.#loading) return this.#afterLoading()
    const seen = await fingerprint(this.options.path)
    if (this.#loading) return this.#afterLoading()
    if (seen === this.#seen) return this.#reading
    this.#loading = this.#reload(seen).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** What is being read may be older than the question. */
  async #afterLoading(): Promise<Reading<z.infer<Schema>>> {
    await this.#loading
    return this.current()
  }

  async #reload(seen: string): Promise<Reading<z.infer<Schema>>> {
    const was = this.#reading
    const result = await load(this.options, 'edited')
    const since = was.broken?.since ?? this.options.clock.now()
    const reading = result.ok ? result.reading : { ...was, broken: { why: result.why, since } }
    // Recorded before it counts; if that fails, so does whatever it was asked for, and the next one tries again.
    if (reading.hash !== was.hash || reading.broken?.why !== was.broken?.why)
      await this.options.onChange(reading, was.hash)
    this.#reading = reading
    this.#seen = seen
    return reading
  }
}

/** Tells one state of a file from another without reading it; a link is followed to what it points at. */
async function fingerprint(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, ctimeMs, size, mode, uid } = await stat(path)
    return [ino, mtimeMs, ctimeMs, size, mode, uid].join(' ')
  } catch (error) {
    return `no file: ${errorCode(error)}`
  }
}

type When = 'atStart' | 'edited'
type Loaded<Value> = { ok: true; reading: Reading<Value> } | { ok: false; why: string }

async function load<Schema extends z.ZodType>(
  { path, schema, guarded }: Options<Schema>,
  when: When,
): Promise<Loaded<z.infer<Schema>>> {
  let bytes: Buffer
  try {
    if (guarded) {
      const why = unsafe(path, await stat(path))
      if (why) return { ok: false, why }
    }
    bytes = await readFile(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') return { ok: false, why: `It cannot be read: ${messageOf(error)}` }
    return parse(schema, {}, 'absent')
  }
  return interpret(schema, bytes, when)
}

function interpret<Schema extends z.ZodType>(
  schema: Schema,
  bytes: Buffer,
  when: When,
): Loaded<z.infer<Schema>> {
  const hash = createHash('sha256').update(bytes).digest('hex')
  // Windows editors put a byte order mark in front.
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (text.trim() === '') {
    // Editors empty a file before they write it anew, so an edit that leaves nothing is not finished.
    if (when === 'edited') return { ok: false, why: 'It is empty. To say nothing, write {}.' }
    return parse(schema, {}, hash)
  }
  try {
    return parse(schema, JSON.parse(text), hash)
  } catch (error) {
    return { ok: false, why: `It is not JSON: ${messageOf(error)}` }
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  hash: string,
): Loaded<z.infer<Schema>> {
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, reading: { value: parsed.data, hash } }
  return { ok: false, why: prettifyError(parsed.error) }
}

import { createHash } from 'node:crypto'
import { chmod, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { minuteMs } from '../../src/clock.js'
import type { Fault } from '../../src/errors.js'
import { type Reading, WatchedFile } from '../../src/watched-file.js'
import { TestClock } from '../support/test-clock.js'

const schema = z.strictObject({ colour: z.enum(['red', 'green']).default('red') })
type Colours = z.infer<typeof schema>

describe('a file that people edit while the program runs', () => {
  let folder: string
  let path: string
  let clock: TestClock
  let changes: { reading: Reading<Colours>; was: string }[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warden-file-'))
    path = join(folder, 'colours.json')
    clock = new TestClock()
    changes = []
  })
  afterEach(() => rm(folder, { recursive: true }))

  const write = (text: string) => writeFile(path, text, { mode: 0o600 })
  const open = (
    guarded = true,
    onChange: (reading: Reading<Colours>, was: string) => Promise<void> = async (reading, was) =>
      void changes.push({ reading, was }),
  ) =>
    WatchedFile.open({
      path,
      what: 'colour list',
      setting: 'COLOUR_FILE',
      schema,
      clock,
      guarded,
      onChange,
    })
  const refusal = async (): Promise<Fault> =>
    open().then(
      () => {
        throw new Error('it was opened')
      },
      (fault: Fault) => fault,
    )

  test('says what it says, under the hash that sha256sum prints for it', async () => {
    await write('{"colour":"green"}')
    const hash = createHash('sha256').update('{"colour":"green"}').digest('hex')
    expect(await (await open()).current()).toEqual({ value: { colour: 'green' }, hash })
  })

  test('says what it says now to everybody who asks while an edit is being read and recorded', async () => {
    await write('{"colour":"green"}')
    let recorded = () => {}
    const recording = new Promise<void>((resolve) => {
      recorded = resolve
    })
    const file = await open(true, () => recording)
    await write('{"colour":"red"}')
    const asked = [file.current(), file.current(), file.current()]
    recorded()
    expect((await Promise.all(asked)).map(({ value }) => value.colour)).toEqual(['red', 'red', 'red'])
  })

  test('an edit that cannot be recorded does not count, and is taken up by the next who asks', async () => {
    await write('{"colour":"green"}')
    let tries = 0
    const file = await open(true, async () => {
      tries += 1
      if (tries === 1) throw new Error('disk full')
    })
    await write('{"colour":"red"}')
    await expect(file.current()).rejects.toThrow('disk full')
    expect((await file.current()).value.colour).toBe('red')
  })

  test('counts as saying nothing where it is missing', async () => {
    expect(await (await open()).current()).toEqual({ value: { colour: 'red' }, hash: 'absent' })
  })

  test.each(['', ' \n'])('counts as saying nothing at a start where it holds nothing: %j', async (text) => {
    await write(text)
    const reading = await (await open()).current()
    expect(reading.value).toEqual({ colour: 'red' })
    expect(reading.hash).not.toBe('absent')
  })

  test('is read with the byte order mark that Windows editors put in front', async () => {
    await write('\ufeff{"colour":"green"}')
    expect((await (await open()).current()).value.colour).toBe('green')
  })

  test.each([
    ['half a file', '{"colour":'],
    ['another form', '["green"]'],
    ['a value that does not exist', '{"colour":"blue"}'],
    ['a key that nobody knows', '{"color":"green"}'],
  ])('stops a start that finds %s in it, and the file and the setting are named', async (_what, text) => {
    await write(text)
    const fault = await refusal()
    expect(fault.code).toBe('fileUnusable')
    expect(fault.message).toContain(path)
    expect(fault.remedy).toContain('COLOUR_FILE')
  })

  test('a key that nobody knows is named', async () => {
    await write('{"colour":"green","colouur":1}')
    expect((await refusal()).message).toContain('"colouur"')
  })

  test('a directory in its place stops a start', async () => {
    path = folder
    expect((await refusal()).message).toContain('cannot be read')
  })

  test.each([0o620, 0o602, 0o666])(
    'stops a start if others may write to it, with the command that helps: mode %o',
    async (mode) => {
      await write('{}')
      await chmod(path, mode)
      expect((await refusal()).message).toContain(`chmod go-w ${path}`)
    },
  )

  test('others may read it', async () => {
    await write('{"colour":"green"}')
    await chmod(path, 0o644)
    expect((await (await open()).current()).value.colour).toBe('green')
  })

  test('a link to it is followed, and it is the target that others must not be able to write to', async () => {
    await write('{"colour":"green"}')
    const target = path
    path = join(folder, 'link.json')
    await symlink(target, path)
    expect((await (await open()).current()).value.colour).toBe('green')
    await chmod(target, 0o666)
    expect((await refusal()).message).toContain('Others may write to it')
  })

  test('an edit works at the next look, and is told once with the hash that was', async () => {
    await write('{}')
    const file = await open()
    const before = await file.current()
    await write('{"colour":"green"}')
    expect((await file.current()).value.colour).toBe('green')
    await file.current()
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject({ was: before.hash, reading: { value: { colour: 'green' } } })
  })

  test('a link that is turned to another file is an edit, as a mounted configuration does it', async () => {
    const link = join(folder, 'link.json')
    await write('{}')
    await symlink(path, link)
    const other = join(folder, 'other.json')
    await writeFile(other, '{"colour":"green"}', { mode: 0o600 })
    path = link
    const file = await open()
    await symlink(other, `${link}.new`)
    await rename(`${link}.new`, link)
    expect((await file.current()).value.colour).toBe('green')
  })

  test.each([
    ['broken JSON', '{"colour":'],
    ['nothing, as while an editor saves', ''],
    ['an unknown key', '{"colour":"green","more":1}'],
  ])('an edit that leaves %s keeps the last good one, and says so once', async (_what, text) => {
    await write('{"colour":"green"}')
    const file = await open()
    const good = await file.current()
    await write(text)
    const reading = await file.current()
    expect(reading).toMatchObject({ value: { colour: 'green' }, hash: good.hash })
    expect(reading.broken?.since).toBe(clock.now())
    await file.current()
    expect(changes).toHaveLength(1)
  })

  test('a second broken edit does not start the time anew', async () => {
    await write('{"colour":"green"}')
    const file = await open()
    await write('{')
    const since = (await file.current()).broken?.since
    clock.advance(10 * minuteMs)
    await write('{{')
    expect((await file.current()).broken?.since).toBe(since)
  })

  test('a right that others get while it runs counts as a broken edit', async () => {
    await write('{"colour":"green"}')
    const file = await open()
    await chmod(path, 0o666)
    const { value, broken } = await file.current()
    expect(value.colour).toBe('green')
    expect(broken?.why).toContain('Others may write to it')
  })

  test('put right, it is in force at once and no longer broken', async () => {
    await write('{"colour":"green"}')
    const file = await open()
    await write('{')
    await file.current()
    await write('{"colour":"red"}')
    expect(await file.current()).toEqual({ value: { colour: 'red' }, hash: expect.any(String) })
    expect(changes.map(({ reading }) => reading.broken !== undefined)).toEqual([true, false])
  })

  test('deleted while it runs, it says nothing any more', async () => {
    await write('{"colour":"green"}')
    const file = await open()
    await rm(path)
    expect(await file.current()).toEqual({ value: { colour: 'red' }, hash: 'absent' })
  })

  test('where nothing hangs on who wrote it, others may', async () => {
    await write('{"colour":"green"}')
    await chmod(path, 0o666)
    expect((await (await open(false)).current()).value.colour).toBe('green')
  })
})

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Playground, startPlayground } from '../../demo/playground.js'
import { channel, people, tenantId } from '../../demo/playground-config.js'

const botEndpoint = 'http://127.0.0.1:9/api/messages'

const patienceMs = 60_000

let workFolder: string
let playground: Playground

const accepts = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const connection = createConnection({ host, port })
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })

beforeAll(async () => {
  workFolder = await mkdtemp(join(tmpdir(), 'warden-playground-'))
  playground = await startPlayground({ botEndpoint, port: 0, workFolder })
}, patienceMs)

afterAll(async () => {
  await playground.stop()
  await rm(workFolder, { recursive: true })
})

describe('the Playground of the demo', () => {
  test('knows the people, by the ids that a role map can name', async () => {
    const path = `/_connector/v3/conversations/${encodeURIComponent(channel.id)}/members/`
    for (const { id, name, objectId } of Object.values(people)) {
      const reply = await fetch(`http://${playground.serviceHost}${path}${encodeURIComponent(id)}`)
      expect(await reply.json()).toMatchObject({ name, aadObjectId: objectId, tenantId })
    }
  })

  test('can be reached from this machine only', async () => {
    expect(await accepts('127.0.0.1', playground.port)).toBe(true)
    // A wildcard listener would answer here too: on Linux, all of 127.0.0.0/8 is this machine.
    expect(await accepts('127.0.0.2', playground.port)).toBe(false)
  })

  test(
    'moves to a free port when the one asked for is taken, and leaves nothing behind when it is stopped',
    async () => {
      const before = await readdir(workFolder)
      const second = await startPlayground({ botEndpoint, port: playground.port, workFolder })
      expect(second.port).not.toBe(playground.port)
      expect(await accepts('127.0.0.1', second.port)).toBe(true)

      await second.stop()
      await second.stop()
      expect(await accepts('127.0.0.1', second.port)).toBe(false)
      expect(await readdir(workFolder)).toEqual(before)
    },
    patienceMs,
  )

  test(
    'that does not start tells what it complained about, and leaves nothing behind',
    async () => {
      const before = await readdir(workFolder)
      // It takes this for an option of its own, prints its version and ends.
      const attempt = startPlayground({ botEndpoint: '--version', port: 0, workFolder })
      await expect(attempt).rejects.toMatchObject({
        code: 'playgroundNotStarted',
        message: expect.stringMatching(/ended at once.*\d+\.\d+\.\d+/),
      })
      expect(await readdir(workFolder)).toEqual(before)
    },
    patienceMs,
  )
})

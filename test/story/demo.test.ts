import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url))
const running: ChildProcess[] = []

/** Starts the demo and answers with the address that it prints. */
async function startDemo(): Promise<{ demo: ChildProcess; page: string }> {
  const demo = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(demo)
  let printed = ''
  demo.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  while (!printed.includes('Ctrl-C'))
    await Promise.race([once(demo.stdout ?? demo, 'data'), once(demo, 'exit')])
  return { demo, page: /Open\s+(http:\S+)/.exec(printed)?.[1] ?? '' }
}

const folders = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('connector-warden-demo-'))

afterAll(() => {
  for (const demo of running) demo.kill('SIGKILL')
})

test('two demos run side by side on ports of their own, and each ends leaving nothing behind', async () => {
  const before = await folders()
  const [first, second] = [await startDemo(), await startDemo()]
  expect(first.page).not.toBe(second.page)
  for (const { page } of [first, second]) expect((await fetch(page)).status).toBe(200)
  for (const { demo } of [first, second]) {
    const exited = once(demo, 'exit')
    demo.kill('SIGINT')
    expect(await exited).toEqual([0, null])
  }
  expect(await folders()).toEqual(before)
})

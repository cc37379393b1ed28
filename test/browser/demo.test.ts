import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { PlaygroundPage } from './playground-driver.js'

const screenshots = fileURLToPath(new URL('screenshots/', import.meta.url))
const program = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url))
const patienceMs = 40_000
const reasonLabel = 'Reason (3 to 500 characters, kept in the record)'

const demoFolders = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('connector-warden-demo-'))

describe('the demo, as a new user goes through it with the mouse', () => {
  let demo: ChildProcess
  let page: PlaygroundPage
  let before: string[]
  let printed = ''

  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true })
    before = await demoFolders()
    demo = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    demo.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    while (!/Ctrl-C/.test(printed)) await once(demo.stdout ?? demo, 'data')
    page = await PlaygroundPage.open(/Open\s+(http:\S+)/.exec(printed)?.[1] ?? '', patienceMs)
  })

  afterAll(async () => {
    await page?.close()
    demo?.kill('SIGKILL')
  })

  test('the channel is introduced to the bot, and a restriction is announced a few seconds later', async () => {
    await page.openConversation('Mail security')
    await page.takePictures(await page.card('To begin'), screenshots, '1-introduction')
    await page.takePictures(await page.card('nobody is on it'), screenshots, '2-announced')
  })

  test('acknowledging shows at once who is on it', async () => {
    await page.press(await page.card('nobody is on it'), 'Acknowledge')
    await page.card('On it: Alex Admin')
  })

  test('approving before the steps are settled is refused in words', async () => {
    await page.press(await page.card('On it: Alex Admin'), 'Approve unblock')
    await page.takePictures(await page.card('On it: Alex Admin'), screenshots, '3-refused')
    await page.sees(/required steps? (is|are) not settled|text of 3 to 500/)
  })

  test('four steps are settled with one click each', async () => {
    for (let settled = 0; settled < 4; settled++) {
      await page.press(await page.card(`${settled} of 4 required steps settled`), 'Done')
    }
    await page.takePictures(await page.card('4 of 4 required steps settled'), screenshots, '4-steps-settled')
  })

  test('an approval with a reason removes the block, and the card says what it waits for', async () => {
    const card = await page.card('4 of 4 required steps settled')
    await page.fill(card, reasonLabel, 'Change reverted, account secured')
    await page.press(card, 'Approve unblock')
    await page.takePictures(await page.card('Unblocking'), screenshots, '5-removing')
  })

  test('it is called unblocked once Exchange lists it no more', async () => {
    await page.takePictures(await page.card('Removed from Restricted entities'), screenshots, '6-unblocked')
  })

  test('typed commands are understood: help, list, whoami, and a word that nobody knows', async () => {
    await page.post('simulate')
    await page.card('nobody is on it')
    await page.post('list')
    await page.takePictures(await page.card('1 incident'), screenshots, '7-list')
    await page.post('whoami')
    await page.takePictures(await page.card('What I know about you'), screenshots, '8-whoami')
    await page.post('aprove')
    await page.sees(/Did you mean/)
  })

  test('Ctrl-C stops everything and leaves nothing behind', async () => {
    const exited = once(demo, 'exit')
    demo.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    expect(await demoFolders()).toEqual(before)
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'

const program = resolve('dist/bot/main.js')

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  /** What it said to whoever started it. */
  said: string
}

const running = new Set<BotProcess>()

/** Ends every process that a test has left behind. */
export async function endBotProcesses(): Promise<void> {
  await Promise.all([...running].map((bot) => bot.kill('SIGKILL')))
}

/** The built bot as a process of its own, with nothing in its environment but what it is given. */
export class BotProcess {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #said = ''

  constructor(settings: Record<string, string>) {
    if (!existsSync(program)) throw new Error(`${program} is missing: npm run build makes it`)
    // In a folder without an .env file.
    this.#child = spawn(process.execPath, [program], {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH ?? '', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const listen = (text: unknown) => {
      this.#said += String(text)
    }
    this.#child.stderr?.on('data', listen)
    this.#child.stdout?.on('data', listen)
    running.add(this)
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      running.delete(this)
      return { code, signal, said: this.#said }
    })
  }

  /** Starts a bot and returns it once it listens, with its port. */
  static async listening(settings: Record<string, string>): Promise<{ bot: BotProcess; port: number }> {
    const bot = new BotProcess(settings)
    return { bot, port: await bot.#listens() }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Logs and messages so far. */
  get said(): string {
    return this.#said
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended
  }

  #listens(): Promise<number> {
    return new Promise((found, failed) => {
      const look = () => {
        const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.#said)?.[1]
        if (port) found(Number(port))
      }
      this.#child.stderr?.on('data', look)
      this.ended.then(({ code, said }) => failed(new Error(`the bot ended with ${code} and said:\n${said}`)))
    })
  }
}

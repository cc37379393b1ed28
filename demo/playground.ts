import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { later, pause, secondMs, systemClock } from '../src/clock.js'
import { Fault, messageOf } from '../src/errors.js'
import { playgroundConfig } from './playground-config.js'

/** A running Microsoft 365 Agents Playground: a stand-in for Teams, with a page to look at. */
export interface Playground {
  /** The page, on 127.0.0.1. It keeps no history: what is posted while nobody has it open is never seen. */
  url: string
  /** Where it really listens, which is another port than the one asked for if that was taken. */
  port: number
  /** The `host:port` that its activities name in their service URL; the bot has to trust it. */
  serviceHost: string
  /** Ends it and removes its folder. May be called more than once. */
  stop(): Promise<void>
}

export interface PlaygroundOptions {
  /** Where it sends activities, such as `http://127.0.0.1:3978/api/messages`. */
  botEndpoint: string
  /** The port to listen on; 0 for any. A busy one is replaced by a free one. */
  port: number
  /** An existing folder; the Playground gets a folder of its own in it. */
  workFolder: string
}

const readyWithinMs = 30 * secondMs
const lookAgainMs = 100
const outputKept = 4_000

/**
 * Runs inside the Playground's process before its own code does. It listens on all interfaces and has no
 * authentication, so anybody on the same network could press the buttons: here it is held to loopback. And it
 * ends as soon as the process that started it is gone, however that one ended.
 */
const preload = `
import { Server } from 'node:net'
const listen = Server.prototype.listen
Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number' && typeof rest[0] !== 'string'
    ? listen.call(this, port, '127.0.0.1', ...rest)
    : listen.call(this, port, ...rest)
}
process.on('disconnect', () => process.exit())
`

// Its own variables stay out: AUTH_CLIENT_ID, for one, would make it sign in at Microsoft.
const inheritedVariables = ['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP']

const ownProcessGroup = process.platform !== 'win32'

/**
 * Starts the Playground, without telemetry and without opening a browser, and waits until it answers. The
 * people, the team and the channel are those of `playground-config`.
 * @throws Fault `playgroundNotStarted` with what the Playground itself complained about
 */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const folder = await mkdtemp(join(options.workFolder, 'playground-'))
  await writeFile(join(folder, '.m365agentsplayground.yml'), playgroundConfig())
  const child = spawnPlayground(options, folder)
  const stop = async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const port = await ready(child, folder)
    return { url: `http://127.0.0.1:${port}`, port, serviceHost: `localhost:${port}`, stop }
  } catch (problem) {
    await stop()
    throw problem
  }
}

function spawnPlayground({ botEndpoint, port }: PlaygroundOptions, folder: string): ChildProcess {
  const cli = createRequire(import.meta.url).resolve('@microsoft/m365agentsplayground/cli.js')
  const hold = `data:text/javascript,${encodeURIComponent(preload)}`
  const args = ['start', '--app-endpoint', botEndpoint, '--port', String(port), '--disable-telemetry']
  return spawn(process.execPath, ['--import', hold, cli, ...args], {
    cwd: folder,
    env: variables(folder),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: ownProcessGroup,
  })
}

const variables = (folder: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(inheritedVariables.map((name) => [name, process.env[name]])),
  TEAMSAPPTESTER_BROWSER: 'none',
  M365_AGENTS_PLAYGROUND_LOGFILE: logFile(folder),
})

const logFile = (folder: string) => join(folder, 'playground.log')

async function ready(child: ChildProcess, folder: string): Promise<number> {
  const output = collected(child)
  await once(child, 'spawn')
  const until = later(systemClock.now(), readyWithinMs)
  while (isRunning(child) && systemClock.now() < until) {
    const port = listeningPort(output())
    if (port !== undefined && (await answers(port))) return port
    await pause(systemClock, lookAgainMs)
  }
  throw await notStarted(child, folder, output())
}

/** What the child has written so far; reading it all the time also keeps its pipes from filling up. */
function collected(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-outputKept)
    })
  }
  return () => output
}

/** The port from its line "Listening on 56150". It writes that line before it reads its configuration. */
function listeningPort(output: string): number | undefined {
  const port = /^Listening on (\d+)$/m.exec(output)?.[1]
  return port === undefined ? undefined : Number(port)
}

async function answers(port: number): Promise<boolean> {
  try {
    const reply = await fetch(`http://127.0.0.1:${port}/_debug/ping`, {
      signal: AbortSignal.timeout(secondMs),
    })
    return reply.ok
  } catch {
    return false
  }
}

async function notStarted(child: ChildProcess, folder: string, output: string): Promise<Fault> {
  const what = isRunning(child) ? `gave no answer within ${readyWithinMs / secondMs} s` : 'ended at once'
  return new Fault(
    'playgroundNotStarted',
    `Microsoft 365 Agents Playground ${what}. ${await complaint(folder, output)}`,
    'Run npm ci again, so that the version named in package-lock.json is installed, and check that Node may listen on 127.0.0.1.',
  )
}

/** It tells its errors to its log file only; without one, whatever it printed has to do. */
async function complaint(folder: string, output: string): Promise<string> {
  const log = await readFile(logFile(folder), 'utf8').catch(() => '')
  const errors = log.split('\n').filter((line) => line.startsWith('error '))
  return messageOf(errors.length > 0 ? errors.join(' ') : `Its last words: ${output || 'none'}`)
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || !isRunning(child)) return
  const exited = once(child, 'exit')
  if (ownProcessGroup) process.kill(-child.pid, 'SIGKILL')
  else child.kill('SIGKILL')
  await exited
}

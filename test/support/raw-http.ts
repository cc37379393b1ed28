import { connect } from 'node:net'
import { setTimeout as realPause } from 'node:timers/promises'

const mostMs = 8_000

/** Sends bytes as they are, and returns what came back when the other side has closed the connection. */
export function speak(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part)
    })
    socket.setTimeout(mostMs, () => {
      socket.destroy()
      reject(new Error(`the connection was left open; heard: ${heard}`))
    })
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    // Cut off while we still speak: whoever is refused before the end of a body sees that.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
  })
}

/** Speaks until it is cut off, at most `mostBytes`; returns how many bytes were got rid of. */
export async function speakOn(port: number, head: string, chunk: string, mostBytes: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(head)
  let sent = 0
  for (; !socket.destroyed && sent < mostBytes; sent += chunk.length) {
    if (!socket.write(chunk)) await realPause(1)
  }
  socket.destroy()
  return sent
}

/** A request to the bot's one door, with these headers and that body as they are. */
export const postOf = (headers: Record<string, string>, body = ''): string =>
  [
    'POST /api/messages HTTP/1.1',
    'host: bot.example',
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')

/** The status of an answer. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)

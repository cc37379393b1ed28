import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Clock, type Instant, later, secondMs } from '../../src/clock.js'

const patienceSeconds = 10

/**
 * What time a server has, by the `Date` header of whatever it answers, and our own time in the middle of asking.
 * undefined if it does not answer, or without a time. Not by fetch, which cannot be given a certificate to trust.
 */
export function serverTime(
  url: string,
  clock: Clock,
  ca?: string,
): Promise<{ theirs: Instant; ours: Instant } | undefined> {
  const asked = Date.parse(clock.now())
  const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve) => {
    const sent = send(url, { method: 'HEAD', ...(ca === undefined ? {} : { ca }) }, (response) => {
      stopWaiting()
      response.resume()
      const theirs = Date.parse(response.headers.date ?? '')
      const ours = (asked + Date.parse(clock.now())) / 2
      resolve(
        Number.isNaN(theirs)
          ? undefined
          : { theirs: new Date(theirs).toISOString(), ours: new Date(ours).toISOString() },
      )
    })
    const stopWaiting = clock.wakeAt(later(clock.now(), patienceSeconds * secondMs), () => sent.destroy())
    sent.on('error', () => resolve(undefined))
    sent.on('close', stopWaiting)
    sent.end()
  })
}

import type { Instant } from '../src/clock.js'

/**
 * A time for a TextBlock, which Teams writes in the reader's language and time zone. The day is left out where
 * it is the one that the card already names (`day`). Works in TextBlocks alone: elsewhere the reader would see
 * the macro itself.
 */
export function onDevice(at: Instant, day?: Instant): string {
  const second = `${at.slice(0, 19)}Z`
  const time = `{{TIME(${second})}}`
  return day?.slice(0, 10) === at.slice(0, 10) ? time : `{{DATE(${second},SHORT)}} ${time}`
}

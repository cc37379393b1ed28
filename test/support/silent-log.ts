import { pino } from 'pino'
import type { Log } from '../../src/log.js'

/** Where nobody reads a log. */
export const silentLog: Log = pino({ level: 'silent' })

import { pino } from 'pino'

/** What the program logs with: one JSON object per line. */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** Pino to standard output, with everything redacted that could hold a secret. */
export const createLog = (level: string): pino.Logger =>
  pino({
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['*.authorization', '*.token', '*.secret', '*.password', '*.headers', '*.accessToken'],
      censor: '[redacted]',
    },
    serializers: {
      // Errors of HTTP libraries carry requests with tokens: only these three fields go out.
      err: (err: unknown) =>
        err instanceof Error
          ? { name: err.name, message: err.message.slice(0, 500), stack: err.stack?.slice(0, 2000) }
          : err,
    },
  })

/**
 * A fault: something that should not have happened, told so that whoever reads it can act. `code` is stable
 * and safe to show anywhere; `message` says what happened and why; `remedy` says what to do. None of them
 * ever holds the value of a secret. Expected answers (a refusal, an unreachable service) are values instead.
 */
export class Fault extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
    this.name = 'Fault'
  }
}

/** A fault for people who read a terminal or a log: what, why, and what to do. */
export const explain = (fault: unknown): string =>
  fault instanceof Fault ? `${fault.message}\n  What to do: ${fault.remedy}` : messageOf(fault)

/** The message of anything that was thrown, one line, shortened; never its stack. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.replace(/\s+/g, ' ').slice(0, 300)
}

/** The system's name for what went wrong (`ENOSPC`); empty for what did not come from the system. */
export const errorCode = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''

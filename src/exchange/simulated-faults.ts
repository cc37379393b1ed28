/** What the simulated tenant does instead of answering properly. */
export type SimulatedFault =
  /** Answers with exactly this. With `executes` it does first what it was asked to do. */
  | {
      kind: 'answer'
      status: number
      body?: string | Buffer
      headers?: Record<string, string>
      executes?: true
    }
  /** Keeps the connection open and never answers. */
  | { kind: 'hang'; executes?: true }
  /** Cuts the connection without an answer. */
  | { kind: 'reset'; executes?: true }
  /** Starts to answer properly and cuts the connection halfway. */
  | { kind: 'cutOff' }
  /** Answers properly, with one more row that has no id. */
  | { kind: 'rowWithoutId' }

const json = { 'content-type': 'application/json; odata.metadata=minimal' }

/** What an unknown cmdlet gets, and probably one that the app has no role for: NUL bytes that claim to be gzip. */
export const blankForbidden = {
  kind: 'answer' as const,
  status: 403,
  headers: { 'content-encoding': 'gzip' },
  body: Buffer.alloc(32),
}

const plainText =
  'You have reached the maximum number of concurrent requests per tenant. Please wait and try again'

/** Answers that Exchange, or a proxy in front of it, has been seen to give. */
export const faults = {
  blankForbidden,
  throttledInPlainText: answer(500, plainText, { 'content-type': 'text/plain' }),
  html: answer(200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }),
  noList: answer(200, '{"value":null}', json),
  empty: answer(200),
  /** @param retryAfter the header's value, seconds or a date */
  tooManyRequests: (retryAfter?: string) =>
    answer(429, '', retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  redirect: (to: string) => answer(302, '', { location: to }),
  refusal: (status: number, code: string, text: string) =>
    answer(status, JSON.stringify(errorBody(code, text)), json),
}

function answer(status: number, body = '', headers: Record<string, string> = {}): SimulatedFault {
  return { kind: 'answer', status, body, headers }
}

/** Microsoft's shape of an error: what people should read is the third part of `details`. */
export function errorBody(code: string, text: string): object {
  const type = 'Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException'
  return {
    error: {
      code,
      message: 'Error executing cmdlet',
      details: [{ code: 'Client', target: '', message: `Ex6F9304|${type}|${text}` }],
      innererror: {
        message: 'Error executing cmdlet',
        type: 'Microsoft.Exchange.Admin.OData.Core.ODataServiceException',
        stacktrace: '   at Microsoft.Exchange.AdminApi.CmdletInvocation()',
        internalexception: { message: text, type, stacktrace: '   at Microsoft.Exchange.Task.Process()' },
      },
    },
    'adminapi.warnings@odata.type': '#Collection(String)',
    '@adminapi.warnings': [],
  }
}

/** Which fault is due for which cmdlet. */
export class FaultScript {
  private readonly once = new Map<string, SimulatedFault[]>()
  private readonly lasting = new Map<string, SimulatedFault>()

  /** The next call of this cmdlet goes wrong; said twice, the next two do, and so on. */
  next(cmdlet: string, fault: SimulatedFault): void {
    this.once.set(cmdlet, [...(this.once.get(cmdlet) ?? []), fault])
  }

  /** Every call of this cmdlet goes wrong, until `clear`. */
  always(cmdlet: string, fault: SimulatedFault): void {
    this.lasting.set(cmdlet, fault)
  }

  clear(): void {
    this.once.clear()
    this.lasting.clear()
  }

  /** Takes what is due for a call of this cmdlet now. */
  take(cmdlet: string): SimulatedFault | undefined {
    return this.once.get(cmdlet)?.shift() ?? this.lasting.get(cmdlet)
  }
}

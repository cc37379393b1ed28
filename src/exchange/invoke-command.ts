import type { Connection } from './connection.js'
import { type HttpRequest, request } from './http-request.js'
import { judge, type Verdict } from './reply.js'

/** A cmdlet of Exchange Online, or of Security & Compliance, with its parameters. */
export interface Command {
  name:
    | 'Get-BlockedConnector'
    | 'Remove-BlockedConnector'
    | 'Get-InboundConnector'
    | 'Search-UnifiedAuditLog'
    | 'Get-MessageTraceV2'
    | 'Get-AdminAuditLogConfig'
    | 'Get-ProtectionAlert'
    | 'Get-ManagementRole'
  parameters?: Record<string, string | number | readonly string[]>
}

/** Where and as whom a command is sent. */
export interface Address {
  to: URL
  token: string
  /** The mailbox that Microsoft routes the call by. */
  anchor: string
}

export interface InvokeCommand {
  /** Sends the command once; never rejects. */
  send(command: Command, address: Address): Promise<Verdict>
  /** A plain GET for the sake of the redirect that it is answered with. */
  look(command: Command, address: Address): Promise<Verdict>
}

const pageSize = 1_000
/** Microsoft's well-known arbitration mailbox, the same in every tenant. */
export const anchorMailbox = 'SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}'

/** What people are waiting for is given a minute; what only informs them must not make an unblock wait long. */
const patienceSeconds = (name: Command['name']): number =>
  name === 'Get-BlockedConnector' || name === 'Remove-BlockedConnector' ? 60 : 20

/**
 * The `InvokeCommand` call that Microsoft's own PowerShell module makes. Microsoft documents neither it nor its
 * replies; only version `beta` answers it.
 *
 * @param stop breaks off whatever only reads; a removal that was sent goes on
 * @param heard is told of every reply
 */
export function createInvokeCommand(
  { clock, newId }: Connection,
  stop: AbortSignal,
  heard: (command: Command, verdict: Verdict) => void,
): InvokeCommand {
  // Microsoft's support can find a call by the ids of its connection and of its request.
  const connectionId = newId()

  async function call(
    command: Command,
    { to, token, anchor }: Address,
    what: Pick<HttpRequest, 'method' | 'body'>,
  ): Promise<Verdict> {
    const clientRequestId = newId()
    const answer = await request(to, clock, {
      ...what,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'content-type': 'application/json;charset=utf-8',
        // Exchange has been seen to call a 403's body gzip when it is not: ask for no compression.
        'accept-encoding': 'identity',
        'x-anchormailbox': anchor,
        'x-cmdletname': command.name,
        'x-responseformat': 'json',
        prefer: `odata.maxpagesize=${pageSize}`,
        'connection-id': connectionId,
        'client-request-id': clientRequestId,
      },
      patienceSeconds: patienceSeconds(command.name),
      stop: command.name === 'Remove-BlockedConnector' ? undefined : stop,
    })
    const verdict = judge(answer, command, { now: clock.now(), clientRequestId })
    heard(command, verdict)
    return verdict
  }

  return {
    send: (command, address) => call(command, address, { method: 'POST', body: bodyOf(command) }),
    look: (command, address) => call(command, address, { method: 'GET' }),
  }
}

const bodyOf = ({ name, parameters = {} }: Command): string =>
  JSON.stringify({ CmdletInput: { CmdletName: name, Parameters: parameters } })

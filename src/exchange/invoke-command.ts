import type { Connection } from './connection.js'
import { type HttpAnswer, post } from './post.js'

/** A cmdlet of Exchange Online with its parameters. */
export interface Command {
  name: 'Get-BlockedConnector' | 'Get-InboundConnector' | 'Remove-BlockedConnector'
  parameters?: Record<string, string>
}

const pageSize = 1_000
// Microsoft's well-known arbitration mailbox, the same in every tenant: it routes app-only calls.
const anchorMailbox = 'SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}'

export interface InvokeCommand {
  /** Where commands go unless Exchange names another place. */
  endpoint: URL
  /** Sends the command once; never rejects. */
  send(command: Command, token: string, to: URL): Promise<HttpAnswer>
}

/**
 * The `InvokeCommand` call that Microsoft's own PowerShell module makes. Microsoft documents neither it nor its
 * replies; only version `beta` answers it.
 */
export function createInvokeCommand({ url, tenantId, clock, newId }: Connection): InvokeCommand {
  // Microsoft's support can find a call by the ids of its connection and of its request.
  const connectionId = newId()
  return {
    endpoint: new URL(`/adminapi/beta/${tenantId}/InvokeCommand`, url),
    send: (command, token, to) =>
      post(to, clock, {
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          'content-type': 'application/json;charset=utf-8',
          // Exchange has been seen to call a 403's body gzip when it is not: ask for no compression.
          'accept-encoding': 'identity',
          'x-anchormailbox': `APP:${anchorMailbox}@${tenantId}`,
          'x-cmdletname': command.name,
          'x-responseformat': 'json',
          prefer: `odata.maxpagesize=${pageSize}`,
          'connection-id': connectionId,
          'client-request-id': newId(),
        },
        body: JSON.stringify({
          CmdletInput: { CmdletName: command.name, Parameters: command.parameters ?? {} },
        }),
      }),
  }
}

import { z } from 'zod'
import { Fault } from '../errors.js'
import type { RemovalOutcome } from '../incident/incident.js'
import type { Connection } from './connection.js'
import { type Exchange, longestReason, oneLine } from './exchange.js'
import type { Command, InvokeCommand } from './invoke-command.js'
import { judge, type Verdict, withoutToken } from './reply.js'

/**
 * `Remove-BlockedConnector`, sent once and never again: what it did is for a read to tell. A token that Exchange
 * turned down is renewed for the next removal, not for this one.
 *
 * @param endpoint where the tenant's last good read was answered
 */
export function createRemoval(
  connection: Connection,
  invoke: InvokeCommand,
  endpoint: () => URL,
): Exchange['readyRemoval'] {
  const { scope, clock } = connection
  const tokens = connection.unblockTokens ?? connection.tokens
  let tokenWasRefused = false

  async function send(command: Command, token: string): Promise<RemovalOutcome> {
    const verdict = judge(await invoke.send(command, token, endpoint()), command, clock.now())
    tokenWasRefused = !verdict.ok && verdict.failure.code === 'credentials'
    return outcomeOf(verdict)
  }

  return async (connectorId, reason) => {
    const command = removalOf(connectorId, reason)
    const token = await tokens.token(scope, { fresh: tokenWasRefused })
    if (!token.ok) return withoutToken(token).failure
    let outcome: Promise<RemovalOutcome> | undefined
    return {
      ok: true,
      removal: {
        send: () => {
          outcome ??= send(command, token.token)
          return outcome
        },
      },
    }
  }
}

function removalOf(connectorId: string, reason: string): Command {
  if (!z.guid().safeParse(connectorId).success)
    throw new Fault(
      'connectorIdInvalid',
      `A removal was asked for with "${oneLine(connectorId, 60)}", which is not a connector's id (a GUID). Nothing was sent.`,
      'This is a defect of Connector Warden: please report it. Unblock the connector in the Defender portal.',
    )
  return {
    name: 'Remove-BlockedConnector',
    parameters: { ConnectorId: connectorId.toLowerCase(), Reason: oneLine(reason, longestReason) },
  }
}

function outcomeOf(verdict: Verdict): RemovalOutcome {
  if (verdict.ok) return { kind: 'accepted' }
  const { message, requestId } = verdict.failure
  const trace = requestId ? ` (request-id ${requestId})` : ''
  return verdict.nothingDone
    ? { kind: 'notDone', cause: `${asSentence(message)} Nothing was removed${trace}.` }
    : { kind: 'unknown', cause: `${message}${trace}` }
}

const asSentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

import { z } from 'zod'
import { later, secondMs } from '../clock.js'
import { Fault } from '../errors.js'
import type { RemovalOutcome } from '../incident/incident.js'
import type { Connection } from './connection.js'
import { beingStopped, type Exchange, longestReason, oneLine, type ReadFailure } from './exchange.js'
import { anchorMailbox, type Command, type InvokeCommand } from './invoke-command.js'
import { type Verdict, withoutToken } from './reply.js'
import type { EndTurn, Turns } from './turns.js'

/** What was looked at just before a removal must not be old by the time it is sent. */
const longestWaitMs = 30 * secondMs

/**
 * `Remove-BlockedConnector`, sent once and never again: what it did is for a read to tell. A token that Exchange
 * turned down is renewed for the next removal, not for this one. The turn is waited for before the token, so that
 * the token in hand is a fresh one, and is held until Exchange has answered.
 *
 * @param how.endpoint where the tenant's last good read was answered
 * @param how.turns at whatever is asked of the tenant beside the list
 * @param how.stop ends the waiting for a turn
 */
export function createRemoval(
  { scope, tokens, unblockTokens = tokens, tenantId, clock, log }: Connection,
  invoke: InvokeCommand,
  how: { endpoint: () => URL; turns: Turns; stop: AbortSignal },
): Exchange['readyRemoval'] {
  const anchor = `APP:${anchorMailbox}@${tenantId}`
  let tokenWasRefused = false

  async function send(command: Command, token: string): Promise<RemovalOutcome> {
    const verdict = await invoke.send(command, { to: how.endpoint(), token, anchor })
    tokenWasRefused = !verdict.ok && verdict.failure.code === 'credentials'
    if (!verdict.ok) {
      const { code, message, requestId, clientRequestId } = verdict.failure
      log.warn({ tenantId, code, message, requestId, clientRequestId }, 'a removal was not accepted')
    }
    return outcomeOf(verdict)
  }

  async function takeTurn(): Promise<EndTurn | undefined> {
    const waiting = new AbortController()
    const giveUp = () => waiting.abort()
    how.stop.addEventListener('abort', giveUp)
    const stopWaiting = clock.wakeAt(later(clock.now(), longestWaitMs), giveUp)
    const endTurn = await how.turns.take({ first: true, unless: waiting.signal })
    stopWaiting()
    how.stop.removeEventListener('abort', giveUp)
    return endTurn
  }

  return async (connectorId, reason) => {
    const command = removalOf(connectorId, reason)
    if (how.stop.aborted) return beingStopped
    const endTurn = await takeTurn()
    if (!endTurn) return how.stop.aborted ? beingStopped : tooBusy
    const token = await unblockTokens.token(scope, { fresh: tokenWasRefused })
    if (!token.ok) {
      endTurn()
      return withoutToken(token).failure
    }
    let outcome: Promise<RemovalOutcome> | undefined
    return {
      ok: true,
      removal: {
        send: () => {
          outcome ??= send(command, token.token).finally(endTurn)
          return outcome
        },
        release: () => {
          if (!outcome) endTurn()
        },
      },
    }
  }
}

const tooBusy: ReadFailure = {
  ok: false,
  code: 'timeout',
  message: `Other requests to Exchange kept the removal waiting for more than ${longestWaitMs / secondMs} seconds; it was not sent`,
  retryable: true,
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
  const { message } = verdict.failure
  const trace = traceOf(verdict.failure)
  return verdict.nothingDone
    ? { kind: 'notDone', cause: `${asSentence(message)} Nothing was removed${trace}.` }
    : { kind: 'unknown', cause: `${message}${trace}` }
}

/** By what Microsoft's support finds the call: their id of it, or where no answer came ours. */
const traceOf = ({ requestId, clientRequestId }: ReadFailure): string => {
  if (requestId) return ` (request-id ${requestId})`
  return clientRequestId ? ` (client-request-id ${clientRequestId})` : ''
}

const asSentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

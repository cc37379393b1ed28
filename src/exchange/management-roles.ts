import type { Connection } from './connection.js'
import type { ReadFailure } from './exchange.js'
import { createInvokeCommand } from './invoke-command.js'
import { createPagedRead } from './paged-read.js'
import { properties, text } from './properties.js'
import { exchangeService } from './service.js'

/**
 * Which roles of a tenant's Exchange contain `Remove-BlockedConnector`, as the app that removes blocks sees it; for
 * the doctor. `Remove-BlockedConnector` itself is no way to find out. That an app may ask this, and what the answer
 * says about the app, nobody could try: it names roles, not who holds them.
 */
export async function rolesThatUnblock(
  connection: Connection,
  stop: AbortSignal,
): Promise<{ ok: true; roles: string[] } | ReadFailure> {
  const { tokens, unblockTokens = tokens } = connection
  const invoke = createInvokeCommand(connection, stop, () => undefined)
  const pages = createPagedRead(exchangeService(connection), unblockTokens, invoke.send)
  const command = {
    name: 'Get-ManagementRole' as const,
    parameters: { Cmdlet: 'Remove-BlockedConnector' },
  }
  const answer = await pages.read(command, (row) => text(100).parse(properties(row).name))
  return answer.ok ? { ok: true, roles: answer.rows.filter((name) => name !== undefined) } : answer
}

import type { Clock } from '../src/clock.js'
import { type AppCredential, createTokenSources, type TokenSource } from '../src/credentials.js'
import type { Connection } from '../src/exchange/connection.js'
import type { Log } from '../src/log.js'
import { createGraph } from '../src/people/graph.js'
import type { Directory } from '../src/people/roles.js'
import type { Settings, WatchedTenantSettings } from '../src/settings.js'
import { type BotToken, ConnectorClient } from './connector-client.js'
import { Pacing } from './pacing.js'
import { serviceHosts } from './service-hosts.js'

// How the settings become ways to Entra, Teams, Graph and Exchange: the same ones for the bot and for its doctor.

/** Gives each app its source of tokens. */
export type TokensOf = (credential: AppCredential) => TokenSource

/** What every way out is made with. */
export interface WayParts {
  clock: Clock
  log: Log
  newId: () => string
  random: () => number
  tokensOf: TokensOf
}

/** @param ca certificates to trust for `ENTRA_URL` instead of the usual ones (PEM) */
export const tokenSources = ({ entraUrl }: Settings, clock: Clock, ca: string | undefined): TokensOf =>
  createTokenSources({ authority: entraUrl, ca, environment: process.env, clock })

export function teamsClient(
  { bot }: Settings,
  { clock, log, random, tokensOf }: WayParts,
  botToken?: BotToken,
): ConnectorClient {
  const tokens = tokensOf(bot.credential)
  const token = botToken ?? (() => tokens.token(bot.scope))
  const isServiceHost = serviceHosts(bot.extraServiceHosts)
  return new ConnectorClient({ isServiceHost, token, pacing: new Pacing(clock), clock, log, random })
}

export const graphOf = (
  { graphUrl: url, bot }: Settings,
  { tokensOf, clock, log, newId }: WayParts,
): Directory => createGraph({ url, tokens: tokensOf(bot.credential), clock, log, newId })

/** A watched tenant's Exchange, with the tokens of its app, and of its second one if it has one. */
export const connectionOf = (
  tenant: WatchedTenantSettings,
  { tokensOf, clock, log, newId }: Omit<WayParts, 'random'>,
): Connection => ({
  ...tenant,
  tokens: tokensOf(tenant.credential),
  unblockTokens: tenant.unblockCredential && tokensOf(tenant.unblockCredential),
  clock,
  log,
  newId,
})

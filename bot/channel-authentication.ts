import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { type Clock, elapsedMs, hourMs, type Instant, secondMs } from '../src/clock.js'
import { messageOf } from '../src/errors.js'
import type { Log } from '../src/log.js'
import { isLoopback } from '../src/settings.js'

/** What has to be known of an activity to judge whether its token covers it. */
export interface Claimed {
  serviceUrl: string
  channelId: string
}

/**
 * Whether a request comes from Teams: `forged` is the caller's fault; `unavailable` means that the signing keys
 * could not be had, so that nothing can be told.
 */
export type Verdict =
  | { kind: 'genuine' }
  | { kind: 'forged'; why: string }
  | { kind: 'unavailable'; why: string }

export interface ChannelAuthentication {
  verify(authorization: string | undefined, activity: Claimed): Promise<Verdict>
  /** Whether tokens can be judged at present. */
  ready(): boolean
}

const metadataSchema = z.object({
  jwks_uri: z.url().refine((uri) => /^https:/.test(uri) || isLoopback(new URL(uri)), 'must be https'),
})

const answerTimeoutMs = 5 * secondMs
/** Microsoft: keys are to be fetched anew at least daily. We ask hourly and live on the last good ones for two days. */
const refreshAfterMs = 1 * hourMs
const keysLiveMs = 48 * hourMs
/** Microsoft's own tolerance for clocks that differ. */
const clockToleranceSeconds = 300
const retryMetadataAfterMs = 5 * secondMs

type Keys = ReturnType<typeof createRemoteJWKSet>

/**
 * Checks the token that the Bot Connector puts on every request (Microsoft, "Authenticate requests from the Bot
 * Connector service"): RS256 by a key that is endorsed for the channel, issued by the channel for this bot, not
 * expired, for this very service URL. The SDK's own check also takes Entra tokens of any tenant (its emulator
 * path) and requests without a service URL; here there is no such path.
 */
export class BotConnectorAuthentication implements ChannelAuthentication {
  #keys: Keys | undefined
  #fetching: Promise<Keys> | undefined
  #failedAt: Instant | undefined
  #refreshedAt: Instant

  constructor(
    private readonly parts: {
      appId: string
      issuer: string
      metadataUrl: string
      clock: Clock
      log: Log
    },
  ) {
    this.#refreshedAt = parts.clock.now()
  }

  ready(): boolean {
    return this.#keys?.jwks() !== undefined
  }

  /** Fetches the keys before the first request needs them. Failing is no reason not to start: it is tried again. */
  async warm(): Promise<void> {
    try {
      const keys = await this.#remoteKeys()
      await keys.reload()
    } catch (error) {
      this.parts.log.warn({ fault: messageOf(error) }, 'the signing keys of Teams could not be fetched yet')
    }
  }

  async verify(authorization: string | undefined, activity: Claimed): Promise<Verdict> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1]
    if (!token) return { kind: 'forged', why: 'no bearer token' }
    let keys: Keys
    try {
      keys = await this.#remoteKeys()
    } catch (error) {
      return { kind: 'unavailable', why: messageOf(error) }
    }
    return this.#judge(token, keys, activity)
  }

  async #judge(token: string, keys: Keys, activity: Claimed): Promise<Verdict> {
    const { appId, issuer, clock } = this.parts
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys as JWTVerifyGetKey, {
        algorithms: ['RS256'],
        issuer,
        audience: appId,
        requiredClaims: ['exp', 'nbf', 'serviceurl'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.now()),
      })
      if (payload.serviceurl !== activity.serviceUrl)
        return { kind: 'forged', why: 'issued for another service URL' }
      if (!endorsed(keys, protectedHeader.kid, activity.channelId))
        return { kind: 'forged', why: 'signed by a key that is not endorsed for the channel' }
      return { kind: 'genuine' }
    } catch (error) {
      const forged =
        error instanceof errors.JOSEError &&
        !(error instanceof errors.JWKSTimeout) &&
        error.code !== 'ERR_JOSE_GENERIC'
      if (forged) return { kind: 'forged', why: error.code }
      return { kind: 'unavailable', why: messageOf(error) }
    }
  }

  /** The key set, its address fetched once however many ask, and looked after in the background. */
  async #remoteKeys(): Promise<Keys> {
    const { clock } = this.parts
    if (this.#keys) {
      this.#refreshInBackground(this.#keys)
      return this.#keys
    }
    if (this.#failedAt && elapsedMs(this.#failedAt, clock.now()) < retryMetadataAfterMs)
      throw new Error('the metadata of the signing keys could not be fetched a moment ago')
    this.#fetching ??= this.#fetchMetadata().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchMetadata(): Promise<Keys> {
    const { metadataUrl, clock } = this.parts
    try {
      const response = await fetch(metadataUrl, {
        redirect: 'error',
        signal: AbortSignal.timeout(answerTimeoutMs),
      })
      if (!response.ok) throw new Error(`the metadata of the signing keys answered ${response.status}`)
      const { jwks_uri } = metadataSchema.parse(await response.json())
      this.#keys = createRemoteJWKSet(new URL(jwks_uri), {
        timeoutDuration: answerTimeoutMs,
        cacheMaxAge: keysLiveMs,
        [customFetch]: (url, options) => fetch(url, { ...options, redirect: 'error' }),
      })
      return this.#keys
    } catch (error) {
      this.#failedAt = clock.now()
      throw error
    }
  }

  #refreshInBackground(keys: Keys): void {
    const { clock, log } = this.parts
    if (elapsedMs(this.#refreshedAt, clock.now()) < refreshAfterMs) return
    this.#refreshedAt = clock.now()
    keys
      .reload()
      .catch((error) =>
        log.warn({ fault: messageOf(error) }, 'the signing keys of Teams could not be refreshed'),
      )
  }
}

/** A key without endorsements is endorsed for nothing, whatever the SDK makes of it. */
function endorsed(keys: Keys, kid: string | undefined, channelId: string): boolean {
  const key = keys.jwks()?.keys.find((candidate) => candidate.kid === kid)
  const endorsements = key && 'endorsements' in key ? key.endorsements : undefined
  return Array.isArray(endorsements) && endorsements.includes(channelId)
}

/** For the demo only, which listens on loopback and can reach nothing but the simulated tenant. */
export const trustLoopback: ChannelAuthentication = {
  verify: async () => ({ kind: 'genuine' }),
  ready: () => true,
}

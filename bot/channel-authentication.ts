import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { type Clock, elapsedMs, hourMs, type Instant, secondMs } from '../src/clock.js'
import { messageOf } from '../src/errors.js'
import type { Log } from '../src/log.js'
import { isLoopback } from '../src/loopback.js'

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
const retryAfterMs = 5 * secondMs
/** What jose reports when the keys could not be had, and the token is not to blame. */
const notTheToken = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']

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
  #fetchedAt: Instant | undefined

  constructor(
    private readonly parts: {
      appId: string
      issuer: string
      metadataUrl: string
      clock: Clock
      log: Log
    },
  ) {}

  /**
   * Being asked is an occasion to fetch keys that are missing or old: a load balancer that is told "not ready"
   * sends no click that could be one.
   */
  ready(): boolean {
    if (this.#keysDue()) void this.warm()
    return this.#keys?.fresh === true
  }

  /** Fetches the keys before a request needs them. Failing is no reason not to start: it is tried again. */
  async warm(): Promise<void> {
    if (this.#failedLately()) return
    try {
      await this.#fetchOnce()
    } catch (error) {
      this.parts.log.warn({ fault: messageOf(error) }, 'the signing keys of Teams could not be fetched')
    }
  }

  async verify(authorization: string | undefined, activity: Claimed): Promise<Verdict> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1]
    if (!token) return { kind: 'forged', why: 'no bearer token' }
    let keys: Keys
    try {
      keys = await this.#freshKeys()
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
      if (error instanceof errors.JOSEError && !notTheToken.includes(error.code))
        return { kind: 'forged', why: error.code }
      return { kind: 'unavailable', why: messageOf(error) }
    }
  }

  /** The keys in hand, renewed in the background when it is time; none in hand: fetched now. */
  async #freshKeys(): Promise<Keys> {
    const keys = this.#keys
    if (keys?.fresh) {
      if (this.#keysDue()) void this.warm()
      return keys
    }
    if (this.#failedLately()) throw new Error('the signing keys could not be fetched a moment ago')
    return this.#fetchOnce()
  }

  #keysDue(): boolean {
    return !this.#fetchedAt || elapsedMs(this.#fetchedAt, this.parts.clock.now()) >= refreshAfterMs
  }

  #failedLately(): boolean {
    return this.#failedAt !== undefined && elapsedMs(this.#failedAt, this.parts.clock.now()) < retryAfterMs
  }

  /** One fetch, however many wait for it. */
  #fetchOnce(): Promise<Keys> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  /** Asks anew where the keys are, since that may move too. The last good ones stay until this has succeeded. */
  async #fetch(): Promise<Keys> {
    const { clock } = this.parts
    try {
      const keys = createRemoteJWKSet(await this.#keysUrl(), {
        timeoutDuration: answerTimeoutMs,
        cacheMaxAge: keysLiveMs,
        [customFetch]: (url, options) => fetch(url, { ...options, redirect: 'error' }),
      })
      await keys.reload()
      this.#keys = keys
      this.#fetchedAt = clock.now()
      return keys
    } catch (error) {
      this.#failedAt = clock.now()
      throw error
    }
  }

  async #keysUrl(): Promise<URL> {
    const response = await fetch(this.parts.metadataUrl, {
      redirect: 'error',
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    if (!response.ok) throw new Error(`the metadata of the signing keys answered ${response.status}`)
    return new URL(metadataSchema.parse(await response.json()).jwks_uri)
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

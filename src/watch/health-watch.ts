import { expiryOf } from '../certificate-expiry.js'
import { type Clock, elapsedMs, hourMs, type Instant, later, minuteMs } from '../clock.js'
import type { TokenAnswer } from '../credentials.js'
import { messageOf } from '../errors.js'
import type { EvidenceReads, ReadFailure } from '../exchange/exchange.js'
import {
  type CertificateSeen,
  type CertificateUse,
  certificateVerdict,
  entriesFor,
  type Finding,
  findingsOf,
  type ListStatus,
  lostForGoodMs,
  type TenantHealth,
} from '../health/findings.js'
import type { Conversation } from '../incident/delivery.js'
import type { Piece } from '../incident/evidence.js'
import type { Log } from '../log.js'
import type { PolicyProblem } from '../policy.js'
import type { Store } from '../store/store.js'

/** A certificate file, and what for it is used. */
export interface CertificateFile {
  what: CertificateUse
  path: string
}

/** A watched tenant as far as its health can be asked for. */
export interface HealthTenant {
  name: string
  watch(): ListStatus
  reads: Pick<EvidenceReads, 'auditing' | 'alertPolicy'>
  certificates: CertificateFile[]
  /** Signs in as the second app, the one for the removal only; absent where there is none. */
  signInToUnblock?: (() => Promise<TokenAnswer>) | undefined
}

/** What was found out about a tenant beside its list, and when. */
interface Checkup extends Pick<TenantHealth, 'auditing' | 'alertPolicy' | 'certificates' | 'unblockRefused'> {
  startedAt: Instant
  underWay: boolean
}

export interface HealthWatchParts {
  tenants: HealthTenant[]
  /** The bot's own certificate for Teams, if it has one. */
  botCertificates: CertificateFile[]
  store: Store
  /** What is wrong with role map and rules. */
  policyProblems: () => Promise<PolicyProblem[]>
  clock: Clock
  log: Log
}

const checkEveryMs = hourMs
const oldAfterMs = 5 * minuteMs
const mostRefreshed = 50
/** How far apart the tenants are looked at, so that a thousand of them do not all ask at once. */
const apartMs = 250

/**
 * Looks after what the bot needs to see: the reading of the lists, audit logging and alert policy, what it signs in
 * with, and the conversations it speaks in. What it finds goes into the record; showing it is somebody else's.
 */
export class HealthWatch {
  readonly #checkups = new Map<string, Checkup>()
  readonly #timers = new Map<string, () => void>()
  #own: CertificateSeen[] | undefined
  #stopped = false

  constructor(private readonly parts: HealthWatchParts) {}

  /** Checks every tenant, one shortly after the other, and each again every hour until `stop`. */
  start(): void {
    const { tenants, clock } = this.parts
    for (const [index, tenant] of tenants.entries())
      this.#schedule(tenant.name, later(clock.now(), index * apartMs), () => this.#checkHourly(tenant))
    const ownHourly = async (): Promise<void> => {
      this.#schedule('', later(clock.now(), checkEveryMs), ownHourly)
      this.#own = await this.#read(this.parts.botCertificates)
    }
    this.#schedule('', clock.now(), ownHourly)
  }

  /** Ends at once; what is still being asked counts for nothing. */
  stop(): void {
    this.#stopped = true
    for (const cancel of this.#timers.values()) cancel()
  }

  /** The bot's own certificates; undefined until they were looked at. */
  get own(): CertificateSeen[] | undefined {
    return this.#own
  }

  /** How each tenant stands, by what is known now. */
  tenants(): TenantHealth[] {
    return this.parts.tenants.map((tenant) => ({
      ...this.#checkups.get(tenant.name),
      name: tenant.name,
      list: tenant.watch(),
      hasUnblockApp: tenant.signInToUnblock !== undefined,
    }))
  }

  /** Begins to check tenants again whose last check is older than five minutes; fifty of them at most. */
  refresh(names: string[]): void {
    const { tenants, clock } = this.parts
    const isOld = (name: string): boolean => {
      const last = this.#checkups.get(name)
      return !last || elapsedMs(last.startedAt, clock.now()) >= oldAfterMs
    }
    const old = tenants.filter(({ name }) => names.includes(name) && isOld(name))
    for (const tenant of old.slice(0, mostRefreshed)) this.#begin(() => this.#check(tenant))
  }

  /**
   * Compares what is known now with the record, and records what is newly amiss and what is not any more. One call
   * at a time. Rejects with the store's Fault if that cannot be recorded: the next look tries again.
   */
  async look(): Promise<void> {
    const { store, clock, log } = this.parts
    const now = clock.now()
    await this.#giveUpLost(now)
    const findings = [
      ...this.tenants().flatMap((tenant) => findingsOf(tenant, now)),
      { cause: 'certificateExpiring', ...certificateVerdict(this.#own, now) } satisfies Finding,
      ...lostConversations(await store.conversations()),
      ...policyFindings(
        this.parts.tenants.map(({ name }) => name),
        await this.#policyProblems(),
      ),
    ]
    const entries = entriesFor(await store.problems(), findings, now)
    const written = await Promise.allSettled(entries.map((entry) => store.record(entry, now)))
    for (const [index, { status }] of written.entries()) {
      const { type, ...what } = entries[index] ?? { type: undefined }
      if (status === 'rejected') continue
      if (type === 'healthRaised') log.warn(what, 'something is amiss')
      else log.info(what, 'this is not amiss any more')
    }
    for (const result of written) if (result.status === 'rejected') throw result.reason
  }

  /** A channel that was deleted never comes back, and nobody can type `unwatch` in it. */
  async #giveUpLost(now: Instant): Promise<void> {
    const { store } = this.parts
    const isLostForGood = ({ watching, gone }: Conversation): boolean =>
      watching !== undefined && gone !== undefined && elapsedMs(gone.at, now) >= lostForGoodMs
    for (const { id } of (await store.conversations()).filter(isLostForGood)) {
      await store.record({ type: 'unwatched', conversation: id }, now)
      await store.changeConversation(id, (known) =>
        known && isLostForGood(known) ? { ...known, watching: undefined } : known,
      )
    }
  }

  /** undefined if they could not be looked at. */
  #policyProblems(): Promise<PolicyProblem[] | undefined> {
    return this.parts.policyProblems().catch((fault: unknown) => {
      this.parts.log.error({ fault: messageOf(fault) }, 'role map and rules could not be looked at')
      return undefined
    })
  }

  #schedule(name: string, at: Instant, work: () => Promise<void>): void {
    if (this.#stopped) return
    this.#timers.get(name)?.()
    this.#timers.set(
      name,
      this.parts.clock.wakeAt(at, () => this.#begin(work)),
    )
  }

  /** Nobody waits for it: what goes wrong is the log's to tell. */
  #begin(work: () => Promise<void>): void {
    work().catch((fault: unknown) =>
      this.parts.log.error({ fault: messageOf(fault) }, 'a check of the surroundings failed'),
    )
  }

  async #checkHourly(tenant: HealthTenant): Promise<void> {
    this.#schedule(tenant.name, later(this.parts.clock.now(), checkEveryMs), () => this.#checkHourly(tenant))
    await this.#check(tenant)
  }

  /** Each thing is known as soon as it is answered: one that hangs does not hide the others. */
  async #check(tenant: HealthTenant): Promise<void> {
    const { name, reads, signInToUnblock } = tenant
    const before = this.#checkups.get(name)
    if (before?.underWay) return
    const at = this.parts.clock.now()
    const checkup: Checkup = { ...before, startedAt: at, underWay: true }
    this.#checkups.set(name, checkup)
    const parts = [
      this.#ask(name, 'auditing', reads.auditing()).then((answer) => {
        checkup.auditing = pieceOf(at, answer, ({ on }) => on)
      }),
      this.#ask(name, 'alertPolicy', reads.alertPolicy()).then((answer) => {
        checkup.alertPolicy = pieceOf(at, answer, ({ policy }) => policy)
      }),
      this.#read(tenant.certificates).then((seen) => {
        checkup.certificates = seen
      }),
      signInToUnblock?.().then((answer) => {
        checkup.unblockRefused = refusalOf(at, answer)
      }),
    ]
    await Promise.all(parts).finally(() => {
      checkup.underWay = false
    })
  }

  async #ask<Answer extends { ok: true }>(
    tenant: string,
    what: string,
    asking: Promise<Answer | ReadFailure>,
  ): Promise<Answer | ReadFailure> {
    const answer = await asking
    if (!answer.ok) {
      const { code, message, requestId } = answer
      this.parts.log.info({ tenant, what, code, message, requestId }, 'a check could not be made')
    }
    return answer
  }

  #read(files: CertificateFile[]): Promise<CertificateSeen[]> {
    const now = this.parts.clock.now()
    return Promise.all(
      files.map(async ({ what, path }): Promise<CertificateSeen> => {
        const expiry = await expiryOf(path)
        return {
          what,
          until: expiry.ok
            ? { collected: true, at: now, found: expiry.expiresAt }
            : { collected: false, at: now, cause: expiry.why },
        }
      }),
    )
  }
}

function pieceOf<Answer extends { ok: true }, Found>(
  at: Instant,
  answer: Answer | ReadFailure,
  pick: (answer: Answer) => Found,
): Piece<Found> {
  return answer.ok
    ? { collected: true, at, found: pick(answer) }
    : { collected: false, at, cause: answer.message }
}

/** Only Entra's own refusal says that something is wrong with the app. */
function refusalOf(at: Instant, answer: TokenAnswer): Piece<string | undefined> {
  if (answer.ok) return { collected: true, at, found: undefined }
  const { code, message } = answer
  return code === 'credentials'
    ? { collected: true, at, found: message }
    : { collected: false, at, cause: message }
}

const lostConversations = (conversations: Conversation[]): Finding[] =>
  conversations
    .filter(({ watching }) => watching)
    .map(({ id, name, kind, gone }) => ({
      cause: 'conversationLost',
      conversation: id,
      ...(gone ? { is: 'amiss', detail: name ?? kind, since: gone.at } : { is: 'fine' }),
    }))

/** A map that is broken does not tell whom it would name. */
function policyFindings(tenants: string[], problems: PolicyProblem[] | undefined): Finding[] {
  const otherwise = problems ? 'fine' : 'unknown'
  const isAmiss = ({ cause, tenant }: Pick<Finding, 'cause' | 'tenant'>): boolean =>
    (problems ?? []).some((one) => one.cause === cause && (!('tenant' in one) || one.tenant === tenant))
  const hidden = isAmiss({ cause: 'roleMapBroken' }) ? 'unknown' : otherwise
  return [
    ...(['roleMapBroken', 'rulesBroken'] as const).map(
      (cause): Finding => ({ cause, is: isAmiss({ cause }) ? 'amiss' : otherwise }),
    ),
    ...tenants.map((tenant): Finding => {
      const cause = 'nobodyMayApprove'
      return { cause, tenant, is: isAmiss({ cause, tenant }) ? 'amiss' : hidden }
    }),
  ]
}

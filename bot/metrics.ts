import { Gauge, Registry } from 'prom-client'

/** What the metrics tell; numbers and constant words only, no names. */
export interface Measured {
  degraded: string[]
  /** How many problems of each cause there are now. */
  problems: ReadonlyMap<string, number>
  tenants: number
  /** Seconds since the last good read of the tenant whose is the oldest; since the start, where there was none. */
  lastGoodReadAgeSeconds: number
}

/** Prometheus' text form of what is measured at the time of asking. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #degraded = this.#gauge('degraded', 'What is amiss, by its code at /readyz: 1 while it is.', [
    'code',
  ])
  readonly #problems = this.#gauge('health_problems', 'Problems with the bot itself, by cause.', ['cause'])
  readonly #tenants = this.#gauge('tenants', 'Watched tenants.', [])
  readonly #age = this.#gauge(
    'last_good_read_age_seconds',
    'Age of the last good read of the restricted list, of the tenant where it is oldest.',
    [],
  )

  /** What the text is, as HTTP calls it. */
  get contentType(): string {
    return this.#registry.contentType
  }

  async text({ degraded, problems, tenants, lastGoodReadAgeSeconds }: Measured): Promise<string> {
    this.#degraded.reset()
    for (const code of degraded) this.#degraded.set({ code }, 1)
    this.#problems.reset()
    for (const [cause, count] of problems) this.#problems.set({ cause }, count)
    this.#tenants.set(tenants)
    this.#age.set(lastGoodReadAgeSeconds)
    return this.#registry.metrics()
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name: `connector_warden_${name}`, help, labelNames, registers: [this.#registry] })
  }
}

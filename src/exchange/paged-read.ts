import { z } from 'zod'
import type { TokenSource } from '../credentials.js'
import type { ReadFailure } from './exchange.js'
import type { Address, Command } from './invoke-command.js'
import { serviceOf } from './remedies.js'
import { type Verdict, withoutToken } from './reply.js'
import type { Service } from './service.js'

/** All rows of a cmdlet, as far as they were kept. */
export interface Rows<Row> {
  ok: true
  rows: Row[]
  warnings: string[]
}

export interface PagedRead {
  /**
   * Runs a cmdlet and collects all its pages; one page that cannot be had fails the whole read.
   * @param keep takes what is wanted out of a row; nothing else of it is held on to
   */
  read<Row>(command: Command, keep: (row: unknown) => Row): Promise<Rows<Row> | ReadFailure>
  /** Where the last good read was answered, unless that has stopped answering. */
  endpoint(): URL | undefined
}

/** Sends one request of a read. */
export type Send = (command: Command, address: Address) => Promise<Verdict>

const mostPages = 100
const mostRedirects = 3

const pageSchema = z.object({ value: z.array(z.unknown()), '@odata.nextLink': z.string().nullish() })

/** Makes a call with the app's token, and once more with a new one if the first was not accepted. */
export async function withToken(
  tokens: TokenSource,
  scope: string,
  call: (token: string) => Promise<Verdict>,
): Promise<Verdict> {
  const held = await tokens.token(scope)
  if (!held.ok) return withoutToken(held)
  const verdict = await call(held.token)
  if (verdict.ok || verdict.failure.code !== 'credentials') return verdict
  const renewed = await tokens.token(scope, { fresh: true })
  return renewed.ok ? call(renewed.token) : withoutToken(renewed)
}

/** Reads from a service page by page. */
export function createPagedRead(service: Service, tokens: TokenSource, sendOnce: Send): PagedRead {
  let endpoint: URL | undefined

  const send = (command: Command, to: URL): Promise<Verdict> =>
    withToken(tokens, service.scope, (token) => sendOnce(command, { to, token, anchor: service.anchor }))

  /** Follows the service to the region that serves the tenant, and stays there until that fails. */
  async function firstPage<Row>(
    command: Command,
    keep: (row: unknown) => Row,
  ): Promise<Page<Row> | ReadFailure> {
    const entrance = endpoint ? { ok: true as const, at: endpoint } : await service.entrance()
    if (!entrance.ok) return entrance
    for (let redirects = 0, to = entrance.at; ; redirects++) {
      const verdict = await send(command, to)
      const page = pageOf(verdict, command, service, keep)
      endpoint = page.ok || isRefusal(page) ? to : undefined
      const region = redirects < mostRedirects ? redirectOf(verdict, service) : undefined
      if (!region) return page
      to = region
    }
  }

  async function read<Row>(command: Command, keep: (row: unknown) => Row): Promise<Rows<Row> | ReadFailure> {
    let page = await firstPage(command, keep)
    let rows: Row[] = []
    const warnings: string[] = []
    for (let pages = 1; page.ok; pages++) {
      rows = rows.concat(page.rows)
      warnings.push(...page.warnings)
      if (!page.next) return { ok: true, rows, warnings }
      if (pages === mostPages) return unreadable({}, `${command.name} has more than ${mostPages} pages`)
      page = pageOf(await send(command, page.next), command, service, keep)
    }
    return page
  }

  return { read, endpoint: () => endpoint }
}

interface Page<Row> extends Rows<Row> {
  next?: URL | undefined
}

function pageOf<Row>(
  verdict: Verdict,
  { name }: Command,
  service: Service,
  keep: (row: unknown) => Row,
): Page<Row> | ReadFailure {
  if (!verdict.ok) return verdict.failure
  const parsed = pageSchema.safeParse(verdict.body)
  if (!parsed.success) return unreadable(verdict, `${serviceOf(name)}'s answer to ${name} holds no list`)
  const { value, '@odata.nextLink': link } = parsed.data
  const next = link ? service.trusts(link) : undefined
  if (link && !next)
    return unreadable(verdict, `The next page of ${name} lies on a host that is not ${serviceOf(name)}'s`)
  return { ok: true, rows: value.map((row) => keep(row)), warnings: verdict.warnings, next }
}

/** The place is right, and refuses for another reason. */
const isRefusal = ({ code }: ReadFailure): boolean =>
  code === 'permission' || code === 'credentials' || code === 'throttled'

const redirectOf = (verdict: Verdict, service: Service): URL | undefined =>
  'redirectedTo' in verdict ? service.trusts(verdict.redirectedTo) : undefined

const unreadable = (
  { requestId, clientRequestId }: Pick<ReadFailure, 'requestId' | 'clientRequestId'>,
  message: string,
): ReadFailure => ({ ok: false, code: 'unreadable', message, retryable: true, requestId, clientRequestId })

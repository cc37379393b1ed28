import { z } from 'zod'
import type { Connection } from './connection.js'
import type { ReadFailure } from './exchange.js'
import type { Command, InvokeCommand } from './invoke-command.js'
import { judge, type Verdict, withoutToken } from './reply.js'
import { trustedUrl } from './trusted-url.js'

/** All rows of a cmdlet, as Exchange sent them. */
export interface Rows {
  ok: true
  rows: unknown[]
  warnings: string[]
}

export interface PagedRead {
  /** Runs a cmdlet and collects all its pages; one page that cannot be had fails the whole read. */
  read(command: Command): Promise<Rows | ReadFailure>
  /** Where the last good read was answered. */
  endpoint(): URL
}

const mostPages = 100
const mostRedirects = 3
const mostWarnings = 20

const pageSchema = z.object({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().nullish(),
  '@adminapi.warnings': z.array(z.string()).catch([]),
})

/** Reads with the app's token, which is renewed once if Exchange does not accept it. */
export function createPagedRead({ scope, tokens, clock }: Connection, invoke: InvokeCommand): PagedRead {
  let endpoint = invoke.endpoint

  async function sendWith(token: string, command: Command, to: URL): Promise<Verdict> {
    return judge(await invoke.send(command, token, to), command, clock.now())
  }

  async function send(command: Command, to: URL): Promise<Verdict> {
    const held = await tokens.token(scope)
    if (!held.ok) return withoutToken(held)
    const verdict = await sendWith(held.token, command, to)
    if (verdict.ok || verdict.failure.code !== 'credentials') return verdict
    const renewed = await tokens.token(scope, { fresh: true })
    return renewed.ok ? sendWith(renewed.token, command, to) : withoutToken(renewed)
  }

  /** Follows Exchange to the region that serves the tenant, and stays there until that fails. */
  async function firstPage(command: Command): Promise<Page | ReadFailure> {
    for (let redirects = 0, to = endpoint; ; redirects++) {
      const verdict = await send(command, to)
      const page = pageOf(verdict, command, invoke.endpoint)
      endpoint = page.ok || isRefusal(page) ? to : invoke.endpoint
      const region = redirects < mostRedirects ? redirectOf(verdict, invoke.endpoint) : undefined
      if (!region) return page
      to = region
    }
  }

  async function read(command: Command): Promise<Rows | ReadFailure> {
    let page = await firstPage(command)
    let rows: unknown[] = []
    const warnings: string[] = []
    for (let pages = 1; page.ok; pages++) {
      rows = rows.concat(page.rows)
      warnings.push(...page.warnings.slice(0, mostWarnings))
      if (!page.next) return { ok: true, rows, warnings }
      if (pages === mostPages) return unreadable({}, `${command.name} has more than ${mostPages} pages`)
      page = pageOf(await send(command, page.next), command, invoke.endpoint)
    }
    return page
  }

  return { read, endpoint: () => endpoint }
}

interface Page extends Rows {
  next?: URL | undefined
}

function pageOf(verdict: Verdict, { name }: Command, configured: URL): Page | ReadFailure {
  if (!verdict.ok) return verdict.failure
  const parsed = pageSchema.safeParse(verdict.body)
  if (!parsed.success) return unreadable(verdict, `Exchange's answer to ${name} holds no list`)
  const { value: rows, '@adminapi.warnings': warnings, '@odata.nextLink': link } = parsed.data
  const next = link ? trustedUrl(link, configured) : undefined
  if (link && !next)
    return unreadable(verdict, `The next page of ${name} lies on a host that is not Exchange's`)
  return { ok: true, rows, warnings, next }
}

/** The place is right, and refuses for another reason. */
const isRefusal = ({ code }: ReadFailure): boolean =>
  code === 'permission' || code === 'credentials' || code === 'throttled'

const redirectOf = (verdict: Verdict, configured: URL): URL | undefined =>
  'redirectedTo' in verdict ? trustedUrl(verdict.redirectedTo, configured) : undefined

const unreadable = ({ requestId }: { requestId?: string | undefined }, message: string): ReadFailure => ({
  ok: false,
  code: 'unreadable',
  message,
  retryable: true,
  requestId,
})

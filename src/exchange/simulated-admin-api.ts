import type { Instant } from '../clock.js'
import { blankForbidden, errorBody, type SimulatedFault } from './simulated-faults.js'
import type { CmdletResult, SimulatedOrganisation } from './simulated-organisation.js'
import { annotated } from './simulated-rows.js'

/** One request as the tenant saw it. Tokens are not kept. */
export interface SimulatedRequest {
  at: Instant
  method: string
  url: URL
  /** `EXOBanner` for the greeting of Security & Compliance; empty if the body names none. */
  cmdlet: string
  parameters: Record<string, unknown>
  /** The headers but for `authorization`. */
  headers: Record<string, unknown>
  /** Whether a bearer token came with it. */
  authorized: boolean
  /** The HTTP status, or what was done instead of answering; undefined while that is open. */
  answer?: number | 'hang' | 'reset' | 'cutOff'
}

/** What goes back over the wire. */
export type SimulatedReply =
  | { kind: 'answer'; status: number; headers: Record<string, string>; body: string | Buffer }
  /** Only the first half of the body goes out. */
  | { kind: 'cutOff'; headers: Record<string, string>; body: string }
  | { kind: 'hang' }
  | { kind: 'reset' }

/** What Security & Compliance is greeted with, to learn the tenant's region. */
const banner = "EXOBanner('AutogenSession')"
/** What stands for a cmdlet in a greeting: its faults can be scripted under this name. */
const greeting = 'EXOBanner'

/** What a request runs, by its path and the cmdlet that its body names. */
export const cmdletOf = ({ pathname }: URL, named: string | undefined): string =>
  named ?? (pathname.endsWith(`/${banner}`) ? greeting : '')

const json = { 'content-type': 'application/json; odata.metadata=minimal; charset=utf-8' }

/** Why a request does not even get to its cmdlet, if it does not. */
export function refuseAtTheDoor(
  { url, method, cmdlet, authorized }: SimulatedRequest,
  tenantId: string,
  isAdmitted: boolean,
): SimulatedReply | undefined {
  const [, version, tenant, what] = url.pathname.match(/^\/adminapi\/([^/]+)\/([^/]+)\/([^/]+)$/) ?? []
  if (what !== 'InvokeCommand' && what !== banner) return answer(404)
  if (method !== (what === banner ? 'GET' : 'POST') || version !== 'beta') return answer(405)
  if (!authorized || !isAdmitted || tenant !== tenantId) return answer(401)
  return cmdlet === '' ? answer(400, errorBody('BadRequest', 'No cmdlet was named.')) : undefined
}

/** Runs the cmdlet, unless a fault stands in its way, and words the result as Exchange does. */
export function runCmdlet(
  organisation: SimulatedOrganisation,
  request: SimulatedRequest,
  fault: SimulatedFault | undefined,
): SimulatedReply {
  const run = () => resultOf(organisation, request)
  if (fault === undefined) return inWords(run(), request)
  if (fault.kind === 'rowWithoutId') return inWords(withStrayRow(run()), request)
  if (fault.kind === 'cutOff') return { kind: 'cutOff', headers: json, body: bodyOf(inWords(run(), request)) }
  if (fault.executes) run()
  if (fault.kind !== 'answer') return { kind: fault.kind }
  return { kind: 'answer', status: fault.status, headers: fault.headers ?? {}, body: fault.body ?? '' }
}

/** `region`: the greeting is answered with where the tenant is served, which is here. */
type Result = CmdletResult | { kind: 'region' }

/** Both services answer here, and are told apart as Microsoft does it, by the mailbox that routes the call. */
function resultOf(organisation: SimulatedOrganisation, request: SimulatedRequest): Result {
  const { cmdlet, parameters, headers } = request
  if (cmdlet === greeting) return { kind: 'region' }
  return String(headers['x-anchormailbox']).startsWith('UPN:')
    ? organisation.runCompliance(cmdlet)
    : organisation.run(cmdlet, parameters)
}

function inWords(result: Result, request: SimulatedRequest): SimulatedReply {
  switch (result.kind) {
    case 'rows':
      return answer(200, page(result, request))
    case 'refused':
      return answer(result.status, errorBody(result.code, result.text))
    case 'unknownCmdlet':
      return blankForbidden
    case 'region':
      return { ...answer(302), headers: { location: request.url.href } }
  }
}

const withStrayRow = (result: Result): Result =>
  result.kind === 'rows' ? { ...result, rows: [...result.rows, { Name: 'A row without an id' }] } : result

/** One page of the rows: as many as `Prefer` asks for, from where the link that was followed says. */
function page(
  { rows, warnings = [] }: Extract<CmdletResult, { kind: 'rows' }>,
  { url, headers }: SimulatedRequest,
): object {
  const size = Number(String(headers.prefer).match(/odata\.maxpagesize=(\d+)/)?.[1] ?? 1_000)
  const from = Number(url.searchParams.get('$skiptoken') ?? 0)
  const next = new URL(url)
  next.searchParams.set('$skiptoken', String(from + size))
  return {
    '@odata.context': `${url.origin}/adminapi/beta/$metadata#Collection(Exchange.GenericHashTable)`,
    'adminapi.warnings@odata.type': '#Collection(String)',
    '@adminapi.warnings': warnings,
    ...(from + size < rows.length ? { '@odata.nextLink': next.href } : {}),
    value: rows.slice(from, from + size).map(annotated),
  }
}

const answer = (status: number, body?: object) => ({
  kind: 'answer' as const,
  status,
  headers: json,
  body: body ? JSON.stringify(body) : '',
})

const bodyOf = (reply: SimulatedReply): string => (reply.kind === 'answer' ? String(reply.body) : '')

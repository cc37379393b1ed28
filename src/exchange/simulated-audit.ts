import { type Instant, later } from '../clock.js'
import { exchangeDate, type Row } from './simulated-rows.js'

/** An entry of the simulated audit log. */
export interface SimulatedAct {
  at: Instant
  operation: string
  account: string
  clientIp?: string
  /** Exchange names it in some entries and leaves it empty in others. */
  object: string
  parameters: Record<string, string>
  /** The act was refused, and is in the log all the same. */
  failed?: true
}

/** What a search asks for. */
export interface AuditSearch {
  from: Instant
  until: Instant
  operations: string[]
  most: number
}

/** Rows of `Search-UnifiedAuditLog`; entries show only `lagMs` after they were made. */
export function auditRows(
  acts: readonly SimulatedAct[],
  { from, until, operations, most }: AuditSearch,
  { now, lagMs }: { now: Instant; lagMs: number },
): Row[] {
  const found = acts
    .map((act, at) => ({ ...act, id: `00000000-0000-4000-a000-${String(at).padStart(12, '0')}` }))
    .filter(({ at, operation }) => at >= from && at <= until && operations.includes(operation))
    .filter(({ at }) => later(at, lagMs) <= now)
  // A large set comes in no order.
  return found
    .reverse()
    .slice(0, most)
    .map((act, index) => ({
      RecordType: 'ExchangeAdmin',
      CreationDate: exchangeDate(act.at),
      UserIds: act.account,
      Operations: act.operation,
      AuditData: auditData(act),
      ResultIndex: index + 1,
      ResultCount: found.length,
      Identity: act.id,
      IsValid: true,
      ObjectState: 'Unchanged',
    }))
}

/** Its times are UTC without saying so, and to the second. */
const auditData = (act: SimulatedAct & { id: string }): string =>
  JSON.stringify({
    CreationTime: act.at.slice(0, 19),
    Id: act.id,
    Operation: act.operation,
    OrganizationId: '5d1e7c0b-2f4a-4c68-9b3d-7a6e5f4c3b2a',
    RecordType: 1,
    ResultStatus: act.failed ? 'False' : 'True',
    UserKey: act.account,
    UserType: 2,
    Version: 1,
    Workload: 'Exchange',
    ...(act.clientIp === undefined ? {} : { ClientIP: act.clientIp }),
    ObjectId: act.object,
    UserId: act.account,
    ExternalAccess: false,
    OrganizationName: 'contoso.onmicrosoft.com',
    OriginatingServer: 'AM0PR01MB0000 (15.20.4200.000)',
    Parameters: Object.entries(act.parameters).map(([Name, Value]) => ({ Name, Value })),
  })

import { Fault } from '../src/errors.js'
import { codeOf, type Incident } from '../src/incident/incident.js'
import type { Tenants } from './tenants.js'

/** Beyond this, a list of names helps nobody. */
const mostNamed = 20

const codesAndTenants = (incidents: Incident[]): string =>
  incidents.map((incident) => `${codeOf(incident)} (${incident.tenant})`).join(', ')

/**
 * An incident of a tenant that nobody watches could never be verified, and a namesake would be opened beside it.
 * Under a name that means another organisation now, what was decided for one would be carried out in the other.
 * @throws Fault `tenantNotWatched`, `tenantChanged`
 */
export function refuseOrphans(open: Incident[], tenants: Tenants): void {
  const { names } = tenants
  const renamed = open.filter(
    ({ tenant, tenantId }) =>
      names.includes(tenant) && tenantId !== undefined && tenantId !== tenants.of(tenant).tenantId,
  )
  if (renamed.length > 0)
    throw new Fault(
      'tenantChanged',
      `Incidents are open for organisations whose names mean others in the settings now: ${codesAndTenants(renamed)}.`,
      'Until they are over, let EXCHANGE_TENANT_ID, or tenantId in TENANTS_FILE, be what it was; or let DATA_DIR name another folder.',
    )
  const orphans = open.filter(({ tenant }) => !names.includes(tenant))
  if (orphans.length === 0) return
  const codes = codesAndTenants(orphans)
  const watched = names.length > mostNamed ? `${names.length} others` : names.join(', ')
  throw new Fault(
    'tenantNotWatched',
    `Incidents are open for tenants that the settings do not name: ${codes}. Watched now: ${watched}.`,
    'Until they are over, let EXCHANGE_ORGANIZATION, or a name in TENANTS_FILE, be what it was; or let DATA_DIR name another folder.',
  )
}

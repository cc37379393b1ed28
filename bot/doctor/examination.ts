import { randomUUID } from 'node:crypto'
import { systemClock } from '../../src/clock.js'
import { createLog } from '../../src/log.js'
import type { Settings } from '../../src/settings.js'
import type { Overrides } from '../compose.js'
import { graphOf, teamsClient, tokenSources, type WayParts } from '../ways-out.js'
import { certificateChecks } from './certificate-checks.js'
import { type Check, caught } from './check.js'
import { exchangeChecks } from './exchange-checks.js'
import { fileChecks } from './file-checks.js'
import { graphChecks } from './graph-checks.js'
import { machineChecks } from './machine-checks.js'
import { type Laws, type Patient, tenantNames } from './patient.js'
import { settingsChecks } from './settings-checks.js'
import { teamsChecks } from './teams-checks.js'
import { areaOf, areas, type CheckId } from './titles.js'
import { tokenChecks } from './token-checks.js'

export interface Wishes {
  /** Whether to post a test card to every conversation that watches. */
  testCard: boolean
  /** Is told what is being waited for. */
  progress: (what: string) => void
}

/** What was found, and whether there was more to look at. */
export interface Findings {
  checks: Check[]
  /** Whether the settings could be read, without which most cannot be looked at. */
  whole: boolean
}

/** Looks at the settings, and with them at everything else. */
export async function examine(
  environment: Record<string, string | undefined>,
  envFile: string,
  wishes: Wishes,
): Promise<Findings> {
  const { checks, settings } = settingsChecks(environment, envFile)
  if (!settings) return { checks, whole: false }
  return { checks: [...checks, ...(await examineWith(settings, wishes))], whole: true }
}

/** Looks at everything but the settings themselves. Nothing but test cards, if they are wanted, is left behind. */
export async function examineWith(
  settings: Settings,
  wishes: Wishes,
  overrides: Pick<Overrides, 'clock' | 'newId' | 'random' | 'entraCa'> = {},
): Promise<Check[]> {
  const patient = patientOf(settings, wishes, overrides)
  const { checks, laws } = await fileChecks(patient)
  const looks: [CheckId, (patient: Patient, laws: Laws) => Promise<Check[]>][] = [
    ['tokens.bot', tokenChecks],
    ['certificates.bot', certificateChecks],
    ['exchange.blocked', exchangeChecks],
    ['graph.roles', graphChecks],
    ['teams.conversations', teamsChecks],
    ['machine.bot', machineChecks],
  ]
  const open = new Set(looks.map(([first]) => areaOf(first)))
  const waiting = () => wishes.progress([...open].map((area) => areas[area]).join(', '))
  waiting()
  const found = await Promise.all(
    looks.map(async ([first, look]) => {
      const lines = await caught(first, () => look(patient, laws))
      open.delete(areaOf(first))
      waiting()
      return lines
    }),
  )
  return condensed([...checks, ...found.flat()], tenantNames(settings))
}

function patientOf(
  settings: Settings,
  wishes: Wishes,
  { clock = systemClock, newId = randomUUID, random = Math.random, entraCa }: Partial<Overrides>,
): Patient {
  // What goes wrong is told in lines; the log is for the running bot.
  const log = createLog('silent')
  const ways: WayParts = { clock, newId, random, log, tokensOf: tokenSources(settings, clock, entraCa) }
  return {
    ...ways,
    ...wishes,
    settings,
    entraCa,
    client: teamsClient(settings, ways),
    directory: graphOf(settings, ways),
  }
}

/** More tenants than this are told one by one only where something is not as it should be. */
const mostToldAlone = 5

/** With many tenants: of each kind of check the lines that are not ok, and one that counts the others. */
function condensed(checks: Check[], tenants: string[]): Check[] {
  if (tenants.length <= mostToldAlone) return checks
  const names = new Set(tenants)
  const isOfTenant = ({ subject }: Check) => subject !== undefined && names.has(subject)
  const counted = new Set<string>()
  return checks.flatMap((check) => {
    if (!isOfTenant(check) || check.result !== 'ok') return [check]
    if (counted.has(check.id)) return []
    counted.add(check.id)
    const same = checks.filter((one) => one.id === check.id && isOfTenant(one))
    const fine = same.filter(({ result }) => result === 'ok').length
    return [{ ...check, subject: undefined, found: `${fine} of ${same.length} tenants ok.` }]
  })
}

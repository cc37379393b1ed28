import type { Instant } from '../clock.js'
import type { Role } from './commands.js'
import type { Person, Status } from './incident.js'
import type { StepId } from './steps.js'

/**
 * Why a command was not carried out: an expected answer, not a fault. It holds facts; the catalogue of texts
 * words them for the person, the record keeps them as they are.
 */
export type Refusal =
  | { code: 'roleMissing'; needed: Role }
  /** Entra could not be asked, so the role may be there or not. */
  | { code: 'rolesUnknown'; needed: Role; cause: string }
  | { code: 'notVerified' }
  | { code: 'reasonMissing'; least: number; most: number }
  | { code: 'textTooLong'; most: number }
  /** The incident is where this makes no sense; `by` says who brought it there, where a person did. */
  | { code: 'wrongStatus'; status: Status; since: Instant; by?: Person | undefined }
  | { code: 'removalRunning'; startedAt: Instant }
  | { code: 'stepsUnsettled'; steps: StepId[] }
  | { code: 'stepSettled'; step: StepId; how: 'done' | 'notApplicable'; by: Person; at: Instant }
  | { code: 'stepNotSettled'; step: StepId }
  | { code: 'alreadyAcknowledged'; by: Person; at: Instant }
  | { code: 'acknowledgerMayNotApprove' }
  | { code: 'voterMayNotAcknowledge' }
  | { code: 'overrideOff' }
  | { code: 'overrideNotNeeded' }
  /** What is known of the connector is too old to decide on; it is being read anew. */
  | { code: 'evidenceStale' }
  /** The rules want somebody else than whoever changed the connector last. */
  | { code: 'editorMayNotApprove'; account: string; at: Instant }
  | { code: 'tooManyNotes'; most: number }
  /** Of the bot's own commands only: what it rested on does not hold any more. */
  | { code: 'notDue'; because: string }

export type Decision<Event> = { ok: true; events: Event[] } | { ok: false; refusal: Refusal }

import { z } from 'zod'
import type { Instant } from '../clock.js'

/** What can be amiss with the bot itself; each cause has one card in a conversation. */
export const healthCauses = [
  'blind',
  'credentials',
  'permission',
  'listIncomplete',
  'unblockCredentials',
  'certificateExpiring',
  'auditOff',
  'alertPolicyOff',
  'alertPolicySilent',
  'alertPolicyLimited',
  'alertPolicyMissing',
  'conversationLost',
  'nobodyMayApprove',
  'roleMapBroken',
  'rulesBroken',
] as const
export type HealthCause = (typeof healthCauses)[number]

/** Something that keeps the bot, or Microsoft's own alert, from noticing or doing what it is there for. */
export interface Problem {
  cause: HealthCause
  /** The watched tenant that it is about, if it is about one. */
  tenant?: string | undefined
  /** The conversation that it is about, if it is about one. */
  conversation?: string | undefined
  /** What else is known; for an admin, without secrets. */
  detail?: string | undefined
  since: Instant
  /** When the record last said something new of it. */
  changedAt: Instant
  /** When it was over; `unwatched` if only because its tenant or conversation is watched no more. */
  over?: { at: Instant; unwatched?: true | undefined } | undefined
}

const about = {
  cause: z.enum(healthCauses),
  tenant: z.string().optional(),
  conversation: z.string().optional(),
}

/** Something is amiss, or something new is known of what is amiss already. */
export const healthRaisedSchema = z.object({
  type: z.literal('healthRaised'),
  ...about,
  detail: z.string().optional(),
  since: z.iso.datetime({ precision: 3 }),
})

/** It is not amiss any more; `unwatched` says that nobody looks any more. */
export const healthClearedSchema = z.object({
  type: z.literal('healthCleared'),
  ...about,
  unwatched: z.literal(true).optional(),
})

export type HealthEntry = z.infer<typeof healthRaisedSchema> | z.infer<typeof healthClearedSchema>

/** What a problem is told apart by: there is one of each cause, tenant and conversation. */
export const keyOf = ({
  cause,
  tenant = '',
  conversation = '',
}: Pick<Problem, 'cause' | 'tenant' | 'conversation'>): string => [cause, tenant, conversation].join(' ')

export const isOpen = ({ over }: Problem): boolean => over === undefined

/**
 * The problem after an entry of the record.
 * @param known the problem with the entry's key, if the record had one before
 */
export function afterEntry(known: Problem | undefined, entry: HealthEntry, at: Instant): Problem | undefined {
  const { cause, tenant, conversation } = entry
  if (entry.type === 'healthRaised') {
    const { detail, since } = entry
    return { cause, tenant, conversation, detail, since, changedAt: at }
  }
  return known && isOpen(known) ? { ...known, over: { at, unwatched: entry.unwatched } } : known
}

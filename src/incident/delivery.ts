import type { Instant } from '../clock.js'

/**
 * What was posted about one subject (an incident, or a whole batch of them) in one conversation. A record of
 * its own beside the incident: it neither raises the incident's version nor is part of the audit record.
 */
export interface Delivery {
  /** `CR-42`, `batch:<id>` for a digest, or `health:<cause>`. */
  subject: string
  conversation: string
  /** Id of the live message; none yet, or none any more. */
  message?: string | undefined
  /** The record's sequence that the live card shows. */
  drawn: number
  /** What else the live card shows, as a mark that differs whenever it would look different. */
  mark?: string | undefined
  /** Who was called by name above the card: edits keep the words until somebody is on it. */
  called?: { id: string; name: string }[] | undefined
  /** The record's sequence up to which the thread was told. */
  told: number
  /** Somebody asked to see the card here (again): post it even where it would not be posted by itself. */
  wanted?: boolean | undefined
  /** A post that was sent and of which it is not known whether it arrived; `tries` so far. */
  ambiguous?: { since: Instant; tries: number } | undefined
  /** Messages that the live one replaces and that still have to be turned into a pointer to it. */
  retired?: string[] | undefined
  /** How a card about the bot's own health stands. */
  health?: HealthCardState | undefined
}

/** A card that shows what is amiss with the bot itself, and is closed once nothing is. */
export interface HealthCardState {
  postedAt: Instant
  drawnAt: Instant
  /** What the live card names: keys of problems. */
  about: string[]
  /** When the card was made to say that it is over. */
  closedAt?: Instant | undefined
  /** What its thread was last told, and when: that it is over, or that it is amiss again. */
  told?: { at: Instant; over: boolean } | undefined
  /** Keys of the problems that people were told of, by the post or in its thread, and when last. */
  heard?: { at: Instant; about: string[] } | undefined
}

/** A place where the bot was installed and how to reach it. */
export interface Conversation {
  /** The root: a channel's id without `;messageid=`, a chat's id. */
  id: string
  kind: 'channel' | 'groupChat' | 'personal'
  name?: string | undefined
  serviceUrl: string
  tenantId: string
  botId: string
  /** Since when it shows every incident, and who asked for it. */
  watching?: { since: Instant; by: { id: string; name: string } } | undefined
  /** Teams says that the bot is not there any more. */
  gone?: { at: Instant; cause: string } | undefined
  /** When it could be reached again after that. */
  back?: Instant | undefined
}

export const subjectOfBatch = (batch: { id: string }): string => `batch:${batch.id}`

/** More new ones than this in one read are announced as one digest. */
export const mostAnnouncedAlone = 10

import { z } from 'zod'
import type { Conversation } from '../src/incident/delivery.js'

const named = z.looseObject({ id: z.string().min(1).max(1_000), name: z.string().nullish() })

/**
 * What has to be there before an activity goes anywhere near the SDK. Teams sends more, which stays as it is;
 * what we use is checked here.
 */
export const incomingSchema = z.looseObject({
  type: z.string().min(1).max(100),
  id: z.string().max(1_000).optional(),
  channelId: z.literal('msteams'),
  serviceUrl: z.url().max(2_000),
  from: named.extend({ aadObjectId: z.guid().optional() }),
  recipient: named,
  conversation: named.extend({
    tenantId: z.string().optional(),
    conversationType: z.enum(['channel', 'groupChat', 'personal']).optional(),
    isGroup: z.boolean().nullish(),
  }),
  channelData: z
    .looseObject({
      tenant: z.looseObject({ id: z.string() }).optional(),
      team: z.looseObject({ name: z.string().optional() }).optional(),
      channel: z.looseObject({ id: z.string() }).optional(),
      settings: z.looseObject({ selectedChannel: z.looseObject({ id: z.string() }).optional() }).optional(),
    })
    .nullish(),
  text: z.string().nullish(),
  textFormat: z.string().nullish(),
  name: z.string().nullish(),
  replyToId: z.string().nullish(),
  action: z.string().nullish(),
  entities: z.array(z.looseObject({ type: z.string() })).nullish(),
})
export type Incoming = z.infer<typeof incomingSchema>

/** A thread's id is its channel's, followed by the message it hangs on. */
export const rootOf = (conversationId: string): string =>
  conversationId.split(';messageid=')[0] ?? conversationId

/** The tenants that the authenticated activity names; all of them must be the home tenant. */
export function tenantsOf({ conversation, channelData }: Incoming): string[] {
  return [conversation.tenantId, channelData?.tenant?.id].filter((id) => id !== undefined)
}

/** Where an activity came from, as far as it tells how to reach the place again. */
export function placeOf(incoming: Incoming): Omit<Conversation, 'watching' | 'gone'> {
  const { conversation, channelData, serviceUrl, recipient } = incoming
  const kind = conversation.conversationType ?? (conversation.isGroup ? 'groupChat' : 'personal')
  const name = conversation.name ?? channelData?.team?.name
  return {
    id: rootOf(conversation.id),
    kind,
    ...(name ? { name } : {}),
    serviceUrl,
    tenantId: tenantsOf(incoming)[0] ?? '',
    botId: recipient.id,
  }
}

import { z } from 'zod'
import type { Conversation, Delivery } from '../incident/delivery.js'
import { notRecordable, readable } from './journal-line.js'
import { formSchema, newestForm } from './json-lines.js'

const text = z.string().min(1)
const count = z.number().int().min(0)
const instant = z.iso.datetime({ precision: 3 })

const deliverySchema = z.object({
  subject: text,
  conversation: text,
  message: z.string().optional(),
  drawn: count,
  mark: z.string().optional(),
  called: z.array(z.object({ id: text, name: text })).optional(),
  told: count,
  wanted: z.boolean().optional(),
  ambiguous: z.object({ since: instant, tries: count }).optional(),
  retired: z.array(z.string()).optional(),
  health: z
    .object({
      postedAt: instant,
      drawnAt: instant,
      about: z.array(z.string()),
      closedAt: instant.optional(),
      told: z.object({ at: instant, over: z.boolean() }).optional(),
      heard: z.object({ at: instant, about: z.array(z.string()) }).optional(),
    })
    .optional(),
}) satisfies z.ZodType<Delivery>

const conversationSchema = z.object({
  id: text,
  kind: z.enum(['channel', 'groupChat', 'personal']),
  name: z.string().optional(),
  serviceUrl: z.string(),
  tenantId: z.string(),
  botId: z.string(),
  watching: z.object({ since: instant, by: z.object({ id: text, name: z.string() }) }).optional(),
  gone: z.object({ at: instant, cause: z.string() }).optional(),
  back: instant.optional(),
}) satisfies z.ZodType<Conversation>

const deliveryLineSchema = z.object({ v: formSchema, delivery: deliverySchema })
const conversationLineSchema = z.object({ v: formSchema, conversation: conversationSchema })

export type DeliveryLine = z.infer<typeof deliveryLineSchema> | z.infer<typeof conversationLineSchema>
export type DeliveryLineBody = { delivery: Delivery } | { conversation: Conversation }

/** A copy of what is to be saved, checked, so that what could not be read back is never written. */
export function checkDeliveryLine(body: DeliveryLineBody): DeliveryLine {
  const parsed = parse({ v: newestForm, ...body })
  if (!parsed.success) throw notRecordable(readable(parsed.error))
  return parsed.data
}

/** What a line of the file says. Throws what is wrong with it. */
export function readDeliveryLine(value: unknown): DeliveryLine {
  const parsed = parse(value)
  if (!parsed.success) throw new Error(readable(parsed.error))
  return parsed.data
}

/** Not a union, whose complaint would not say what is wrong. */
function parse(value: unknown): z.ZodSafeParseResult<DeliveryLine> {
  const isConversation = typeof value === 'object' && value !== null && Object.hasOwn(value, 'conversation')
  return (isConversation ? conversationLineSchema : deliveryLineSchema).safeParse(value)
}

export const writeDeliveryLine = (line: DeliveryLine): string => `${JSON.stringify(line)}\n`

/** What lines that are not durable yet say last of a conversation. */
export function latestConversation(lines: DeliveryLine[], id: string): Conversation | undefined {
  const line = lines.findLast((one) => 'conversation' in one && one.conversation.id === id)
  return line && 'conversation' in line ? line.conversation : undefined
}

/** What lines that are not durable yet say last of a delivery. */
export function latestDelivery(
  lines: DeliveryLine[],
  subject: string,
  conversation: string,
): Delivery | undefined {
  const line = lines.findLast(
    (one) =>
      'delivery' in one && one.delivery.subject === subject && one.delivery.conversation === conversation,
  )
  return line && 'delivery' in line ? line.delivery : undefined
}

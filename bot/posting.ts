import type { Clock } from '../src/clock.js'
import type { Conversation, Delivery } from '../src/incident/delivery.js'
import type { Claim, Store } from '../src/store/store.js'
import type { WorkResult } from '../src/work/removal.js'
import type { ConnectorClient, OutgoingActivity, Sent } from './connector-client.js'
import type { Conversations } from './conversations.js'

interface PostingParts {
  store: Store
  client: ConnectorClient
  conversations: Conversations
  clock: Clock
}

/**
 * Posts a card so that a restart posts nothing twice but what nobody can know about.
 * @returns the message; or, if there is none, what to do with the work. Then it is stored that the post is wanted
 */
export async function postStored(
  { store, client, conversations, clock }: PostingParts,
  to: { conversation: Conversation; delivery: Delivery; claim: Claim },
  activity: OutgoingActivity,
): Promise<{ message: string } | { failed: WorkResult }> {
  const { conversation, delivery, claim } = to
  const wanted = { ...delivery, wanted: true }
  const sent = await client.post(conversation, activity, async () => {
    // Stored before the call: should the process die in it, the post may have been made.
    const ambiguous = { since: clock.now(), tries: (delivery.ambiguous?.tries ?? 0) + 1 }
    await store.saveDelivery({ ...wanted, ambiguous }, claim)
  })
  if (sent.kind === 'ok') return { message: sent.value.message }
  if (sent.kind === 'ambiguous') return { failed: 'again' }
  await store.saveDelivery(wanted, claim)
  return { failed: await afterFailure(sent, conversation, conversations) }
}

/** A conversation that is gone is remembered as such; everything else is tried again. */
export async function afterFailure(
  sent: Sent<unknown>,
  conversation: Conversation,
  conversations: Conversations,
): Promise<WorkResult> {
  if (sent.kind !== 'gone') return 'again'
  await conversations.lost(conversation, sent.why)
  return 'done'
}

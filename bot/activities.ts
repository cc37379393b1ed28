import { type InvokeResponse, TeamsActivityHandler, TurnContext } from 'botbuilder'
import type { Texts } from '../cards/texts/en.js'
import { type Clock, within } from '../src/clock.js'
import { Fault, messageOf } from '../src/errors.js'
import type { Conversation } from '../src/incident/delivery.js'
import type { Log } from '../src/log.js'
import { cardActivity, textActivity } from './announcer.js'
import { requestOf } from './clicks.js'
import { type Command, understand } from './commands.js'
import type { OutgoingActivity } from './connector-client.js'
import type { Conversations } from './conversations.js'
import type { Identities } from './identity.js'
import { type Incoming, incomingSchema, placeOf } from './incoming.js'
import type { Reply, Request, Requests } from './requests.js'

/** Teams shows an error when an invoke is answered late; what is still being done goes on all the same. */
const answerWithinMs = 1_900

/** Acts on which an answer of the roster from a minute ago is not good enough. */
const freshVerbs: readonly Request['verb'][] = ['approve', 'override', 'keep', 'reopen', 'retry']

export interface ActivitiesParts {
  requests: Requests
  identities: Identities
  conversations: Conversations
  /** Posts where somebody just spoke, in the same thread; what comes of it is the log's to tell. */
  say: (where: Incoming, activity: OutgoingActivity) => Promise<unknown>
  commands: readonly Command[]
  texts: Texts
  clock: Clock
  log: Log
}

/**
 * Turns what Teams sends into requests, and replies into what Teams shows. A button arrives as an invoke
 * (Action.Execute) or, from clients that know no such thing, as a message with a value (Action.Submit); both
 * end in the same request. No rule is held here.
 */
export class Activities extends TeamsActivityHandler {
  constructor(private readonly parts: ActivitiesParts) {
    super()
    this.onMessage((context) => this.#message(context))
    this.onInstallationUpdateAdd((context) => this.#installed(context))
    this.onInstallationUpdateRemove((context) => this.#removed(context))
  }

  /** Whatever happens, the answer is HTTP 200: anything else shows as "Something went wrong" in Teams. */
  protected override async onInvokeActivity(context: TurnContext): Promise<InvokeResponse> {
    const { texts, clock } = this.parts
    const slow: Reply = { kind: 'text', text: texts.answers.slow }
    const reply = await within(clock, answerWithinMs, this.#invoke(context), slow)
    return { status: 200, body: invokeBody(reply, texts) }
  }

  async #invoke(context: TurnContext): Promise<Reply> {
    const { texts } = this.parts
    if (context.activity.name !== 'adaptiveCard/action')
      return { kind: 'text', text: texts.answers.unreadableClick }
    const value: unknown = context.activity.value
    const { action, trigger } = actionOf(value)
    const request = requestOf(action)
    if (!request) return this.#unreadable(context)
    // A client that redraws by itself asks for nothing but the card: whatever the old card's button was.
    if (trigger === 'automatic' && 'incident' in request)
      return this.#answer(context, { verb: 'refresh', incident: request.incident }, 'click')
    return this.#answer(context, request, 'click')
  }

  async #message(context: TurnContext): Promise<void> {
    const { commands, texts } = this.parts
    const { value, text } = context.activity
    if (value !== undefined && value !== null && !text?.trim()) {
      const request = requestOf(value)
      const reply = request ? await this.#answer(context, request, 'click') : this.#unreadable(context)
      // The posted card is redrawn by the loop, so a click that worked needs no words.
      if (reply.kind === 'text' || (request && !('incident' in request))) await this.#say(context, reply)
      return
    }
    const typed = understand(
      TurnContext.removeRecipientMention(context.activity) ?? text ?? '',
      commands,
      texts,
    )
    const request: Request = typed.ok ? typed.request : { verb: 'unknown', answer: typed.answer }
    await this.#say(context, await this.#answer(context, request, 'command'))
  }

  async #answer(context: TurnContext, request: Request, by: 'click' | 'command'): Promise<Reply> {
    return this.#guarded(context, async () => {
      const { identities, conversations, requests } = this.parts
      const incoming = incomingOf(context)
      const identity = await identities.of(incoming, freshVerbs.includes(request.verb))
      // Nothing that a stranger sends is remembered, not even where it came from.
      const conversation: Conversation =
        identity.kind === 'stranger' ? placeOf(incoming) : await conversations.seen(incoming)
      return requests.answer(request, { identity, conversation, by })
    })
  }

  /** A fault becomes words for the person and a line in the log; a stack is for the log alone. */
  async #guarded(context: TurnContext, work: () => Promise<Reply>): Promise<Reply> {
    const { texts, log } = this.parts
    // Taken now: the SDK revokes the context when the turn ends, which a late fault would run into.
    const { type } = context.activity
    try {
      return await work()
    } catch (error) {
      log.error({ err: error, activity: type }, `a request failed: ${messageOf(error)}`)
      const code = error instanceof Fault ? error.code : 'unexpected'
      if (code === 'recordNotWritable') return { kind: 'text', text: texts.answers.notRecorded(code) }
      return { kind: 'text', text: code === 'tooBusy' ? texts.answers.busy : texts.answers.failed(code) }
    }
  }

  #unreadable(context: TurnContext): Reply {
    this.parts.log.warn(
      { from: context.activity.from.aadObjectId },
      'a click that no button of ours can have sent',
    )
    return { kind: 'text', text: this.parts.texts.answers.unreadableClick }
  }

  async #installed(context: TurnContext): Promise<void> {
    const { identities, conversations, requests } = this.parts
    const incoming = incomingOf(context)
    // Installed by somebody of another organisation: nothing is ever posted there.
    if ((await identities.of(incoming, false)).kind === 'stranger') return
    const known = await conversations.find(placeOf(incoming).id)
    await conversations.seen(incoming)
    // Teams may say it more than once; one introduction is enough.
    if (!known || known.gone) await this.#say(context, await requests.help(true))
  }

  async #removed(context: TurnContext): Promise<void> {
    await this.parts.conversations.lost(placeOf(incomingOf(context)), 'the app was removed')
  }

  /**
   * Answers in the conversation. Teams' limits may hold a message back for longer than Teams waits for the end of
   * a turn, and would then send the same activity again: so the turn ends in time, and the answer follows.
   */
  async #say(context: TurnContext, reply: Reply): Promise<void> {
    if (reply.kind === 'none') return
    const activity =
      reply.kind === 'text' ? textActivity(reply.text) : cardActivity(reply.card, reply.summary)
    const { say, clock } = this.parts
    await within(clock, answerWithinMs, say(incomingOf(context), activity), undefined)
  }
}

/** The server let nothing else through; what arrives here fits. */
const incomingOf = (context: TurnContext): Incoming => incomingSchema.parse(context.activity)

function actionOf(value: unknown): { action: unknown; trigger: unknown } {
  if (typeof value !== 'object' || value === null) return { action: undefined, trigger: undefined }
  const action = 'action' in value ? value.action : undefined
  const data = typeof action === 'object' && action !== null && 'data' in action ? action.data : undefined
  return { action: data, trigger: 'trigger' in value ? value.trigger : undefined }
}

/** Microsoft's form of an answer to a Universal Action. */
function invokeBody(reply: Reply, texts: Texts): Record<string, unknown> {
  if (reply.kind === 'card')
    return { statusCode: 200, type: 'application/vnd.microsoft.card.adaptive', value: reply.card }
  const words = reply.kind === 'text' ? reply.text : texts.answers.unreadableClick
  return { statusCode: 200, type: 'application/vnd.microsoft.activity.message', value: words }
}

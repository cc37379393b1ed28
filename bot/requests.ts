import { showName } from '../cards/escape.js'
import {
  type Card,
  type CardContext,
  type ChecksOf,
  checksCard,
  digestCard,
  helpCard,
  incidentCard,
  listCard,
  whoamiCard,
} from '../cards/index.js'
import type { Texts } from '../cards/texts/en.js'
import type { Clock } from '../src/clock.js'
import type { Desk } from '../src/desk.js'
import { type Actor, type PersonCommand, type Role, roleCovers } from '../src/incident/commands.js'
import { approvalsRequired } from '../src/incident/decide.js'
import { type Conversation, mostAnnouncedAlone, subjectOfBatch } from '../src/incident/delivery.js'
import { codeOf, type Incident } from '../src/incident/incident.js'
import type { Refusal } from '../src/incident/refusal.js'
import type { RulesInForce } from '../src/incident/rules.js'
import type { StepId } from '../src/incident/steps.js'
import type { RoleMap } from '../src/people/role-map.js'
import type { Store } from '../src/store/store.js'
import type { Identities, Identity } from './identity.js'

/** What somebody asks of an incident; `text` is the reason or the note. */
export type Act =
  | { verb: 'acknowledge'; incident: number }
  | { verb: 'done' | 'skip'; incident: number; step: StepId; text: string }
  | { verb: 'undo'; incident: number; step: StepId }
  | { verb: 'note' | 'approve' | 'override' | 'keep' | 'reopen' | 'retry'; incident: number; text: string }

/** What somebody asks for, typed or clicked: from here on the two are the same. */
export type Request =
  | Act
  | { verb: 'show' | 'refresh'; incident: number }
  | { verb: 'list'; filter: string; page: number }
  | { verb: 'batch'; batch: string; page: number }
  | { verb: 'help' | 'whoami' | 'checks' | 'watch' | 'unwatch' | 'simulate' }
  /** Nothing that anybody understands, with what to say to that. */
  | { verb: 'unknown'; answer: string }

/** Who asks, and where. */
export interface Turn {
  identity: Identity
  conversation: Conversation
  /** A button of a card in this conversation, or a typed command. */
  by: 'click' | 'command'
}

export type Reply =
  | { kind: 'text'; text: string }
  | { kind: 'card'; card: Card; summary: string }
  /** What was asked for appears in the conversation by itself. */
  | { kind: 'none' }

/** A line of `help`: what can be typed, what it does, and who may. */
export interface HelpLine {
  usage: string
  does: string
  role: Role | 'everyone'
}

type Member = Extract<Identity, { kind: 'member' }>

export interface RequestParts {
  desk: Desk
  store: Store
  clock: Clock
  identities: Identities
  roleMap: RoleMap
  rules: () => Promise<RulesInForce>
  texts: Texts
  /** Names of the watched tenants. */
  tenants: string[]
  help: HelpLine[]
  /** How the bot itself is, towards these tenants; what is old is looked at again meanwhile. */
  checks: (tenants: string[]) => Promise<Omit<ChecksOf, 'conversation'>>
  /** In the demo only: restricts another connector of the simulated tenant. */
  simulate?: (() => Promise<void>) | undefined
}

const text = (words: string): Reply => ({ kind: 'text', text: words })

/** Takes what people ask for to the desk, and words what became of it. It decides nothing itself. */
export class Requests {
  constructor(private readonly parts: RequestParts) {}

  /** @throws Fault of the desk or the store: nothing was done then */
  async answer(request: Request, turn: Turn): Promise<Reply> {
    const { identity } = turn
    if (identity.kind === 'stranger') return this.#turnAway(request, identity)
    switch (request.verb) {
      case 'help':
        return this.help(false)
      case 'whoami':
        return this.#whoami(identity, turn.conversation)
      case 'checks':
        return this.#checks(identity, turn.conversation)
      case 'watch':
      case 'unwatch':
        if (!identity.verified) return text(this.parts.texts.refusal({ code: 'notVerified' }))
        return request.verb === 'watch'
          ? this.#watch(identity, turn.conversation)
          : this.#unwatch(identity, turn.conversation)
      case 'simulate':
        return this.#simulate()
      case 'unknown':
        return text(request.answer)
      case 'list':
        return this.#list(request, identity, turn.conversation)
      case 'batch':
        return this.#batch(request, identity, turn.conversation)
      default:
        return this.#onIncident(request, identity, turn)
    }
  }

  /** @param introduction whether this is the first thing that a conversation sees of the bot */
  async help(introduction: boolean): Promise<Reply> {
    const { help, texts } = this.parts
    const card = helpCard({ commands: introduction ? [] : help, introduction }, await this.#context())
    return { kind: 'card', card, summary: texts.help.summary }
  }

  async #turnAway(
    request: Request,
    { why, person }: Extract<Identity, { kind: 'stranger' }>,
  ): Promise<Reply> {
    const { answers } = this.parts.texts
    await this.parts.desk.recordRefusal({ verb: request.verb, refusal: { code: why }, by: person })
    if (why === 'guest') return text(answers.guest)
    if (why === 'notMember') return text(answers.notMember)
    return text(why === 'foreignTenant' ? answers.notHomeTenant : answers.notIdentified)
  }

  async #onIncident(
    request: Extract<Request, { incident: number }>,
    member: Member,
    { conversation, by }: Turn,
  ): Promise<Reply> {
    const { store, identities, texts } = this.parts
    const incident = await store.find(request.incident)
    const code = `CR-${request.incident}`
    if (!this.#serves(conversation)) return text(texts.answers.notWatching)
    if (!incident) return text(texts.answers.incidentUnknown(code))
    const actor = await identities.actor(member, incident.tenant)
    if (!roleCovers(actor.role, 'viewer')) return this.#noRole(request.verb, incident, actor)
    if (request.verb === 'show') return this.#show(incident, conversation, by)
    // A card that was forwarded or copied is no card of ours: its buttons decide nothing.
    if (by === 'click' && !(await this.#wasShownIn(incident, conversation)))
      return text(texts.answers.otherConversation(code))
    return isAct(request) ? this.#act(request, actor, by) : this.#card(incident)
  }

  async #act(act: Act, actor: Actor, by: Turn['by']): Promise<Reply> {
    const outcome = await this.parts.desk.act(act.incident, commandOf(act, actor))
    if (!outcome.ok) return text(this.#refusalText(act, outcome.refusal, outcome.incident, by))
    // The clicker sees the new card at once; whoever typed has the card in the thread and gets a short answer.
    return by === 'click'
      ? this.#card(outcome.incident)
      : text(await this.#confirmation(act, outcome.incident))
  }

  /** A typed command without its reason is answered with the very line to type. */
  #refusalText(act: Act, refusal: Refusal, incident: Incident, by: Turn['by']): string {
    const { texts } = this.parts
    if (refusal.code !== 'reasonMissing' || by === 'click') return texts.refusal(refusal, incident)
    const line = [act.verb, codeOf(incident), 'step' in act ? act.step : ''].join(' ').trim()
    return act.verb === 'note' ? texts.answers.textMissing(line) : texts.answers.reasonMissing(line)
  }

  async #confirmation(act: Act, incident: Incident): Promise<string> {
    const { answers } = this.parts.texts
    const code = codeOf(incident)
    switch (act.verb) {
      case 'acknowledge':
        return answers.acknowledged(code)
      case 'done':
      case 'skip':
        return answers.settled(code, act.step)
      case 'undo':
        return answers.undone(code, act.step)
      case 'note':
        return answers.noted(code)
      case 'approve':
      case 'override': {
        const { rules } = await this.parts.rules()
        const required = Math.max(act.verb === 'override' ? 2 : 1, approvalsRequired(incident, rules))
        return answers.approved(
          code,
          incident.status === 'open' ? Math.max(1, required - incident.votes.length) : 0,
        )
      }
      case 'keep':
        return answers.kept(code)
      case 'reopen':
        return answers.reopened(code)
      case 'retry':
        return answers.retried(code)
      default:
        return act satisfies never
    }
  }

  /** Posts the card here, or anew if it is here already: the loop does it, as soon as this is stored. */
  async #show(incident: Incident, conversation: Conversation, by: Turn['by']): Promise<Reply> {
    await this.#present(incident, conversation)
    return by === 'click' ? text(this.parts.texts.answers.shown(codeOf(incident))) : { kind: 'none' }
  }

  async #present(incident: Incident, conversation: Conversation): Promise<void> {
    const { store } = this.parts
    const subject = codeOf(incident)
    const unseen = { subject, conversation: conversation.id, drawn: 0, told: incident.sequence }
    await store.changeDelivery(subject, conversation.id, (known = unseen) => ({
      ...known,
      ambiguous: undefined,
      wanted: true,
    }))
  }

  async #card(incident: Incident): Promise<Reply> {
    const card = incidentCard(incident, await this.#context())
    return { kind: 'card', card, summary: this.parts.texts.summary(incident) }
  }

  async #list(
    { filter, page }: Extract<Request, { verb: 'list' }>,
    member: Member,
    where: Conversation,
  ): Promise<Reply> {
    if (!this.#serves(where)) return text(this.parts.texts.answers.notWatching)
    const tenants = await this.#tenantsFor(member, 'viewer')
    if (tenants.length === 0) return this.#noRole('list')
    const open = (await Promise.all(tenants.map((tenant) => this.parts.store.open(tenant)))).flat()
    return this.#listOf(
      open.filter((incident) => matches(incident, filter)),
      filter,
      page,
    )
  }

  async #listOf(incidents: Incident[], filter: string, page: number): Promise<Reply> {
    const { texts } = this.parts
    const card = listCard({ title: texts.listing.title, filter, incidents, page }, await this.#context())
    return { kind: 'card', card, summary: texts.listing.counted(incidents.length) }
  }

  async #batch(
    { batch, page }: Extract<Request, { verb: 'batch' }>,
    member: Member,
    where: Conversation,
  ): Promise<Reply> {
    const { store, texts } = this.parts
    const incidents = await store.inBatch(batch)
    const tenant = incidents[0]?.tenant
    if (!this.#serves(where) || !tenant || !(await store.delivery(subjectOfBatch({ id: batch }), where.id)))
      return text(texts.answers.otherDigest)
    if (!(await this.#tenantsFor(member, 'viewer')).includes(tenant)) return this.#noRole('list')
    const card = digestCard({ id: batch, incidents, page }, await this.#context())
    return { kind: 'card', card, summary: texts.digest.title(incidents.length) }
  }

  async #whoami(member: Member, { kind }: Conversation): Promise<Reply> {
    const { roleMap, tenants, texts } = this.parts
    const subject = { id: member.person.id, upn: member.upn }
    const rows = await Promise.all(
      tenants.map(async (tenant) => {
        const { role, source } = await roleMap.roleOf(subject, tenant)
        return { tenant, ...(role ? { role } : {}), ...(source ? { source } : {}) }
      }),
    )
    const problem = member.verified ? {} : { problem: texts.whoami.unverified(kind === 'personal') }
    const card = whoamiCard({ ...member.person, tenants: rows, ...problem }, await this.#context())
    return { kind: 'card', card, summary: texts.whoami.summary(showName(member.person)) }
  }

  async #checks(member: Member, conversation: Conversation): Promise<Reply> {
    const { checks, texts } = this.parts
    if (!this.#serves(conversation)) return text(texts.answers.notWatching)
    const tenants = await this.#tenantsFor(member, 'viewer')
    if (tenants.length === 0) return this.#noRole('checks')
    const { id, watching } = conversation
    const where = { id, watching: watching !== undefined }
    const card = checksCard({ ...(await checks(tenants)), conversation: where }, await this.#context())
    return { kind: 'card', card, summary: texts.checks.title }
  }

  async #watch(member: Member, conversation: Conversation): Promise<Reply> {
    const { store, clock, texts } = this.parts
    const tenants = await this.#tenantsFor(member, 'responder')
    if (tenants.length === 0) return this.#roleMissing('watch', member)
    if (conversation.watching) return text(texts.answers.watchAlready)
    const now = clock.now()
    await store.record({ type: 'watched', conversation: conversation.id }, now, member.person)
    const watching = { since: now, by: member.person }
    await store.changeConversation(conversation.id, (known) => ({ ...(known ?? conversation), watching }))
    const open = (await Promise.all(tenants.map((tenant) => store.open(tenant)))).flat()
    if (open.length > mostAnnouncedAlone) return this.#listOf(open, '', 1)
    for (const incident of open) await this.#present(incident, conversation)
    return text(texts.answers.watchStarted(open.length))
  }

  async #unwatch(member: Member, conversation: Conversation): Promise<Reply> {
    const { store, clock, texts } = this.parts
    if ((await this.#tenantsFor(member, 'responder')).length === 0)
      return this.#roleMissing('unwatch', member)
    if (!conversation.watching) return text(texts.answers.watchNotOn)
    await store.record({ type: 'unwatched', conversation: conversation.id }, clock.now(), member.person)
    await store.changeConversation(conversation.id, (known) => known && { ...known, watching: undefined })
    return text(texts.answers.watchStopped)
  }

  async #simulate(): Promise<Reply> {
    await this.parts.simulate?.()
    return text(this.parts.texts.answers.simulated)
  }

  /** What a conversation may be asked about: everything that it watches; in a personal chat, roles decide. */
  #serves(conversation: Conversation): boolean {
    return conversation.watching !== undefined || conversation.kind === 'personal'
  }

  async #wasShownIn(incident: Incident, { id }: Conversation): Promise<boolean> {
    const deliveries = await this.parts.store.deliveriesOf(incident)
    return deliveries.some((delivery) => delivery.conversation === id)
  }

  async #tenantsFor(member: Member, needed: Role): Promise<string[]> {
    const { identities, tenants } = this.parts
    const actors = await Promise.all(tenants.map((tenant) => identities.actor(member, tenant)))
    return tenants.filter((_tenant, index) => roleCovers(actors[index]?.role, needed))
  }

  async #noRole(verb: string, incident?: Incident, actor?: Actor): Promise<Reply> {
    if (incident && actor) {
      const refusal = { code: 'roleMissing' }
      await this.parts.desk.recordRefusal({ verb, refusal, by: actor.person, incident: codeOf(incident) })
    }
    return text(this.parts.texts.answers.noRole([]))
  }

  async #roleMissing(verb: string, { person }: Member): Promise<Reply> {
    const refusal = { code: 'roleMissing', needed: 'responder' }
    await this.parts.desk.recordRefusal({ verb, refusal, by: person })
    return text(this.parts.texts.answers.roleNeeded('responder'))
  }

  async #context(): Promise<CardContext> {
    const { rules } = await this.parts.rules()
    return { texts: this.parts.texts, rules, now: this.parts.clock.now() }
  }
}

const isAct = (request: Extract<Request, { incident: number }>): request is Act =>
  request.verb !== 'show' && request.verb !== 'refresh'

function commandOf(act: Act, actor: Actor): PersonCommand {
  switch (act.verb) {
    case 'acknowledge':
      return { verb: act.verb, actor }
    case 'done':
      return { verb: act.verb, actor, step: act.step, note: act.text }
    case 'skip':
      return { verb: act.verb, actor, step: act.step, reason: act.text }
    case 'undo':
      return { verb: act.verb, actor, step: act.step }
    case 'note':
      return { verb: act.verb, actor, text: act.text }
    default:
      return { verb: act.verb, actor, reason: act.text }
  }
}

/** A filter finds what people see of an incident: its number, connector and tenant. */
function matches(incident: Incident, filter: string): boolean {
  const { connectorName = '', connectorId } = incident.restriction
  const shown = [codeOf(incident), connectorName, connectorId, incident.tenant].join(' ').toLowerCase()
  return shown.includes(filter.toLowerCase())
}

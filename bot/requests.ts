import { mostShown, show, showName } from '../cards/escape.js'
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
import type { Investigator } from '../src/evidence/investigator.js'
import { type Actor, type Role, roleCovers, roleNeeded } from '../src/incident/commands.js'
import { type Conversation, mostAnnouncedAlone, subjectOfBatch } from '../src/incident/delivery.js'
import { codeOf, type Incident, type Person } from '../src/incident/incident.js'
import type { RulesInForce } from '../src/incident/rules.js'
import type { Store } from '../src/store/store.js'
import { type Act, commandOf, confirmationOf, refusalOf } from './acts.js'
import type { Identities, Identity } from './identity.js'

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
  investigator: Pick<Investigator, 'of' | 'askedAt' | 'refresh'>
  rules: () => Promise<RulesInForce>
  texts: Texts
  /** Names of the watched tenants. */
  tenants: string[]
  /** Whether a conversation, if it watches, is one that a tenant is shown in. */
  serves: (conversation: string, tenant: string) => boolean
  help: HelpLine[]
  /** How the bot itself is, towards these tenants; what is old is looked at again meanwhile. */
  checks: (tenants: string[]) => Promise<Omit<ChecksOf, 'conversation'>>
  /** In the demo only: restricts another connector of the simulated tenant. */
  simulate?: (() => Promise<void>) | undefined
}

/** Closed to whoever may be a guest, whatever groups they are in; what they may do to incidents, the decider knows. */
const forMembersOnly: readonly Request['verb'][] = ['watch', 'unwatch', 'list', 'batch', 'show', 'refresh']

const text = (words: string): Reply => ({ kind: 'text', text: words })

/** Takes what people ask for to the desk, and words what became of it. It decides nothing itself. */
export class Requests {
  constructor(private readonly parts: RequestParts) {}

  /** @throws Fault of the desk or the store: nothing was done then */
  async answer(request: Request, turn: Turn): Promise<Reply> {
    const { identity } = turn
    if (identity.kind === 'stranger') return this.#turnAway(request, identity)
    if (!identity.verified && forMembersOnly.includes(request.verb))
      return text(this.parts.texts.refusal({ code: 'notVerified' }))
    switch (request.verb) {
      case 'help':
        return this.help(false)
      case 'whoami':
        return this.#whoami(identity, turn.conversation)
      case 'checks':
        return this.#checks(identity, turn.conversation)
      case 'watch':
        return this.#watch(identity, turn.conversation)
      case 'unwatch':
        return this.#unwatch(identity, turn.conversation)
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
    if (!isAsked(conversation)) return text(texts.answers.notWatching(idOf(conversation)))
    if (!incident || !this.#servedIn(conversation).includes(incident.tenant))
      return text(texts.answers.incidentUnknown(code))
    const needed = isAct(request) ? roleNeeded[request.verb] : 'viewer'
    const actor = await identities.actor(member, incident.tenant, needed)
    // Where the role is not known, an act goes on to the decider, which knows what may be done all the same.
    if (!roleCovers(actor.role, 'viewer') && !(actor.directory && isAct(request))) {
      const refused = await this.#noRole(request.verb, member, actor.directory?.failed, codeOf(incident))
      // In a personal chat nobody learns of tenants that are none of their business.
      const isPersonal = conversation.kind === 'personal' && !actor.directory
      return isPersonal ? text(texts.answers.incidentUnknown(code)) : refused
    }
    if (request.verb === 'show') return this.#show(incident, conversation, by)
    // A card that was forwarded or copied is no card of ours: its buttons decide nothing.
    if (by === 'click' && !(await this.#wasShownIn(incident, conversation)))
      return text(texts.answers.otherConversation(code))
    if (isAct(request)) return this.#act(request, actor, by)
    await this.parts.investigator.refresh(incident)
    return this.#card(incident)
  }

  async #act(act: Act, actor: Actor, by: Turn['by']): Promise<Reply> {
    const { desk, investigator } = this.parts
    const evidenceAt = investigator.askedAt({ number: act.incident })
    const outcome = await desk.act(act.incident, commandOf(act, actor, evidenceAt))
    if (!outcome.ok && outcome.refusal.code === 'evidenceStale') await investigator.refresh(outcome.incident)
    const { texts } = this.parts
    if (!outcome.ok) return text(refusalOf(act, outcome.refusal, outcome.incident, by, texts))
    // The clicker sees the new card at once; whoever typed has the card in the thread and gets a short answer.
    if (by === 'click') return this.#card(outcome.incident)
    const { rules } = await this.parts.rules()
    return text(confirmationOf(act, outcome.incident, rules, texts))
  }

  /** Posts the card here, or anew if it is here already: the loop does it, as soon as this is stored. */
  async #show(incident: Incident, conversation: Conversation, by: Turn['by']): Promise<Reply> {
    const { answers } = this.parts.texts
    await this.parts.investigator.refresh(incident)
    await this.#present(incident, conversation)
    return by === 'click' ? text(answers.shown(answers.incident(incident))) : { kind: 'none' }
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
    const card = incidentCard(incident, this.parts.investigator.of(incident), await this.#context())
    return { kind: 'card', card, summary: this.parts.texts.summary(incident) }
  }

  async #list(
    { filter, page }: Extract<Request, { verb: 'list' }>,
    member: Member,
    where: Conversation,
  ): Promise<Reply> {
    const { answers } = this.parts.texts
    if (!isAsked(where)) return text(answers.notWatching(idOf(where)))
    const served = this.#servedIn(where)
    if (served.length === 0) return text(answers.nothingServed(idOf(where)))
    const { tenants, unasked } = await this.#tenantsFor(member, 'viewer', served)
    if (tenants.length === 0) return this.#noRole('list', member, unasked)
    const open = (await Promise.all(tenants.map((tenant) => this.parts.store.open(tenant)))).flat()
    const incidents = open.filter((incident) => matches(incident, filter))
    return this.#listOf({ title: this.parts.texts.listing.title, filter, incidents, page })
  }

  async #listOf(list: Parameters<typeof listCard>[0]): Promise<Reply> {
    const card = listCard(list, await this.#context())
    return { kind: 'card', card, summary: this.parts.texts.listing.counted(list.incidents.length) }
  }

  async #batch(
    { batch, page }: Extract<Request, { verb: 'batch' }>,
    member: Member,
    where: Conversation,
  ): Promise<Reply> {
    const { store, texts } = this.parts
    const incidents = await store.inBatch(batch)
    const tenant = incidents[0]?.tenant
    const isServed = tenant !== undefined && isAsked(where) && this.#servedIn(where).includes(tenant)
    if (!isServed || !(await store.delivery(subjectOfBatch({ id: batch }), where.id)))
      return text(texts.answers.otherDigest)
    const { role, unasked } = await member.roles.roleIn(tenant, 'viewer')
    if (!roleCovers(role, 'viewer')) return this.#noRole('list', member, unasked)
    const card = digestCard({ id: batch, incidents, page }, await this.#context())
    return { kind: 'card', card, summary: texts.digest.title(incidents) }
  }

  async #whoami(member: Member, conversation: Conversation): Promise<Reply> {
    const { texts } = this.parts
    const isPersonal = conversation.kind === 'personal'
    const served = this.#servedIn(conversation)
    const held = await member.roles.rolesIn(served)
    const rows = served.map((tenant, index) => ({ tenant, ...held[index] }))
    const tenants = isPersonal ? rows.filter(({ role }) => role) : rows
    const unasked = held.find((one) => one.unasked)?.unasked
    const problems = [
      ...(member.verified ? [] : [texts.whoami.unverified(isPersonal)]),
      ...(unasked ? [texts.whoami.unasked(show(unasked, mostShown.reason))] : []),
      ...(isPersonal && member.verified && !unasked && tenants.length === 0 ? [texts.whoami.noRoles] : []),
    ]
    const who = { ...member.person, tenants, problems, conversation: conversation.id }
    const card = whoamiCard(who, await this.#context())
    return { kind: 'card', card, summary: texts.whoami.summary(showName(member.person)) }
  }

  async #checks(member: Member, conversation: Conversation): Promise<Reply> {
    const { checks, texts } = this.parts
    if (!isAsked(conversation)) return text(texts.answers.notWatching(idOf(conversation)))
    const { tenants, unasked } = await this.#tenantsFor(member, 'viewer', this.#servedIn(conversation))
    if (tenants.length === 0) return this.#noRole('checks', member, unasked)
    const { id, watching } = conversation
    const where = { id, watching: watching !== undefined }
    const card = checksCard({ ...(await checks(tenants)), conversation: where }, await this.#context())
    return { kind: 'card', card, summary: texts.checks.title }
  }

  async #watch(member: Member, conversation: Conversation): Promise<Reply> {
    const { store, clock, texts } = this.parts
    const served = this.#shownIn(conversation)
    if (served.length === 0) return text(texts.answers.nothingServed(idOf(conversation)))
    const refused = await this.#mayNotRespondTo(served, 'watch', member)
    if (refused) return refused
    const names = served.map((tenant) => show(tenant, mostShown.tenant))
    if (conversation.watching) return text(texts.answers.watchAlready(names))
    const now = clock.now()
    await store.record({ type: 'watched', conversation: conversation.id }, now, member.person)
    const watching = { since: now, by: member.person }
    await store.changeConversation(conversation.id, (known) => ({ ...(known ?? conversation), watching }))
    const open = (await Promise.all(served.map((tenant) => store.open(tenant)))).flat()
    if (open.length > mostAnnouncedAlone)
      return this.#listOf({ title: texts.listing.nowWatched(names), filter: '', incidents: open, page: 1 })
    for (const incident of open) await this.#present(incident, conversation)
    return text(texts.answers.watchStarted(names, open.length))
  }

  async #unwatch(member: Member, conversation: Conversation): Promise<Reply> {
    const { store, clock, texts } = this.parts
    const served = this.#shownIn(conversation)
    const refused = await this.#mayNotRespondTo(served, 'unwatch', member)
    if (refused) return refused
    if (!conversation.watching) return text(texts.answers.watchNotOn)
    await store.record({ type: 'unwatched', conversation: conversation.id }, clock.now(), member.person)
    await store.changeConversation(conversation.id, (known) => known && { ...known, watching: undefined })
    return text(texts.answers.watchStopped)
  }

  /**
   * What is posted in a conversation is for all in it to see, or for all to miss: whoever begins or ends that has to
   * be a responder of every tenant that is shown there; where none is, of any.
   */
  async #mayNotRespondTo(
    served: string[],
    verb: 'watch' | 'unwatch',
    member: Member,
  ): Promise<Reply | undefined> {
    const among = served.length > 0 ? served : this.parts.tenants
    const { tenants: mine, unasked } = await this.#tenantsFor(member, 'responder', among)
    if (mine.length > 0 && mine.length >= served.length) return undefined
    const refused = await this.#roleMissing(verb, member, unasked)
    const others = served.length - mine.length
    return mine.length > 0 && unasked === undefined
      ? text(this.parts.texts.answers.othersToo(others))
      : refused
  }

  async #simulate(): Promise<Reply> {
    await this.parts.simulate?.()
    return text(this.parts.texts.answers.simulated)
  }

  /** The tenants that are shown in a conversation once it watches. */
  #shownIn({ id }: Conversation): string[] {
    return this.parts.tenants.filter((tenant) => this.parts.serves(id, tenant))
  }

  /** The tenants that a conversation may be asked about; in a personal chat any, and roles decide. */
  #servedIn(conversation: Conversation): string[] {
    return conversation.kind === 'personal' ? this.parts.tenants : this.#shownIn(conversation)
  }

  async #wasShownIn(incident: Incident, { id }: Conversation): Promise<boolean> {
    const deliveries = await this.parts.store.deliveriesOf(incident)
    return deliveries.some((delivery) => delivery.conversation === id)
  }

  /** Those of the tenants that somebody has a role for, and why there may be more if Entra could not be asked. */
  async #tenantsFor(
    { roles }: Member,
    needed: Role,
    among: string[],
  ): Promise<{ tenants: string[]; unasked?: string | undefined }> {
    const held = await roles.rolesIn(among, needed)
    return {
      tenants: among.filter((_tenant, index) => roleCovers(held[index]?.role, needed)),
      unasked: held.find((one) => one.unasked)?.unasked,
    }
  }

  async #noRole(
    verb: string,
    { person: by }: Member,
    unasked: string | undefined,
    incident?: string,
  ): Promise<Reply> {
    const { desk, texts } = this.parts
    if (unasked !== undefined) return this.#rolesUnknown(verb, by, { needed: 'viewer', cause: unasked })
    if (incident) await desk.recordRefusal({ verb, refusal: { code: 'roleMissing' }, by, incident })
    return text(texts.answers.noRole([]))
  }

  async #roleMissing(verb: string, { person: by }: Member, unasked: string | undefined): Promise<Reply> {
    const needed = 'responder'
    if (unasked !== undefined) return this.#rolesUnknown(verb, by, { needed, cause: unasked })
    const refusal = { code: 'roleMissing', needed }
    await this.parts.desk.recordRefusal({ verb, refusal, by })
    return text(this.parts.texts.answers.roleNeeded(needed))
  }

  async #rolesUnknown(verb: string, by: Person, why: { needed: Role; cause: string }): Promise<Reply> {
    const refusal = { code: 'rolesUnknown' as const, ...why }
    await this.parts.desk.recordRefusal({ verb, refusal, by })
    return text(this.parts.texts.refusal(refusal))
  }

  async #context(): Promise<CardContext> {
    const { rules } = await this.parts.rules()
    return { texts: this.parts.texts, rules, now: this.parts.clock.now() }
  }
}

/** Whether anything but help can be asked for in a conversation. */
const isAsked = ({ watching, kind }: Conversation): boolean => watching !== undefined || kind === 'personal'

/** For whoever is asked to name it in the settings. */
const idOf = ({ id }: Conversation) => show(id, mostShown.id)

const isAct = (request: Extract<Request, { incident: number }>): request is Act =>
  request.verb !== 'show' && request.verb !== 'refresh'

/** A filter finds what people see of an incident: its number, connector and tenant. */
function matches(incident: Incident, filter: string): boolean {
  const { connectorName = '', connectorId } = incident.restriction
  const shown = [codeOf(incident), connectorName, connectorId, incident.tenant].join(' ').toLowerCase()
  return shown.includes(filter.toLowerCase())
}

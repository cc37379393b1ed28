import { testCard } from '../../cards/index.js'
import { en } from '../../cards/texts/en.js'
import { secondMs } from '../../src/clock.js'
import type { Conversation } from '../../src/incident/delivery.js'
import { readConversations } from '../../src/store/deliveries.js'
import { cardActivity } from '../announcer.js'
import { BotConnectorAuthentication } from '../channel-authentication.js'
import type { Sent } from '../connector-client.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { each, type Patient, tenantNames, tenantsOf } from './patient.js'
import { count } from './words.js'

const lookUpMs = 15 * secondMs

/** A conversation that watches, and who said so there. */
type Watching = Conversation & { watching: NonNullable<Conversation['watching']> }
const watches = (conversation: Conversation): conversation is Watching => conversation.watching !== undefined

/** Whether Teams can reach the bot's keys, and the bot its conversations. */
export async function teamsChecks(patient: Patient): Promise<Check[]> {
  const { clock, progress, testCard: posts } = patient
  let known: Conversation[] = []
  const [keys, read] = await Promise.all([
    attempt('teams.keys', clock, () => signingKeys(patient)),
    attempt('teams.conversations', clock, async () => {
      known = await readConversations(patient.settings.dataDir)
      return countOf(known)
    }),
  ])
  const isRead = read.every(({ result }) => result !== 'fail')
  const watching = known.filter(watches)
  const reached = await each(
    watching,
    (one) => attempt('teams.conversation', clock, () => reach(patient, one), nameOf(one)),
    (count) => progress(`Teams, ${count} of ${watching.length} conversations`),
  )
  const posted = posts
    ? await each(watching, (one) => attempt('teams.testCard', clock, () => post(patient, one), nameOf(one)))
    : [ok('teams.testCard', 'Not posted. npm run doctor -- --test-card posts one wherever somebody watches.')]
  const watched = isRead
    ? tenantNames(patient.settings).map((name) => watchedBy(patient, name, watching))
    : []
  return [...keys, ...read, ...watched, ...reached, ...posted]
}

/** A token that nobody signed: it is refused if the keys are there, and cannot be judged if they are not. */
async function signingKeys({ settings, clock, log }: Patient): Promise<Check> {
  const id = 'teams.keys'
  const { appId, issuer, metadataUrl } = settings.bot
  const authentication = new BotConnectorAuthentication({ appId, issuer, metadataUrl, clock, log })
  const verdict = await authentication.verify('Bearer e30.e30.e30', { serviceUrl: '', channelId: 'msteams' })
  if (verdict.kind !== 'unavailable') return ok(id, 'Can be fetched.')
  return fail(id, {
    found: `Cannot be fetched, so that no click can be answered: ${verdict.why}.`,
    fix: `curl -sS ${metadataUrl} has to answer with JSON: let this machine reach it on port 443`,
  })
}

function countOf(conversations: Conversation[]): Check {
  const watching = conversations.filter(watches).length
  return ok(
    'teams.conversations',
    conversations.length === 0
      ? 'None yet: add the Teams app to a team and write to the bot there.'
      : `${conversations.length}, of which ${watching} watch. Only those are asked about below.`,
  )
}

function watchedBy({ settings }: Patient, tenant: string, watching: Watching[]): Check {
  const id = 'teams.watching'
  const only = tenantsOf(settings).find(({ name }) => name === tenant)?.conversations
  const serving = watching.filter(({ id, gone }) => !gone && (only?.includes(id) ?? true))
  if (serving.length > 0)
    return ok(id, `Its connectors are shown in ${count(serving.length, 'conversation')}.`, tenant)
  return warn(
    id,
    {
      found: only
        ? 'None of the conversations that TENANTS_FILE names for it watches: nobody is told of its connectors.'
        : 'No conversation watches: nobody is told of restricted connectors.',
      fix: 'Write @Connector Warden watch in the channel that is to be told: docs/setup.md, section 13',
    },
    tenant,
  )
}

const nameOf = ({ name, id }: Conversation): string => (name ? `${name}, ${id}` : id)

/** Looks up whoever said `watch`: it posts nothing, and needs the same right to be there as posting. */
async function reach({ client }: Patient, conversation: Watching): Promise<Check> {
  const id = 'teams.conversation'
  const subject = nameOf(conversation)
  const sent = await client.member(conversation, conversation.watching.by.id, lookUpMs)
  const isThere = sent.kind === 'ok' || isOnlySomebodyMissing(sent)
  if (!isThere) return lost(sent, conversation)
  if (!conversation.gone) return ok(id, 'Can be reached.', subject)
  return warn(
    id,
    {
      found: `Can be reached, but was lost on ${conversation.gone.at.slice(0, 10)}, and the bot does not know yet that it is back.`,
      fix: 'Write @Connector Warden list there',
    },
    subject,
  )
}

/** The conversation is there, and the person has left it. */
const isOnlySomebodyMissing = (sent: Sent<unknown>): boolean =>
  sent.kind === 'missing' && /MemberNotFound/i.test(sent.why)

function lost(sent: Exclude<Sent<unknown>, { kind: 'ok' }>, conversation: Watching): Check {
  const found = `Cannot be reached: ${sent.why}.`
  return fail('teams.conversation', { found, fix: lostFix(sent.kind) }, nameOf(conversation))
}

function lostFix(kind: Exclude<Sent<unknown>, { kind: 'ok' }>['kind']): string {
  switch (kind) {
    case 'missing':
    case 'gone':
      return 'Add the app to that conversation again, and write @Connector Warden watch there: docs/setup.md, section 13'
    case 'refused':
      return 'If its service URL really is one of Teams, name the host in TEAMS_SERVICE_HOSTS'
    case 'notSent':
    case 'ambiguous':
      return 'Run the doctor again later; if it stays, az bot show has to name this app and its type: docs/setup.md, section 5'
  }
}

async function post({ client }: Patient, conversation: Watching): Promise<Check> {
  const id = 'teams.testCard'
  const activity = cardActivity(testCard({ texts: en }), en.testCard.title)
  const sent = await client.post(conversation, activity, async () => undefined)
  if (sent.kind === 'ok') return ok(id, 'Posted. Look at it there, on a phone as well.', nameOf(conversation))
  const found = `Not posted: ${sent.why}.`
  return fail(id, { found, fix: lostFix(sent.kind) }, nameOf(conversation))
}

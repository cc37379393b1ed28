import type { Instant } from '../../src/clock.js'
import { blockedSince } from '../../src/incident/episode.js'
import type {
  AlertPolicy,
  AuditedAct,
  AuditTrail,
  ConnectorChanges,
  Evidence,
  InboundConnector,
  Piece,
} from '../../src/incident/evidence.js'
import type { Incident } from '../../src/incident/incident.js'
import type { StepId } from '../../src/incident/steps.js'
import type { CardContext } from '../card.js'
import { mostShown, type Shown, show, showAddress, showUnlinked } from '../escape.js'
import { onDevice } from '../times.js'

const mostActs = 3
const mostChanges = 3

/** Exchange writes `smtp:contoso.com;1`, and `smtp:*;1` for all domains: undefined. */
function domainOf(entry: string): Shown | undefined {
  const domain = entry.replace(/^smtp:/i, '').replace(/;\d+$/, '')
  return domain === '*' ? undefined : showUnlinked(domain, mostShown.word)
}

/** What the bot found out by itself about a step, each line with its source and age. It settles nothing. */
export function evidenceOn(
  step: StepId,
  incident: Incident,
  evidence: Evidence | undefined,
  context: CardContext,
): string[] {
  if (!evidence) return []
  const lines = new EvidenceLines(incident, context)
  switch (step) {
    case 'traffic':
      return lines.traffic(evidence)
    case 'audit':
      return lines.audit(evidence)
    case 'revert':
      return [...lines.connector(evidence), ...lines.changes(evidence)]
    case 'account':
      return lines.editor(evidence)
    case 'alerting':
      return [...lines.auditing(evidence), ...lines.alertPolicy(evidence)]
    default:
      return step satisfies never
  }
}

class EvidenceLines {
  constructor(
    private readonly incident: Incident,
    private readonly context: CardContext,
  ) {}

  traffic({ traffic }: Evidence): string[] {
    const { counted } = this.#words
    return this.#lines('Get-MessageTraceV2', traffic, (found) => [counted(found)])
  }

  /** While nothing is being logged, finding nothing means nothing. */
  audit({ audit, auditing }: Evidence): string[] {
    const isOff = auditing.collected && !auditing.found.on
    const lines = this.#lines('Search-UnifiedAuditLog', audit, (trail) => this.#trail(trail, isOff))
    return isOff ? [this.#words.nothingLogged, ...lines] : lines
  }

  connector({ connector }: Evidence): string[] {
    const { noConnector } = this.#words
    return this.#lines('Get-InboundConnector', connector, (found) => [
      found ? this.#properties(found) : noConnector,
    ])
  }

  /** Why nothing is known of changes is said once: with the connector itself. */
  changes({ connector, changes }: Evidence): string[] {
    if (!connector.collected && !changes.collected) return []
    return this.#lines(this.#words.ownReadings, changes, (found) => this.#changes(found))
  }

  editor({ audit, auditing }: Evidence): string[] {
    const { editor, openedAt } = this.incident
    const words = this.#words
    if (!editor) return [this.#whyNoEditor(audit, auditing)]
    const { editorMayApprove } = this.context.rules.approvals
    const account = showUnlinked(editor.account, mostShown.short)
    const whose = editor.id !== undefined ? 'person' : editor.notLookedUp ? 'notLookedUp' : 'nobody'
    const line = words.editor(account, onDevice(editor.at, openedAt), whose, editorMayApprove)
    const seenAt = onDevice(audit.at, openedAt)
    return [audit.collected ? words.sourced(line, 'Search-UnifiedAuditLog', seenAt) : line]
  }

  #whyNoEditor(audit: Evidence['audit'], auditing: Evidence['auditing']): string {
    const words = this.#words
    if (!audit.collected) return words.editorNotKnown
    return auditing.collected && !auditing.found.on ? words.editorNotLogged : words.editorNotFound
  }

  auditing({ auditing }: Evidence): string[] {
    const { auditingOn, auditingOff } = this.#words
    return this.#lines('Get-AdminAuditLogConfig', auditing, ({ on }) => [on ? auditingOn : auditingOff])
  }

  alertPolicy({ alertPolicy }: Evidence): string[] {
    const lines = this.#lines('Get-ProtectionAlert', alertPolicy, (policy) => [this.#policy(policy)])
    return alertPolicy.collected ? lines : [...lines, this.#words.policyUnknown]
  }

  get #words() {
    return this.context.texts.evidence
  }

  /** The last line of a piece says where it is from and how old it is; so does what could not be collected. */
  #lines<Found>(source: string, piece: Piece<Found>, inWords: (found: Found) => string[]): string[] {
    const { sourced, notCollected } = this.#words
    const at = onDevice(piece.at, this.incident.openedAt)
    if (!piece.collected)
      return [sourced(notCollected(showUnlinked(piece.cause, mostShown.text)), source, at)]
    const lines = inWords(piece.found)
    return [...lines.slice(0, -1), ...lines.slice(-1).map((line) => sourced(line, source, at))]
  }

  #trail({ acts, others, from, complete }: AuditTrail, isOff: boolean): string[] {
    const words = this.#words
    const since = onDevice(from)
    const shown = acts.slice(0, mostActs).map((act) => this.#act(act))
    const none = complete && !isOff ? words.noActs(since) : words.noActsRead(since)
    return [
      ...(shown.length > 0 ? shown : [none]),
      ...(acts.length > mostActs ? [words.moreActs(acts.length - mostActs)] : []),
      words.auditEnd(others, complete),
    ]
  }

  #act({ at, act, account, parameters }: AuditedAct): string {
    const blockedAt = blockedSince(this.incident)
    const settings = parameters
      .map(({ name }) => name)
      .filter((name) => !/^(Identity|ConnectorId)$/i.test(name))
    return this.#words.act(act, showUnlinked(account, mostShown.short), { at, blockedAt }, settings)
  }

  #properties(connector: InboundConnector): string {
    const { enabled, type, senderIps, senderDomains, tlsCertificate } = connector
    const { requireTls, restrictToIps, restrictToCertificate } = connector
    return this.#words.connector({
      enabled,
      type: type && show(type, mostShown.word),
      addresses: senderIps.map((ip) => showAddress(ip, mostShown.word)),
      domains: senderDomains.map(domainOf),
      certificate: tlsCertificate && showUnlinked(tlsCertificate, mostShown.short),
      requireTls,
      restrictToIps,
      restrictToCertificate,
    })
  }

  #changes({ since, changes }: ConnectorChanges): string[] {
    const words = this.#words
    const { openedAt } = this.incident
    if (changes.length === 0) return [words.noChange(onDevice(since))]
    const lines = changes.slice(0, mostChanges).map(({ kind, notBefore, at, properties }) =>
      words.change(kind, this.#between(notBefore, at), [
        ...properties.slice(0, 3).map(({ property, was, is }) => ({
          property,
          was: showAddress(was, mostShown.short),
          is: showAddress(is, mostShown.short),
        })),
      ]),
    )
    const left = changes.length - lines.length
    return left > 0 ? [...lines, words.moreChanges(left, onDevice(since, openedAt))] : lines
  }

  #between(from: Instant, to: Instant): { from: string; to: string } {
    const { openedAt } = this.incident
    return { from: onDevice(from, openedAt), to: onDevice(to, from) }
  }

  #policy(policy: AlertPolicy | undefined): string {
    const words = this.#words
    return policy ? words.policy(policy) : words.noPolicy
  }
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hourMs, minuteMs, secondMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import { cardOf, wordsOf } from '../support/fake-teams.js'
import { decide, endLawfully, readyToDecide, restricted, settled } from '../support/moves.js'
import { cast, Story, type StoryOptions } from '../support/story.js'

const relay = '159eb7c4-75d7-43e2-95fe-ced44b3e0a56'
/** For long stories in which nothing hangs on how often the list is read. */
const seldom = { pollSeconds: 300 }
const twoApprovers = { rules: { approvals: { required: 2 } } }

let story: Story
afterEach(() => endLawfully(story))

const watching = async (options: StoryOptions = {}) => {
  story = await Story.watching(options)
}
const wordsOfCard = async (code = 'CR-1') => wordsOf(cardOf(await story.card(code)))
const readsOf = (cmdlet: string) => story.exchange.log.filter((one) => one.cmdlet === cmdlet).length
const saidInThread = (words: string) => story.until(`a reply: ${words}`, () => story.message(words))

describe('what the bot finds out by itself', () => {
  test('stands on the step it belongs to, in plain words, with source and time', async () => {
    await watching()
    await restricted(story)
    const card = await story.cardShows('CR-1', '(Get-MessageTraceV2, ', '(Search-UnifiedAuditLog, ')
    const words = wordsOf(cardOf(card))
    expect(words).toMatch(
      /messages\*\* from 2 of its addresses in the last 24 h, \*\*[\d,]+ filtered as spam/,
    )
    expect(words).toContain('svc-mailadmin@contoso.example** changed it 2 h before it was blocked')
    expect(words).toMatch(/Now turned on, on-premises, from .*\(Get-InboundConnector, /)
    expect(words).toContain('No change seen since watching began')
    expect(words).toContain('Audit logging is on (Get-AdminAuditLogConfig')
    expect(words).toMatch(/The alert policy is on and mails .*\(Get-ProtectionAlert/)
    expect(words).not.toContain('Not collected')
  })

  test('is announced without: the card comes first, and says that more is on its way', async () => {
    await watching()
    story.exchange.faults.always('Get-InboundConnector', { kind: 'hang' })
    story.exchange.restrict()
    await story.pass(5 * secondMs)
    await story.cardShows('CR-1', 'is being collected')
    expect(await wordsOfCard()).not.toContain('Not collected')
  })

  test('never carries an address or a subject of a message that went through', async () => {
    await watching()
    await restricted(story)
    await story.cardShows('CR-1', 'filtered as spam')
    const record = await readFile(join(story.folder, 'data', 'journal.jsonl'), 'utf8')
    // The simulated tenant puts this word into every address and subject of its traces.
    expect(JSON.stringify(story.teams.requests) + record).not.toMatch(/canary/i)
  })

  test('shows the row as Exchange reported it, folded away', async () => {
    await watching()
    await restricted(story)
    const words = await wordsOfCard()
    expect(words).toContain('What Exchange reported')
    expect(words).toContain(`ConnectorId: ${relay}`)
    expect(words).toMatch(/CreatedDatetime: 2026-/)
  })

  test.each([
    ['is refused to the app', faults.blankForbidden, 'Exchange refuses Search-UnifiedAuditLog'],
    ['is throttled in plain text', faults.throttledInPlainText, 'Exchange is busy'],
    ['answers with a page of HTML', faults.html, 'could not be read'],
    ['answers with no list', faults.noList, 'holds no list'],
  ])(
    'says why it was not collected where the audit log %s, and never that nothing was found',
    async (_what, fault, why) => {
      await watching()
      story.exchange.faults.always('Search-UnifiedAuditLog', fault)
      await restricted(story)
      await story.cardShows('CR-1', 'Not collected', why)
      const words = await wordsOfCard()
      expect(words).not.toContain('The log has no change')
      expect(words).toContain('Editor not known')
      expect(words).toContain('filtered as spam')
    },
  )

  test('says that finding nothing means nothing while audit logging is off', async () => {
    await watching()
    story.exchange.auditing = false
    story.exchange.acts.splice(0)
    await restricted(story)
    await story.cardShows(
      'CR-1',
      'Nothing found means nothing',
      'audit logging is off, so nothing was logged',
    )
    expect(await wordsOfCard()).not.toContain('The log has no change')
  })

  test('says of an editor whom Entra could not be asked about just that', async () => {
    await watching()
    story.graph.fail({ kind: 'status', status: 500 })
    await restricted(story)
    await story.cardShows('CR-1', 'could not be looked up')
    expect(await wordsOfCard()).not.toContain('No account of your organisation')
  })

  test('says so where no read gets through, and approving still works', async () => {
    await watching()
    for (const cmdlet of [
      'Get-InboundConnector',
      'Search-UnifiedAuditLog',
      'Get-MessageTraceV2',
      'Get-AdminAuditLogConfig',
    ])
      story.exchange.faults.always(cmdlet, faults.blankForbidden)
    await readyToDecide(story)
    await story.cardShows('CR-1', 'Not collected')
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
  })

  test('is read again with Refresh, and the clicker sees it a moment later', async () => {
    await watching()
    await restricted(story)
    await story.cardShows('CR-1', 'The alert policy is on')
    await story.pass(minuteMs)
    story.exchange.alertPolicy = undefined
    await story.press(cast.vic, await story.card('CR-1'), 'Refresh')
    await story.cardShows('CR-1', 'There is no alert policy')
  })

  test('is kept fresh while somebody is deciding, and left alone when nobody is', async () => {
    await watching(seldom)
    await restricted(story)
    await story.pass(185 * minuteMs)
    const before = readsOf('Search-UnifiedAuditLog')
    await story.pass(40 * minuteMs)
    expect(readsOf('Search-UnifiedAuditLog')).toBe(before)
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.pass(35 * minuteMs)
    expect(readsOf('Search-UnifiedAuditLog') - before).toBeGreaterThanOrEqual(3)
  })

  test('edits the card only when it shows something new: an edit wipes a reason half typed', async () => {
    await watching()
    await restricted(story)
    await story.press(cast.rae, await story.card('CR-1'), 'Acknowledge')
    await story.cardShows('CR-1', 'filtered as spam', 'Rae Responder')
    await story.pass(20 * secondMs)
    const edits = (await story.card('CR-1')).edits.length
    await story.pass(45 * minuteMs)
    expect((await story.card('CR-1')).edits.length).toBe(edits)
  })

  test('is collected anew after a restart, and what connectors looked like before is still known', async () => {
    await watching(seldom)
    await story.pass(2 * hourMs)
    story.exchange.change(relay, { tlsCertificate: 'mail.fabrikam.example' })
    await story.pass(hourMs)
    await story.restart()
    await restricted(story)
    await story.cardShows('CR-1', 'Changed between', '“mail.fabrikam.example”')
  })
})

describe('a connector that changes while people decide', () => {
  test('voids what was approved before, tells the thread, and the card asks anew', async () => {
    await watching(twoApprovers)
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock', cast.ann)
    await story.cardShows('CR-1', 'Approvals: 1 of 2')
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, 'eve@contoso.com')
    await story.pass(11 * minuteMs)
    await saidInThread('counts no more: the connector was changed since')
    await story.cardShows('CR-1', 'Approvals: 0 of 2', 'The connector was changed: sender addresses')
    await decide(story, 'Approve unblock', cast.ben)
    await story.pass(2 * minuteMs)
    expect(story.removals()).toBe(0)
  })

  test('is not unblocked if it changed between the approval and the removal', async () => {
    await watching()
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    story.exchange.faults.always('Get-BlockedConnector', faults.throttledInPlainText)
    await decide(story, 'Approve unblock')
    await story.pass(2 * secondMs)
    story.exchange.change(relay, { enabled: false, senderIps: [] })
    story.exchange.faults.clear()
    await story.pass(3 * minuteMs)
    await saidInThread('counts no more: the connector was changed since')
    expect(story.removals()).toBe(0)
  })

  test('is not unblocked while it cannot be read again, and the card says why', async () => {
    await watching()
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    story.exchange.faults.always('Get-InboundConnector', faults.refusal(500, 'ServerError', 'Try later.'))
    await decide(story, 'Approve unblock')
    await story.pass(minuteMs)
    await story.cardShows('CR-1', 'Held up', 'Get-InboundConnector')
    expect(story.removals()).toBe(0)
    story.exchange.faults.clear()
    await story.pass(4 * minuteMs)
    expect(story.removals()).toBe(1)
  })

  test('voids votes also when only the hourly reading saw the change, and it was taken back since', async () => {
    await watching({ rules: { approvals: { required: 2, expireMinutes: 1_440 } }, ...seldom })
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock', cast.ann)
    await story.pass(2.5 * hourMs)
    const { senderIps } = story.exchange.connectors.find(({ id }) => id === relay) ?? { senderIps: [] }
    const before = [...senderIps]
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, 'eve@contoso.com')
    await story.pass(hourMs)
    story.exchange.change(relay, { senderIps: before }, 'eve@contoso.com')
    await saidInThread('counts no more: the connector was changed since')
  })

  test('is unblocked though another connector of the tenant cannot be read', async () => {
    await watching()
    story.exchange.faults.always('Get-InboundConnector', { kind: 'rowWithoutId' })
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
  })

  test('is unblocked as soon as it can be read again, however long it could not', async () => {
    await watching(twoApprovers)
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock', cast.ann)
    story.exchange.faults.always('Get-InboundConnector', faults.blankForbidden)
    await story.pass(50 * minuteMs)
    await decide(story, 'Approve unblock', cast.ben)
    await story.pass(minuteMs)
    expect(story.removals()).toBe(0)
    story.exchange.faults.clear()
    await story.pass(3 * minuteMs)
    expect(story.removals()).toBe(1)
  })

  test('may change its comment: that concerns no vote', async () => {
    await watching(twoApprovers)
    await readyToDecide(story)
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock', cast.ann)
    story.exchange.change(relay, { name: 'Renamed relay' })
    await story.pass(11 * minuteMs)
    await decide(story, 'Approve unblock', cast.ben)
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('what was seen too long ago', () => {
  test('is no ground to approve on: it is read again, and the second click counts', async () => {
    await watching(seldom)
    await readyToDecide(story)
    await story.pass(2.5 * hourMs)
    const answer = await decide(story, 'Approve unblock')
    expect(answer.words).toContain('Approve again in a moment')
    await story.pass(5 * secondMs)
    await decide(story, 'Approve unblock')
    await story.until('the removal', () => story.removals() === 1)
  })

  test('never keeps anybody from keeping it blocked', async () => {
    await watching()
    await restricted(story)
    // The last look was half an hour after the beginning, the next comes an hour later.
    await story.pass(50 * minuteMs)
    await decide(story, 'Keep blocked')
    await story.cardShows('CR-1', 'Kept blocked')
  })
})

describe('whoever changed the connector last before it was blocked', () => {
  test('cannot approve, and is told who can', async () => {
    await watching()
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, cast.ann.userPrincipalName)
    await story.pass(minuteMs)
    await readyToDecide(story)
    await story.cardShows('CR-1', 'ann@contoso.com', 'may not approve')
    const answer = await decide(story, 'Approve unblock', cast.ann)
    expect(answer.words).toContain('you (ann@contoso.com) changed this connector last')
    await decide(story, 'Approve unblock', cast.ben)
    await story.until('the removal', () => story.removals() === 1)
  })

  test('loses the vote if the audit log tells late', async () => {
    await watching({ ...twoApprovers, auditLagMs: 40 * minuteMs })
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, cast.ann.userPrincipalName)
    await story.pass(minuteMs)
    await readyToDecide(story)
    await decide(story, 'Approve unblock', cast.ann)
    await story.cardShows('CR-1', 'Approvals: 1 of 2')
    await story.pass(50 * minuteMs)
    await saidInThread('the audit log shows that this person changed the connector')
    await story.cardShows('CR-1', 'Approvals: 0 of 2')
  })

  test('is found though the connector was renamed in the same breath', async () => {
    await watching()
    const change = { name: 'Innocent relay', senderIps: ['203.0.113.99'] }
    story.exchange.change(relay, change, cast.ann.userPrincipalName)
    await story.pass(minuteMs)
    await readyToDecide(story)
    const answer = await decide(story, 'Approve unblock', cast.ann)
    expect(answer.words).toContain('you (ann@contoso.com) changed this connector last')
  })

  test('is not whoever repaired it before this bot could first read the list', async () => {
    await watching()
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, cast.ann.userPrincipalName)
    await story.pass(minuteMs)
    story.exchange.faults.always('Get-BlockedConnector', faults.refusal(500, 'ServerError', 'Try later.'))
    story.exchange.restrict(relay)
    await story.pass(10 * minuteMs)
    story.exchange.change(relay, { senderIps: ['203.0.113.24'] }, cast.ben.userPrincipalName)
    await story.pass(minuteMs)
    story.exchange.faults.clear()
    await story.pass(5 * minuteMs)
    await settled(story)
    const answer = await decide(story, 'Approve unblock', cast.ann)
    expect(answer.words).toContain('you (ann@contoso.com) changed this connector last')
    await decide(story, 'Approve unblock', cast.ben)
    await story.until('the removal', () => story.removals() === 1)
  })

  test('may approve where the rules say so', async () => {
    await watching({ rules: { approvals: { editorMayApprove: true } } })
    story.exchange.change(relay, { senderIps: ['203.0.113.99'] }, cast.ann.userPrincipalName)
    await readyToDecide(story)
    await decide(story, 'Approve unblock', cast.ann)
    await story.until('the removal', () => story.removals() === 1)
  })

  test('is not whoever repaired it after the block', async () => {
    await watching()
    await restricted(story)
    story.exchange.change(relay, { senderIps: ['203.0.113.24'] }, cast.ann.userPrincipalName)
    await story.pass(31 * minuteMs)
    await settled(story)
    await decide(story, 'Approve unblock', cast.ann)
    await story.until('the removal', () => story.removals() === 1)
  })
})

describe('a block that goes away without this bot', () => {
  test('was removed by somebody else, whose name comes when the audit log has it', async () => {
    await watching({ lagMs: 0, auditLagMs: 65 * minuteMs })
    await restricted(story)
    story.exchange.unblock(relay, 'night.shift@contoso.com')
    await story.pass(3 * minuteMs)
    await story.until('the outcome', () => story.message('No longer blocked', 'the cause is not known'))
    await story.pass(95 * minuteMs)
    await saidInThread('The audit log names “night.shift@contoso.com”')
    expect(story.message('No longer blocked', 'night.shift@contoso.com** did it')).toBeDefined()
  })

  test('went with its connector', async () => {
    await watching()
    await restricted(story)
    story.exchange.removeConnector(relay, 'night.shift@contoso.com')
    await story.pass(4 * minuteMs)
    // Whoever removed the block may have deleted the connector afterwards: the audit log has to have had its time.
    await story.until('the outcome', () => story.message('No longer blocked', 'the cause is not known'))
    await story.pass(95 * minuteMs)
    await story.until('the cause', () => story.message('The connector does not exist any more'))
  })

  test('was removed by somebody who then deleted the connector: that is no innocent end', async () => {
    await watching({ lagMs: 0, auditLagMs: 65 * minuteMs })
    await restricted(story)
    story.exchange.unblock(relay, 'mallory@contoso.com')
    await story.pass(3 * minuteMs)
    story.exchange.removeConnector(relay, 'mallory@contoso.com')
    await story.pass(95 * minuteMs)
    await saidInThread('The audit log names “mallory@contoso.com”')
  })

  test('stays unexplained where the audit log cannot be read: nobody is named on a guess', async () => {
    await watching({ lagMs: 0 })
    story.exchange.faults.always('Search-UnifiedAuditLog', faults.blankForbidden)
    await restricted(story)
    story.exchange.unblock(relay, 'night.shift@contoso.com')
    await story.pass(100 * minuteMs)
    expect(story.message('No longer blocked', 'the cause is not known')).toBeDefined()
  })

  test('is explained after a restart as well', async () => {
    await watching({ lagMs: 0, auditLagMs: 65 * minuteMs })
    await restricted(story)
    story.exchange.unblock(relay, 'night.shift@contoso.com')
    await story.pass(3 * minuteMs)
    await story.restart()
    await story.pass(95 * minuteMs)
    await saidInThread('The audit log names “night.shift@contoso.com”')
  })

  test('and our own removal is not taken for somebody else’s', async () => {
    await watching({ lagMs: 0 })
    await readyToDecide(story)
    story.exchange.faults.next('Remove-BlockedConnector', { kind: 'reset', executes: true })
    await decide(story, 'Approve unblock')
    await story.pass(5 * minuteMs)
    await story.until('the outcome', () => story.message('Removed from Restricted entities'))
    expect(story.message('Somebody else removed the block')).toBeUndefined()
  })
})

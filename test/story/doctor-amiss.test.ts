import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { later, minuteMs } from '../../src/clock.js'
import { faults } from '../../src/exchange/simulated-faults.js'
import type { Settings } from '../../src/settings.js'
import {
  amiss,
  beginHealthy,
  freePort,
  linesOf,
  settingsOf,
  settingsWith,
  unblockAppId,
  visit,
} from '../support/doctor.js'
import {
  botAppId,
  cast,
  exchangeAppId,
  roleMapOf,
  type Story,
  type StoryOptions,
  usualRoleMap,
} from '../support/story.js'

const globalReader = 'f2ef992c-3afb-46b9-b7cf-a126ee74c451'
const securityAdministrator = '194ae4cb-b126-40b2-bd5b-6091b380977d'
const globalAdministrator = '62e90394-69f5-4237-9190-012177145e10'
const group = '66666666-6666-4666-8666-666666666666'
const permission = 'Exchange.ManageAsApp'

let story: Story
afterEach(() => story.end())

interface Scene {
  options?: StoryOptions
  /** Puts something wrong; may return settings to look at in place of the usual ones. */
  arrange?: () => unknown
  /** By line: what it says was found, and what to do. */
  lines: Record<string, [found: string, fix: string]>
}

const file = (name: string): string => join(story.folder, name)
const refused = (...cmdlets: string[]): void => {
  for (const cmdlet of cmdlets) story.exchange.faults.always(cmdlet, faults.blankForbidden)
}
const claim = (app: string, roles: string[], wids?: string[]): void =>
  void story.entra.claims.set(app, { roles, ...(wids ? { wids } : {}) })
const oneApprover = roleMapOf({ approver: [cast.ann], responder: [cast.rae] })

const scenes: Record<string, Scene> = {
  'a role map that is no JSON, and misspelt rules': {
    arrange: async () => {
      await writeFile(file('roles.json'), '{"roles": ')
      await writeFile(file('rules.json'), '{"approvals":{"require":2}}')
    },
    lines: {
      'files.roleMap fail': ['not JSON', 'ROLE_MAP_FILE'],
      'files.rules fail': ['require', 'RULES_FILE'],
      'machine.degraded warn': ['An edit broke the role map', 'role map above'],
    },
  },
  'a role map that others may write to': {
    arrange: () => chmod(file('roles.json'), 0o666),
    lines: {
      'files.roleMap fail': ['Others may write', 'Put the file right'],
      'machine.degraded warn': ['An edit broke the role map', 'role map above'],
    },
  },
  'no role map': {
    arrange: () => rm(file('roles.json')),
    lines: {
      'files.roleMap fail': ['nobody may do anything', 'cp config/roles.example.json'],
      'machine.degraded warn': ['names no approver', 'section 8'],
    },
  },
  'a role map for a tenant that is not watched': {
    arrange: () => story.writeRoleMap({ ...oneApprover, tenants: { Fabrikam: { roles: {} } } }),
    lines: {
      'files.roleMap fail': ['no watched tenant; watched: contoso.onmicrosoft.com', 'Put the file right'],
      'machine.degraded warn': ['An edit broke the role map', 'role map above'],
    },
  },
  'a role map with names, and with one approver': {
    options: {
      roleMap: { roles: { ...oneApprover.roles, approver: { users: ['ann@contoso.com'] } } },
    },
    lines: {
      'files.upns warn': ['ann@contoso.com', "az ad user show --id 'ann@contoso.com'"],
      'files.approvers warn': ['restricted again', '"approver"'],
    },
  },
  'nobody who may approve': {
    options: { roleMap: roleMapOf({ responder: [cast.rae] }) },
    lines: {
      'files.approvers fail': ['Nobody may approve', '"approver"'],
      'machine.degraded warn': ['names no approver', 'section 8'],
    },
  },
  'fewer approvers than it takes': {
    options: { roleMap: oneApprover, rules: { approvals: { required: 2 } } },
    lines: { 'files.approvers fail': ['2 have to approve', '"approver"'] },
  },
  'a wrong secret of the bot, where groups need Graph': {
    options: { roleMap: { roles: { ...usualRoleMap.roles, viewer: { groups: [group] } } } },
    arrange: () => void story.entra.apps.set(botAppId, { secret: 'another' }),
    lines: {
      'tokens.bot fail': ['AADSTS7000215', `az ad app credential reset --id ${botAppId}`],
      'tokens.graph fail': ['AADSTS7000215', 'MicrosoftAppPassword'],
      'teams.conversation fail': ['could not sign in', 'az bot show'],
    },
  },
  'an app for Exchange that Entra does not know': {
    arrange: () => void story.entra.apps.delete(exchangeAppId),
    lines: {
      'tokens.exchange fail': ['AADSTS700016', `az ad app show --id ${exchangeAppId}`],
      'tokens.compliance warn': ['AADSTS700016', 'EXCHANGE_CLIENT_ID'],
      'exchange.blocked fail': ['could not sign in', 'the token for Exchange'],
    },
  },
  'no consent': {
    arrange: () => claim(exchangeAppId, []),
    lines: { 'tokens.exchange fail': ['without the permission', `admin-consent --id ${exchangeAppId}`] },
  },
  'permissions and roles that are not needed': {
    arrange: () => {
      claim(exchangeAppId, [permission, 'full_access_as_app'], [globalAdministrator])
      claim(botAppId, ['User.Read.All', 'Directory.ReadWrite.All', 'Mail.Read'])
    },
    lines: {
      'tokens.exchange warn': ['full_access_as_app', 'remove full_access_as_app'],
      'tokens.exchangeRoles warn': ['Global Administrator', `remove app ${exchangeAppId}`],
      'tokens.unblockRoles warn': ['Global Administrator', `remove app ${exchangeAppId}`],
      'graph.permissions warn': ['Directory.ReadWrite.All, Mail.Read', 'API permissions: remove'],
    },
  },
  'roles that do not unblock': {
    arrange: () => claim(exchangeAppId, [permission], [globalReader]),
    lines: { 'tokens.unblockRoles warn': ['Global Reader', 'Security Administrator, Add assignments'] },
  },
  'a second app without consent, and a first one that could unblock as well': {
    arrange: () => {
      claim(exchangeAppId, [permission], [securityAdministrator])
      claim(unblockAppId, [], [securityAdministrator])
      story.entra.apps.set(unblockAppId, { secret: 'the unblock secret' })
      const { homeTenantId: tenantId } = settingsOf(story)
      const unblockCredential = { tenantId, clientId: unblockAppId, secret: 'the unblock secret' }
      return settingsWith(story, { unblockCredential })
    },
    lines: {
      'tokens.exchangeRoles warn': ['Security Administrator', `remove app ${exchangeAppId}`],
      'tokens.unblock fail': ['without the permission', `admin-consent --id ${unblockAppId}`],
    },
  },
  'an app that Exchange lets do nothing': {
    arrange: () =>
      refused(
        'Get-BlockedConnector',
        'Get-InboundConnector',
        'Search-UnifiedAuditLog',
        'Get-MessageTraceV2',
        'Get-AdminAuditLogConfig',
        'Get-ProtectionAlert',
        'Get-ManagementRole',
      ),
    lines: {
      'exchange.blocked fail': ['refuses Get-BlockedConnector', 'Security Reader, Add assignments'],
      'exchange.connectors warn': ['refuses Get-InboundConnector', 'Global Reader, Add assignments'],
      'exchange.auditLog warn': ['refuses Search-UnifiedAuditLog', 'View-Only Audit Logs'],
      'exchange.trace warn': ['refuses Get-MessageTraceV2', 'Global Reader, Add assignments'],
      'exchange.auditing warn': ['refuses Get-AdminAuditLogConfig', 'Global Reader, Add assignments'],
      'exchange.alertPolicy warn': ['Unknown: ', 'https://security.microsoft.com/alertpoliciesv2'],
      'exchange.unblock warn': ['cannot be told', 'Get-ManagementRoleAssignment'],
    },
  },
  'a token that Exchange does not take': {
    arrange: () =>
      story.exchange.faults.always('Get-BlockedConnector', faults.refusal(401, 'Unauthorized', 'no')),
    lines: { 'exchange.blocked fail': ["did not accept the app's token", 'admin-consent'] },
  },
  'a row without an id': {
    arrange: () => story.exchange.faults.always('Get-BlockedConnector', { kind: 'rowWithoutId' }),
    lines: {
      'exchange.blocked warn': ['Nothing counts as unblocked', 'report'],
      'exchange.rows warn': ['Its properties: name', 'report'],
    },
  },
  'a restricted id that no connector has': {
    arrange: () => {
      story.exchange.restrict()
      story.exchange.connectors = story.exchange.connectors.slice(1)
    },
    lines: { 'exchange.connectorId warn': ['No inbound connector has the Guid', 'Get-InboundConnector'] },
  },
  'audit logging and the alert policy off': {
    arrange: () => {
      story.exchange.auditing = false
      story.exchange.alertPolicy = { enabled: false, notifies: true, recipients: ['TenantAdmins'] }
    },
    lines: {
      'exchange.auditing fail': ['Off:', 'Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true'],
      'exchange.alertPolicy fail': ['switched off', 'switch it on'],
    },
  },
  'no alert policy': {
    arrange: () => {
      story.exchange.alertPolicy = undefined
    },
    lines: { 'exchange.alertPolicy fail': ['no such policy', 'alertpoliciesv2'] },
  },
  'an alert policy that tells nobody': {
    arrange: () => {
      story.exchange.alertPolicy = { enabled: true, notifies: true, recipients: [] }
    },
    lines: { 'exchange.alertPolicy fail': ['nobody', 'Set your recipients'] },
  },
  'an alert policy with a daily limit': {
    arrange: () => {
      story.exchange.alertPolicy = {
        enabled: true,
        notifies: true,
        recipients: ['TenantAdmins'],
        dailyLimit: 3,
      }
    },
    lines: { 'exchange.alertPolicy warn': ['at most 3 mails a day', 'No limit'] },
  },
  'no permission to ask about groups': {
    options: { roleMap: { roles: { ...usualRoleMap.roles, viewer: { groups: [group] } } } },
    arrange: () => story.graph.fail({ kind: 'status', status: 403 }),
    lines: {
      'graph.roles fail': ['Microsoft Graph refused', '7ab1d382-f21e-4acd-a863-ba3e13f7da61=Role'],
      'graph.users warn': ['Not looked up', 'admin-consent'],
    },
  },
  'somebody in the role map who does not exist': {
    options: { roleMap: { roles: { ...usualRoleMap.roles, viewer: { users: [group] } } } },
    lines: { 'graph.users warn': [group, 'roles.json'] },
  },
  'a channel that removed the bot, and signing keys that cannot be had': {
    arrange: () => {
      story.teams.failNext('member', { status: 403, body: { error: { code: 'BotNotInConversationRoster' } } })
      story.teams.keysDown = true
    },
    lines: {
      'teams.conversation fail': ['BotNotInConversationRoster', 'Add the app to that conversation again'],
      'teams.keys fail': ['no click can be answered', 'curl'],
    },
  },
  'nobody who watches': {
    arrange: async () => void (await story.type(cast.rae, 'unwatch')),
    lines: {
      'teams.watching warn': ['nobody is told', '@Connector Warden watch'],
      'machine.degraded warn': ['Nobody is told', '@Connector Warden watch'],
    },
  },
  'conversations that cannot be read': {
    arrange: () => writeFile(file('data/deliveries.jsonl'), 'no\n', { flag: 'a' }),
    lines: { 'teams.conversations fail': ['damaged at line', 'backup'] },
  },
  'a record that everybody may read, and a bot that does not run any more': {
    arrange: async () => {
      await chmod(file('data'), 0o755)
      return { ...settingsOf(story), port: await freePort() }
    },
    lines: {
      'machine.rights warn': ['Everybody on this machine', 'chmod o-rwx'],
      'machine.bot warn': ['does not run', 'systemctl start'],
    },
  },
  'a record that cannot be written, and something else where the bot should be': {
    arrange: () => ({
      ...settingsOf(story),
      dataDir: file('rules.json'),
      port: Number(new URL(story.graph.url).port),
    }),
    lines: {
      'machine.dataDir fail': ['it is no folder', 'DATA_DIR'],
      'teams.conversations fail': ['ENOTDIR', 'own user'],
      'machine.lastRead fail': ['ENOTDIR', 'own user'],
      'machine.bot fail': ['not Connector Warden', 'ss -ltnp'],
    },
  },
  'what the running bot says of itself': {
    // A minute passes in it.
    options: { now: later(new Date().toISOString(), -minuteMs) },
    arrange: async () => {
      refused('Get-BlockedConnector')
      await story.pass(minuteMs)
      story.exchange.faults.clear()
    },
    lines: { 'machine.degraded warn': ['Exchange does not let the app read', 'Exchange above'] },
  },
}

test.each(Object.entries(scenes))('%s: said, with the one thing to do', async (_what, scene) => {
  story = await beginHealthy(scene.options)
  const settings = (await scene.arrange?.()) as Settings | undefined
  const seen = await visit(story, settings ? { settings } : {})
  expect(amiss(seen).sort()).toEqual(Object.keys(scene.lines).sort())
  for (const [line, [found, fix]] of Object.entries(scene.lines)) {
    const [id = '', result] = line.split(' ')
    const lines = linesOf(seen, id).filter((one) => one.result === result)
    expect(lines.map((one) => one.found).join('\n')).toContain(found)
    expect(lines.map((one) => one.fix).join('\n')).toContain(fix)
  }
  expect(seen.exitCode).toBe(seen.checks.some(({ result }) => result === 'fail') ? 1 : 0)
  expect(JSON.parse(seen.json).ok).toBe(seen.exitCode === 0)
})

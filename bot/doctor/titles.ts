/** What is checked, by the constant id of the check, in the words of its line. */
export const titles = {
  'settings.valid': 'Settings',
  'settings.envFile': 'Who may read .env',
  'settings.node': 'Version of Node',
  'settings.proxy': 'Proxy',
  'settings.tls': 'Checking of certificates',
  'settings.cloud': 'Cloud',
  'settings.apps': 'Separate apps for the bot and for Exchange',
  'files.roleMap': 'Role map',
  'files.rules': 'Rules',
  'files.tenantKeys': 'Role maps of single tenants',
  'files.upns': 'People by object id',
  'files.approvers': 'Approvers',
  'tokens.bot': 'Token for Teams',
  'tokens.graph': 'Token for Microsoft Graph',
  'tokens.exchange': 'Token for Exchange',
  'tokens.exchangeRoles': 'Roles of the app that reads Exchange',
  'tokens.unblock': 'Token of the app that unblocks',
  'tokens.unblockRoles': 'Roles of the app that unblocks',
  'tokens.compliance': 'Token for Security & Compliance',
  'certificates.bot': 'What the bot signs in with',
  'certificates.exchange': 'What the app for Exchange signs in with',
  'certificates.unblock': 'What the app that unblocks signs in with',
  'exchange.simulated': 'Exchange',
  'exchange.blocked': 'Get-BlockedConnector',
  'exchange.rows': 'What Get-BlockedConnector returns',
  'exchange.connectors': 'Get-InboundConnector',
  'exchange.connectorId': 'Connector id and inbound connector',
  'exchange.auditLog': 'Search-UnifiedAuditLog',
  'exchange.trace': 'Get-MessageTraceV2',
  'exchange.auditing': 'Audit logging',
  'exchange.alertPolicy': 'Alert policy "Suspicious connector activity"',
  'exchange.unblock': 'Remove-BlockedConnector',
  'graph.roles': 'Groups and directory roles (checkMemberObjects)',
  'graph.users': 'People in the role map',
  'graph.permissions': 'Permissions for Microsoft Graph',
  'teams.keys': 'Keys that Teams signs with',
  'teams.conversations': 'Conversations that the bot knows',
  'teams.conversation': 'Conversation',
  'teams.watching': 'Somebody watches',
  'teams.testCard': 'Test card',
  'machine.clock': 'Clock',
  'machine.dataDir': 'Folder of the record',
  'machine.space': 'Free space for the record',
  'machine.rights': 'Who may read the record',
  'machine.bot': 'The running bot',
  'machine.degraded': 'The running bot says',
  'machine.lastRead': 'Last good read',
} as const

export type CheckId = keyof typeof titles

/** The areas in the order in which they are shown. */
export const areas = {
  settings: 'Settings',
  files: 'Role map and rules',
  tokens: 'Tokens and roles',
  certificates: 'Certificates and secrets',
  exchange: 'Exchange',
  graph: 'Microsoft Graph',
  teams: 'Teams',
  machine: 'This machine and the running bot',
} as const

export type Area = keyof typeof areas

/** The area that a check belongs to: what its id begins with. */
export const areaOf = (id: CheckId): Area => id.split('.')[0] as Area

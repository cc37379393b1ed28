/** What a constant word of `/readyz` means, and the one thing to do about it. */
interface Meaning {
  found: string
  fix: string
}

const alertPolicy = 'https://security.microsoft.com/alertpoliciesv2, Suspicious connector activity'
const journal = 'journalctl -u connector-warden -n 50 says more'
const seeAbove = 'The lines on Exchange above say what to do'

const meanings: Record<string, Meaning> = {
  recordNotWritable: {
    found: 'The record cannot be written, so nothing is done.',
    fix: 'df -h and ls -ld on DATA_DIR: make space, or give the folder to the user of the bot',
  },
  signingKeysMissing: {
    found: 'The keys that Teams signs with are missing, so no click is answered.',
    fix: 'Let this machine reach login.botframework.com on port 443',
  },
  draining: { found: 'The bot is being stopped.', fix: 'systemctl start connector-warden' },
  teamsCredentials: {
    found: "Entra or Teams refuses the bot's sign-in, so nothing is shown in Teams.",
    fix: "The line on the bot's token above says what to do",
  },
  teamsUnreachable: {
    found: 'The bot gets no token for Teams, so nothing is shown there.',
    fix: "The line on the bot's token above says what to do",
  },
  nobodyWatches: {
    found: 'Nobody is told of the connectors of some watched tenant.',
    fix: 'Write @Connector Warden watch in a channel',
  },
  conversationLost: {
    found: 'A conversation that watches has removed the bot, or refuses it.',
    fix: 'Add the app there again, then write @Connector Warden watch',
  },
  nobodyMayApprove: {
    found: 'The role map names no approver of some watched tenant.',
    fix: 'Name approvers in config/roles.json: docs/setup.md, section 8',
  },
  roleMapBroken: {
    found: 'An edit broke the role map; after 15 minutes nobody may approve.',
    fix: 'Put right what the line on the role map above says',
  },
  rulesBroken: {
    found: 'An edit broke the rules; the last good ones stay in force.',
    fix: 'Put right what the line on the rules above says',
  },
  blind: { found: 'A restricted list has not been read for too long.', fix: seeAbove },
  credentials: { found: 'Entra or Exchange refuses an app.', fix: seeAbove },
  permission: { found: 'Exchange refuses something to an app.', fix: seeAbove },
  listIncomplete: { found: 'A restricted list cannot be read whole.', fix: seeAbove },
  certificateExpiring: {
    found: 'A certificate expires soon, or has expired.',
    fix: 'The lines on certificates above say which, and how to renew it',
  },
  unblockCredentials: { found: 'Entra refuses the app that unblocks.', fix: seeAbove },
  auditOff: {
    found: 'Audit logging is off in a watched tenant.',
    fix: 'In Exchange PowerShell: Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true',
  },
  alertPolicyMissing: { found: 'A watched tenant has no such alert policy.', fix: alertPolicy },
  alertPolicyOff: { found: 'The alert policy is off in a watched tenant.', fix: alertPolicy },
  alertPolicySilent: { found: 'The alert policy tells nobody in a watched tenant.', fix: alertPolicy },
  alertPolicyLimited: { found: 'The alert policy has a daily limit in a watched tenant.', fix: alertPolicy },
}

/** Why a tenant's restricted list could not be read, behind `exchange-`. */
const reading: Record<string, string> = {
  credentials: 'Entra or Exchange refuses the app.',
  permission: 'Exchange does not let the app read.',
  throttled: 'Exchange is busy and asks to be left alone.',
  unreachable: 'Exchange or Entra cannot be reached.',
  timeout: 'Exchange answers too late.',
  serverError: 'Exchange reports errors of its own.',
  unreadable: "Exchange's answer cannot be read.",
  stale: 'No read has ended for too long.',
  rowUnreadable: 'A row of the list cannot be read, so nothing counts as unblocked.',
}

/** Explains a constant word that the bot calls itself degraded by; one that is new here is passed on as it is. */
export function meaningOf(code: string): Meaning {
  const why = code.startsWith('exchange-') ? code.slice('exchange-'.length) : undefined
  if (why !== undefined)
    return {
      found: `The restricted list of a watched tenant is not read as it should be: ${reading[why] ?? why}`,
      fix: seeAbove,
    }
  return Object.hasOwn(meanings, code)
    ? (meanings[code] ?? { found: code, fix: journal })
    : { found: `${code}.`, fix: journal }
}

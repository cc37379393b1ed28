import type { Row } from './simulated-rows.js'

/** The policy "Suspicious connector activity" of the simulated organisation. */
export interface SimulatedAlertPolicy {
  enabled: boolean
  notifies: boolean
  recipients: string[]
  dailyLimit?: number
}

/** As Microsoft sets it up. */
export const usualAlertPolicy: SimulatedAlertPolicy = {
  enabled: true,
  notifies: true,
  recipients: ['TenantAdmins'],
}

/** Rows of `Get-ProtectionAlert`, which returns every policy, whatever it is asked for. */
export const alertPolicyRows = (policy: SimulatedAlertPolicy | undefined): Row[] => [
  policyRow('Elevation of Exchange admin privilege', usualAlertPolicy),
  policyRow('Creation of forwarding/redirect rule', { ...usualAlertPolicy, dailyLimit: 3 }),
  ...(policy ? [policyRow('Suspicious connector activity', policy)] : []),
  policyRow('User restricted from sending email', { ...usualAlertPolicy, enabled: false }),
]

const policyRow = (name: string, policy: SimulatedAlertPolicy): Row => ({
  Name: name,
  Disabled: !policy.enabled,
  NotificationEnabled: policy.notifies,
  NotifyUser: policy.recipients,
  NotifyUserThrottleThreshold: policy.dailyLimit ?? null,
  NotifyUserThrottleWindow: policy.dailyLimit === undefined ? null : 1_440,
  NotifyUserSuppressionExpiryDate: null,
  Severity: 'High',
  Category: 'ThreatManagement',
  AggregationType: 'None',
  IsSystemRule: true,
})

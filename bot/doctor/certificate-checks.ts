import { stat } from 'node:fs/promises'
import { expiryOf } from '../../src/certificate-expiry.js'
import { elapsedMs, hourMs } from '../../src/clock.js'
import type { AppCredential } from '../../src/credentials.js'
import { exposed } from '../../src/file-rights.js'
import { attempt, type Check, fail, ok, warn } from './check.js'
import { type Patient, tenantsOf } from './patient.js'
import type { CheckId } from './titles.js'
import { appOf } from './token-fixes.js'

const dayMs = 24 * hourMs
/** Time enough to find whoever may make a new one. */
const noticeDays = 30

/** How long what the apps sign in with is still good. */
export async function certificateChecks(patient: Patient): Promise<Check[]> {
  const { settings, clock } = patient
  const apps: { id: CheckId; credential: AppCredential; subject?: string }[] = [
    { id: 'certificates.bot', credential: settings.bot.credential },
    ...tenantsOf(settings).flatMap(({ name, credential, unblockCredential }) => [
      { id: 'certificates.exchange' as const, credential, subject: name },
      ...(unblockCredential
        ? [{ id: 'certificates.unblock' as const, credential: unblockCredential, subject: name }]
        : []),
    ]),
  ]
  const lines = await Promise.all(
    apps.map(({ id, credential, subject }) =>
      attempt(id, clock, () => signsInWith(id, credential, patient, subject), subject),
    ),
  )
  return lines.flat()
}

async function signsInWith(
  id: CheckId,
  credential: AppCredential,
  { clock }: Patient,
  subject: string | undefined,
): Promise<Check> {
  if ('managedIdentity' in credential) return ok(id, 'A managed identity, which does not end.', subject)
  if ('federatedTokenFile' in credential)
    return ok(id, 'A federated token, which the platform renews.', subject)
  if ('secret' in credential)
    return ok(
      id,
      `A secret. Entra does not tell when it ends: look at https://entra.microsoft.com, App registrations, ${credential.clientId}, Certificates & secrets, and note the day.`,
      subject,
    )
  const path = credential.certificatePath
  const expiry = await expiryOf(path)
  if (!expiry.ok) {
    const fix = `Put certificate and private key of ${appOf(credential)} into ${path}: docs/setup.md, section 2`
    return fail(id, { found: `${expiry.why}.`, fix }, subject)
  }
  const why = exposed(path, await stat(path))
  if (why)
    return fail(
      id,
      { found: `The private key in ${path} is not kept from others.`, fix: `chmod 600 ${path}` },
      subject,
    )
  return validFor(
    id,
    {
      path,
      credential,
      daysLeft: elapsedMs(clock.now(), expiry.expiresAt) / dayMs,
      expiresAt: expiry.expiresAt,
    },
    subject,
  )
}

function validFor(
  id: CheckId,
  {
    path,
    credential,
    daysLeft,
    expiresAt,
  }: { path: string; credential: AppCredential; daysLeft: number; expiresAt: string },
  subject: string | undefined,
): Check {
  const day = expiresAt.slice(0, 10)
  const left = Math.floor(daysLeft)
  const fix = `Make a new one (docs/setup.md, section 2), upload it with az ad app credential reset --id ${credential.clientId} --cert @<new .crt file> --append, and put it into ${path}`
  if (daysLeft < 0)
    return fail(
      id,
      { found: `The certificate in ${path} of ${appOf(credential)} expired on ${day}.`, fix },
      subject,
    )
  if (left < noticeDays)
    return warn(
      id,
      {
        found: `The certificate in ${path} of ${appOf(credential)} expires on ${day}, in ${left} days.`,
        fix,
      },
      subject,
    )
  return ok(id, `A certificate that is valid until ${day}, for ${left} days more.`, subject)
}

import type { AppCredential, TokenSource } from '../src/credentials.js'
import type { CertificateFile, HealthTenant } from '../src/watch/health-watch.js'
import type { Tenants } from './tenants.js'

/** The watched tenants as far as their health can be asked for. */
export const healthTenants = (
  tenants: Tenants,
  tokensOf: (credential: AppCredential) => TokenSource,
): HealthTenant[] =>
  tenants.names.map((name) => {
    const { watcher, exchange, settings } = tenants.of(name)
    const unblock = settings?.unblockCredential
    return {
      name,
      watch: () => watcher.status,
      reads: exchange,
      certificates: [
        ...certificateOf('exchange', settings?.credential),
        ...certificateOf('unblock', unblock),
      ],
      signInToUnblock: settings && unblock && (() => tokensOf(unblock).token(settings.scope)),
    }
  })

/** The file of an app that signs in with a certificate. */
export const certificateOf = (
  what: CertificateFile['what'],
  credential: AppCredential | undefined,
): CertificateFile[] =>
  credential && 'certificatePath' in credential ? [{ what, path: credential.certificatePath }] : []

import type { ReadFailure } from '../src/exchange/exchange.js'
import type { AppCredential, Settings } from '../src/settings.js'
import type { CertificateFile, HealthTenant } from '../src/watch/health-watch.js'
import type { Tenants } from './tenants.js'

const notRead: ReadFailure = {
  ok: false,
  code: 'unreadable',
  message: 'It is not read yet',
  retryable: false,
}

/** The watched tenants as far as their health can be asked for. */
export function healthTenants({ exchange }: Settings, tenants: Tenants): HealthTenant[] {
  return tenants.names.map((name) => ({
    name,
    watch: () => tenants.of(name).watcher.status,
    reads: { auditing: async () => notRead, alertPolicy: async () => notRead },
    certificates: exchange.kind === 'admin-api' ? certificateOf('exchange', exchange.credential) : [],
  }))
}

/** The file of an app that signs in with a certificate. */
export const certificateOf = (what: CertificateFile['what'], credential: AppCredential): CertificateFile[] =>
  'certificatePath' in credential ? [{ what, path: credential.certificatePath }] : []

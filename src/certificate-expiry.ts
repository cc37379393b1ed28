import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Instant } from './clock.js'
import { errorCode } from './errors.js'

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/

/**
 * Until when the first certificate of a PEM file is valid: the one that an app signs in with. Never rejects, and
 * tells nothing of what else is in the file.
 */
export async function expiryOf(
  certificatePath: string,
): Promise<{ ok: true; expiresAt: Instant } | { ok: false; why: string }> {
  const pem = await readFile(certificatePath, 'utf8').catch((error: unknown) => ({ code: errorCode(error) }))
  if (typeof pem !== 'string') return { ok: false, why: `${certificatePath} cannot be read (${pem.code})` }
  try {
    const { validTo } = new X509Certificate(certificate.exec(pem)?.[0] ?? '')
    return { ok: true, expiresAt: new Date(validTo).toISOString() }
  } catch {
    return { ok: false, why: `${certificatePath} holds no certificate that can be read` }
  }
}

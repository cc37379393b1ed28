import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Instant } from '../clock.js'
import { errorCode, messageOf } from '../errors.js'
import type { Piece } from '../incident/evidence.js'

/**
 * Until when the first certificate of a PEM file is good: the one that an app signs in with, beside its key and
 * whatever else stands in the file.
 */
export async function certificateUntil(path: string, at: Instant): Promise<Piece<Instant>> {
  try {
    const pem = await readFile(path, 'utf8')
    const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(pem)?.[0]
    if (!block) return { collected: false, at, cause: `there is no certificate in ${path}` }
    return { collected: true, at, found: new Date(new X509Certificate(block).validTo).toISOString() }
  } catch (thrown) {
    // Beside the certificate the file holds its key: of what cannot be parsed, nothing is quoted.
    const why = errorCode(thrown).startsWith('ERR_')
      ? 'it holds no certificate that can be read'
      : messageOf(thrown)
    return { collected: false, at, cause: `${path} cannot be used: ${why}` }
  }
}

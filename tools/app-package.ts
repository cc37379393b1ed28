import { zipSync } from 'fflate'
import { Fault } from '../src/errors.js'

/** The files of a Teams app: the manifest, filled in, and the icons it names. */
export interface AppFiles {
  manifest: object
  /** PNG files by the name that the manifest uses. */
  icons: Record<string, Uint8Array>
}

// Zip files carry a time for each file. This one never changes, so that the same input gives the same bytes.
const unchanging = new Date(2026, 0, 1)

/**
 * The Teams app package: a zip with everything at its root.
 * @param complaints what the manifest's schema has against its text
 * @throws Fault `manifestInvalid` with each complaint
 */
export async function appPackage(
  { manifest, icons }: AppFiles,
  complaints: (manifest: string) => Promise<string[]>,
): Promise<Uint8Array> {
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const found = await complaints(text)
  if (found.length > 0) throw invalid(found)
  return zipSync({ 'manifest.json': new TextEncoder().encode(text), ...icons }, { mtime: unchanging })
}

const invalid = (complaints: string[]) =>
  new Fault(
    'manifestInvalid',
    `The filled manifest is not what Teams takes: ${complaints.join('; ')}.`,
    'Correct manifest/manifest.json; its "$schema" names the page that explains each field.',
  )

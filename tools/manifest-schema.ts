import { AppManifestUtils, TeamsManifestConverter } from '@microsoft/app-manifest'

/** What the schema that a Teams manifest names has against it; nothing if it is valid. Needs no network. */
export const schemaComplaints = (manifest: string): Promise<string[]> =>
  AppManifestUtils.validateAgainstSchema(TeamsManifestConverter.jsonToManifest(manifest))

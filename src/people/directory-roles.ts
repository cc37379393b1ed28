/**
 * The directory roles that a role map may name, and the template ids by which Microsoft Graph knows them: the same
 * in every tenant, as Microsoft's list of built-in Entra roles has them. Any other role goes by its template id.
 */
const templateIds = {
  'Global Administrator': '62e90394-69f5-4237-9190-012177145e10',
  'Security Administrator': '194ae4cb-b126-40b2-bd5b-6091b380977d',
  'Global Reader': 'f2ef992c-3afb-46b9-b7cf-a126ee74c451',
  'Security Reader': '5d6b6bb7-de71-4623-b4af-96380a352509',
  'Exchange Administrator': '29232cdf-9323-42fd-ade2-1d097af3e4de',
}

export const directoryRoleNames = Object.keys(templateIds)

/** The template id of a role, by its name in any spelling of its letters; undefined if it is none of ours. */
export const templateIdOf = (name: string): string | undefined =>
  Object.entries(templateIds).find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1]

/** What people call a role; the template id itself for one that has no name here. */
export const directoryRoleName = (templateId: string): string =>
  Object.entries(templateIds).find(([, known]) => known === templateId)?.[0] ?? templateId

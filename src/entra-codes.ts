const notTrusted =
  'the app trusts no federated token like this one; compare issuer, subject and audience with its federated credentials.'

/** From Microsoft's "Microsoft Entra authentication and authorization error codes". */
const meanings: Record<string, string> = {
  '53003': 'Conditional Access blocks the app; exclude it or meet the policy.',
  '70021': notTrusted,
  '90002': 'there is no such tenant; check the tenant id.',
  '500011': 'the tenant does not know the service that the token is for; check the scope.',
  '700016': 'the tenant does not know the app; check the client id and the tenant id.',
  '700024': 'what it signs in with is not valid now; compare the clock of this machine.',
  '700027': 'the certificate is not one of the app; upload it to the app registration.',
  '700211': notTrusted,
  '700212': notTrusted,
  '700213': notTrusted,
  '7000112': 'the app is disabled; enable it under Enterprise applications.',
  '7000215': "the client secret is wrong; set the secret's value, not its id.",
  '7000222': 'the client secret has expired; make a new one in the app registration.',
  '7000229': 'the app is not present in the tenant; give it admin consent there.',
}

/** What somebody has to do about an `AADSTS` code, given by its digits. */
export const meaningOf = (code: string): string =>
  meanings[code] ?? `look the code up at https://login.microsoftonline.com/error?code=${code}`

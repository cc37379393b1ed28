/** Microsoft's own domains for Exchange Online: worldwide and GCC, GCC High and DoD, 21Vianet. */
const exchangeDomains = ['office365.com', 'office365.us', 'office365.cn']

const isWithin = (hostname: string, domain: string): boolean =>
  hostname === domain || hostname.endsWith(`.${domain}`)

const shareADomain = (one: URL, other: URL): boolean =>
  exchangeDomains.some((domain) => isWithin(one.hostname, domain) && isWithin(other.hostname, domain))

/**
 * The URL of a redirect or of the next page, if it may be sent our token: it has the origin that the settings
 * name, or is https on the same port and both lie in the same domain of Exchange Online. Otherwise undefined.
 */
export const trustedUrl = (candidate: string, configured: URL): URL | undefined =>
  urlOf(candidate, configured, shareADomain)

/**
 * The same for Security & Compliance, whose regions lie below the host that the settings name:
 * `eur01b.ps.compliance.protection.outlook.com` below `ps.compliance.protection.outlook.com`.
 */
export const trustedRegion = (candidate: string, configured: URL): URL | undefined =>
  urlOf(candidate, configured, ({ hostname }) => isWithin(hostname, configured.hostname))

function urlOf(
  candidate: string,
  configured: URL,
  areKin: (url: URL, configured: URL) => boolean,
): URL | undefined {
  if (!URL.canParse(candidate, configured.href)) return undefined
  const url = new URL(candidate, configured)
  if (url.username !== '' || url.password !== '') return undefined
  if (url.origin === configured.origin) return url
  const isSibling =
    url.protocol === 'https:' && configured.protocol === 'https:' && url.port === configured.port
  return isSibling && areKin(url, configured) ? url : undefined
}

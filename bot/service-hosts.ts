import { isLoopback } from '../src/loopback.js'

/**
 * Hosts that Teams itself answers from. Exact names, never the suffix `.trafficmanager.net`: any customer of
 * Azure can own a name below it, and the bot's token goes to whatever is accepted here.
 */
const teamsHosts = [
  'smba.trafficmanager.net',
  'smba.infra.gcc.teams.microsoft.com',
  'smba.infra.gov.teams.microsoft.us',
  'smba.infra.dod.teams.microsoft.us',
]

/** Tells whether a service URL may be spoken to: https at an allowed host, or plain http to an allowed loopback. */
export function serviceHosts(extra: readonly string[]): (serviceUrl: string) => boolean {
  const extras = new Set(extra)
  return (serviceUrl) => {
    if (!URL.canParse(serviceUrl)) return false
    const url = new URL(serviceUrl)
    // A query or a fragment would swallow the path that is put behind the URL.
    if (url.username || url.password || url.search || url.hash) return false
    const listed = extras.has(url.host) || extras.has(url.hostname)
    if (url.protocol === 'https:') return listed || (teamsHosts.includes(url.host) && url.port === '')
    return url.protocol === 'http:' && isLoopback(url) && listed
  }
}

/** One of Microsoft's clouds: who issues tokens there, and where its services are. */
export interface Cloud {
  /** What `ChannelService` says, which Bot Framework knows clouds by; empty for the public one. */
  channelService: string
  /** Issues all tokens that the bot itself uses: `ENTRA_URL`. */
  authority: string
  /** Whom Teams' requests name as the issuer of their token. */
  botIssuer: string
  /** What the bot's own token for Teams is asked for, without `/.default`. */
  botScope: string
  /** Where the keys are published that Teams signs with. */
  botMetadata: string
  exchangeUrl: string
  /** Security & Compliance, where alert policies are read. */
  complianceUrl: string
  graphUrl: string
}

const publicCloud: Cloud = {
  channelService: '',
  authority: 'https://login.microsoftonline.com',
  botIssuer: 'https://api.botframework.com',
  botScope: 'https://api.botframework.com',
  botMetadata: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
  exchangeUrl: 'https://outlook.office365.com',
  complianceUrl: 'https://ps.compliance.protection.outlook.com',
  graphUrl: 'https://graph.microsoft.com',
}

// Untested from here on: put together from Microsoft's pages, which in places contradict each other.

/** GCC High. */
const usGovernment: Cloud = {
  channelService: 'https://botframework.azure.us',
  authority: 'https://login.microsoftonline.us',
  botIssuer: 'https://api.botframework.us',
  botScope: 'https://api.botframework.us',
  botMetadata: 'https://login.botframework.azure.us/v1/.well-known/openidconfiguration',
  exchangeUrl: 'https://outlook.office365.us',
  complianceUrl: 'https://ps.compliance.protection.office365.us',
  graphUrl: 'https://graph.microsoft.us',
}

/** For Bot Framework the same as GCC High; Exchange's address tells the two apart. */
const dod: Cloud = {
  ...usGovernment,
  exchangeUrl: 'https://outlook-dod.office365.us',
  complianceUrl: 'https://l5.ps.compliance.protection.office365.us',
  graphUrl: 'https://dod-graph.microsoft.us',
}

/** Bot Framework's SDK for JavaScript knows no `ChannelService` for it; Microsoft's newer ones know this one. */
const china: Cloud = {
  channelService: 'https://botframework.azure.cn',
  authority: 'https://login.partner.microsoftonline.cn',
  botIssuer: 'https://api.botframework.azure.cn',
  botScope: 'https://api.botframework.azure.cn',
  botMetadata: 'https://login.botframework.azure.cn/v1/.well-known/openidconfiguration',
  exchangeUrl: 'https://outlook.office365.cn',
  complianceUrl: 'https://ps.compliance.protection.partner.outlook.cn',
  graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
}

const clouds = [publicCloud, usGovernment, dod, china]

/** Whether an address is one of a cloud that nobody has tried this in, and none of the public cloud. */
export const isUntested = (address: string): boolean =>
  clouds.some((cloud) => Object.values(cloud).includes(address)) &&
  !Object.values(publicCloud).includes(address)

/** All values that `ChannelService` may have. */
export const channelServices = [...new Set(clouds.map(({ channelService }) => channelService))]

/**
 * The cloud that `ChannelService` names; where that leaves more than one, the one with this address of Exchange.
 * @param exchangeUrl a URL, or undefined for the cloud's own
 */
export function cloudOf(channelService: string, exchangeUrl?: string): Cloud {
  const named = clouds.filter((cloud) => cloud.channelService === channelService)
  const host = exchangeUrl && new URL(exchangeUrl).host
  return named.find((cloud) => new URL(cloud.exchangeUrl).host === host) ?? named[0] ?? publicCloud
}

import { type Activity, CloudAdapter, type InvokeResponse, type TurnContext } from 'botbuilder'
import {
  type AuthenticateRequestResult,
  AuthenticationError,
  BotFrameworkAuthentication,
  ClaimsIdentity,
  type ConnectorFactory,
  type ConnectorClient as SdkConnectorClient,
  type UserTokenClient,
} from 'botframework-connector'
import type { ChannelAuthentication } from './channel-authentication.js'

/** What the SDK is given in place of clients of its own: whoever reaches for one is told where to go instead. */
function closed<Client extends object>(what: string): Client {
  return new Proxy({} as Client, {
    get(_target, property) {
      // Awaiting an object asks whether it is a promise.
      if (property === 'then') return undefined
      throw new Error(`The SDK's ${what} is not used: everything to Teams goes through connector-client.`)
    },
  })
}

/** Puts our own check of tokens in the place of the SDK's, whose every path is closed by that. */
class OwnAuthentication extends BotFrameworkAuthentication {
  readonly #factory: ConnectorFactory = { create: async () => closed<SdkConnectorClient>('connector client') }

  constructor(private readonly authentication: ChannelAuthentication) {
    super()
  }

  override async authenticateRequest(
    activity: Activity,
    authHeader: string,
  ): Promise<AuthenticateRequestResult> {
    const verdict = await this.authentication.verify(authHeader || undefined, activity)
    if (verdict.kind !== 'genuine')
      throw new AuthenticationError(verdict.why, verdict.kind === 'forged' ? 401 : 503)
    return {
      audience: '',
      claimsIdentity: new ClaimsIdentity([], true),
      callerId: '',
      connectorFactory: this.#factory,
    }
  }

  override async authenticateStreamingRequest(): Promise<AuthenticateRequestResult> {
    throw new AuthenticationError('streaming is not served', 401)
  }

  override createConnectorFactory(): ConnectorFactory {
    return this.#factory
  }

  override async createUserTokenClient(): Promise<UserTokenClient> {
    return closed<UserTokenClient>('user token client')
  }
}

/** Botbuilder's adapter behind our own check; what is used of it is the turn, and the answer to an invoke. */
export class TeamsAdapter extends CloudAdapter {
  constructor(authentication: ChannelAuthentication) {
    super(new OwnAuthentication(authentication))
  }

  /**
   * Runs one turn.
   * @returns the answer to an invoke, undefined for everything else
   * @throws AuthenticationError with status 401 (forged) or 503 (keys not to be had)
   */
  take(
    authorization: string,
    activity: Activity,
    logic: (context: TurnContext) => Promise<void>,
  ): Promise<InvokeResponse | undefined> {
    return this.processActivity(authorization, activity, logic)
  }
}

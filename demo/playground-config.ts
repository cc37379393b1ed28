/** A person of the demo's organisation, as the Playground's roster gives them out. */
export interface Person {
  /** The id that Teams would write as `29:...`; what an activity carries as `from.id`. */
  id: string
  name: string
  upn: string
  /** The Entra object id: what role maps name, and what an activity carries as `from.aadObjectId`. */
  objectId: string
}

/** The demo's home tenant. */
export const tenantId = '6d1f3c5e-8a04-4f52-9d0f-3b1a7c9e2d11'

/** The bot as the Playground addresses it: `recipient.id` of every activity. */
export const bot = { id: '28:0b9a6c1e-5f27-4d38-8e43-7c20d1f4a9b6', name: 'Connector Warden' }

export const team = {
  id: '19:messaging-operations@thread.tacv2',
  name: 'Messaging operations',
  groupId: '3c0c7c52-6a5a-4f61-8f64-1f5d6e0b9a77',
}

/** The channel that watches. The Playground adds one named General by itself, under the team's id. */
export const channel = { id: '19:mail-security@thread.tacv2', name: 'Mail security' }

export const personalChat = { id: 'a:alex-and-the-warden' }

export const groupChat = { id: '19:mail-on-call@thread.v2', name: 'Mail on-call' }

const person = (name: string, objectId: string): Person => {
  const account = name.toLowerCase().replace(' ', '.')
  return { id: `29:${account}`, name, upn: `${account}@contoso.example`, objectId }
}

/** Everybody in the demo. Who of them may do what is up to the role map; the keys say what they are cast as. */
export const people = {
  /** Sits at the keyboard: everything done in the Playground's page is done by Alex. */
  current: person('Alex Admin', '0a1e0001-5f0e-4b63-9f59-7a4f0c1d2e01'),
  secondApprover: person('Maria Lopez', '0a1e0002-5f0e-4b63-9f59-7a4f0c1d2e02'),
  responder: person('Sam Okafor', '0a1e0003-5f0e-4b63-9f59-7a4f0c1d2e03'),
  otherResponder: person('Nadia Haddad', '0a1e0004-5f0e-4b63-9f59-7a4f0c1d2e04'),
  viewer: person('Jonas Weber', '0a1e0005-5f0e-4b63-9f59-7a4f0c1d2e05'),
  withoutRole: person('Robin Chen', '0a1e0006-5f0e-4b63-9f59-7a4f0c1d2e06'),
}

const user = ({ id, name, upn, objectId }: Person) => {
  const [givenName, surname] = name.split(' ')
  return { id, name, userPrincipleName: upn, aadObjectId: objectId, givenName, surname, email: upn }
}

/**
 * The text of `.m365agentsplayground.yml`. It is JSON, which YAML includes. The Playground wants exactly five
 * users besides the current one, takes no unknown key, and spells `userPrincipleName` like this.
 */
export function playgroundConfig(): string {
  const { current, ...others } = people
  return JSON.stringify({
    version: '0.1.1',
    tenantId,
    bot,
    currentUser: user(current),
    users: Object.values(others).map(user),
    personalChat,
    groupChat,
    team: { id: team.id, name: team.name, aadGroupId: team.groupId, channels: [channel] },
  })
}

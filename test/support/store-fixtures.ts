import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Instant } from '../../src/clock.js'
import type { Conversation, Delivery } from '../../src/incident/delivery.js'
import type { IncidentEvent } from '../../src/incident/events.js'
import type { Incident } from '../../src/incident/incident.js'
import type { Log } from '../../src/log.js'
import { type FileOps, systemFileOps } from '../../src/store/durable-files.js'
import type { Commit, Store } from '../../src/store/store.js'

export const start = '2026-11-22T03:00:00.000Z'
export const ann = { id: '00000000-0000-4000-8000-00000000000a', name: 'Ann Archer' }

/** A new folder for each call; `removeFolders` takes all of them away. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'warden-store-'))
  folders.push(folder)
  return folder
}
const folders: string[] = []
export const removeFolders = () =>
  Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))

export type Logged = { level: number; msg: string } & Record<string, unknown>

/** A log that keeps what it was told, from `warn` up unless said otherwise. */
export function keptLog(level: 'info' | 'warn' = 'warn'): { log: Log; lines: Logged[] } {
  const lines: Logged[] = []
  const log = pino({ level, base: undefined }, { write: (line: string) => lines.push(JSON.parse(line)) })
  return { log, lines }
}

/** A disk that fails when told to, and counts its syncs. */
export class Disk implements FileOps {
  syncs = 0
  /** How many more bytes fit on it. */
  free = Number.POSITIVE_INFINITY
  syncFails = false
  truncateFails = false

  write: FileOps['write'] = async (file, bytes, position) => {
    if (this.free === 0) throw systemError('ENOSPC', 'no space left on device, write')
    const written = await systemFileOps.write(file, bytes.subarray(0, this.free), position)
    this.free -= written
    return written
  }

  datasync: FileOps['datasync'] = async (file) => {
    this.syncs += 1
    if (this.syncFails) throw systemError('EIO', 'i/o error, fdatasync')
    await systemFileOps.datasync(file)
  }

  truncate: FileOps['truncate'] = async (file, length) => {
    if (this.truncateFails) throw systemError('EROFS', 'read-only file system, ftruncate')
    await systemFileOps.truncate(file, length)
  }
}

const systemError = (code: string, text: string) => Object.assign(new Error(`${code}: ${text}`), { code })

export const connector = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const commitOf = (...events: IncidentEvent[]): Commit => ({ at: start, by: ann, events })

export const openedFor = (
  connectorId: string,
  more: Partial<Extract<IncidentEvent, { type: 'opened' }>> = {},
): IncidentEvent => ({ type: 'opened', tenant: 'Contoso', restriction: { connectorId }, ...more })

export const noted = (text: string): IncidentEvent => ({ type: 'noted', text })

/** Opens an incident for a connector and returns it. */
export async function openIncident(
  store: Store,
  n = 1,
  more: Partial<Extract<IncidentEvent, { type: 'opened' }>> = {},
): Promise<Incident> {
  const opened = openedFor(connector(n), more)
  const tenant = more.tenant ?? 'Contoso'
  const { incident } = await store.create(tenant, connector(n), { at: start, events: [opened] })
  return incident
}

export async function addEvents(
  store: Store,
  { number, version }: Incident,
  ...events: IncidentEvent[]
): Promise<Incident> {
  const { committed, incident } = await store.commit(number, version, commitOf(...events))
  if (!committed) throw new Error(`version ${version} of incident ${number} is outdated`)
  return incident
}

/** Ends an incident at `at`. */
export async function end(store: Store, incident: Incident, at: Instant = start): Promise<Incident> {
  const events: IncidentEvent[] = [{ type: 'cleared', cause: 'unknown', absentSince: at }]
  return (await store.commit(incident.number, incident.version, { at, events })).incident
}

export const conversation = (id: string, more: Partial<Conversation> = {}): Conversation => ({
  id,
  kind: 'channel',
  serviceUrl: 'https://smba.trafficmanager.net/emea/',
  tenantId: 'home',
  botId: 'bot',
  ...more,
})

export const delivery = (subject: string, conversation: string, more: Partial<Delivery> = {}): Delivery => ({
  subject,
  conversation,
  drawn: 1,
  told: 1,
  ...more,
})

/** Everything that the store's readers can tell, to be compared before and after a restart. */
export async function everythingIn(store: Store) {
  const incidents = await allIncidents(store)
  const deliveries = await Promise.all(incidents.map((incident) => store.deliveriesOf(incident)))
  return {
    head: store.head(),
    incidents,
    open: await store.open(),
    deliveries,
    conversations: await store.conversations(),
    problems: await store.problems(),
  }
}

async function allIncidents(store: Store): Promise<Incident[]> {
  const incidents: Incident[] = []
  for (let number = 1; ; number += 1) {
    const incident = await store.find(number)
    if (!incident) return incidents
    incidents.push(incident)
  }
}

/** The lines of a file, without their ends. */
export async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1)
}

/** Stores a conversation as it is given, whatever was known of it. */
export const saveConversation = (store: Store, conversation: Conversation): Promise<unknown> =>
  store.changeConversation(conversation.id, () => conversation)

import fc from 'fast-check'
import { hourMs, later, minuteMs } from '../../src/clock.js'
import { type ConnectorHistory, withReading } from '../../src/evidence/connector-history.js'
import { openJsonStore } from '../../src/store/json-store.js'
import type { Store } from '../../src/store/store.js'
import { silentLog } from '../support/silent-log.js'
import {
  addEvents,
  ann,
  commitOf,
  connector,
  conversation,
  delivery,
  end,
  everythingIn,
  newFolder,
  noted,
  openedFor,
  openIncident,
  removeFolders,
  saveConversation,
  start,
} from '../support/store-fixtures.js'
import { TestClock } from '../support/test-clock.js'

/** An engine begins with an empty place, which can be opened again and again, one store at a time. */
interface Engine {
  name: string
  begin(): Promise<() => Promise<Store>>
  end(): Promise<unknown>
}

const json: Engine = {
  name: 'JSON files',
  async begin() {
    const folder = await newFolder()
    return () => openJsonStore({ folder, clock: new TestClock(), log: silentLog })
  },
  end: removeFolders,
}

describe.each([json])('a store in $name', (engine) => {
  let open: () => Promise<Store>
  let store: Store

  beforeEach(async () => {
    open = await engine.begin()
    store = await open()
  })

  afterEach(async () => {
    await store.close()
    await engine.end()
  })

  const reopen = async () => {
    await store.close()
    store = await open()
  }

  const dueNumbers = async (now = start) => (await store.due(now)).map(({ incident }) => incident.number)

  /** Puts everything that is due now to sleep, until something happens to it. */
  const sleepAll = async (now = start) => {
    for (const { incident, mark } of await store.due(now)) await store.sleep(incident.number, mark, undefined)
  }

  describe('opening incidents', () => {
    test('gives each a number of its own, from 1 up, and its first version', async () => {
      const first = await openIncident(store, 1)
      const second = await openIncident(store, 2)
      expect([first, second]).toMatchObject([
        { number: 1, version: 1, sequence: 1, status: 'open', openedAt: start },
        { number: 2, version: 1, sequence: 2, status: 'open' },
      ])
      expect(second.restriction.connectorId).toBe(connector(2))
    })

    test('returns the incident that is open for the connector, and writes nothing', async () => {
      const first = await openIncident(store)
      const head = store.head()
      const again = await store.create('Contoso', connector(1), commitOf(openedFor(connector(1))))
      expect(again).toEqual({ created: false, incident: first })
      expect(store.head()).toEqual(head)
    })

    test('opens a new one after the last has ended, under a new number', async () => {
      await end(store, await openIncident(store))
      const { created, incident } = await store.create(
        'Contoso',
        connector(1),
        commitOf(openedFor(connector(1))),
      )
      expect(created).toBe(true)
      expect(incident.number).toBe(2)
    })

    test('keeps one connector id in two tenants apart', async () => {
      await openIncident(store, 1)
      const other = await openIncident(store, 1, { tenant: 'Fabrikam' })
      expect(other.number).toBe(2)
      expect((await store.latest('Contoso', connector(1)))?.number).toBe(1)
      expect((await store.latest('Fabrikam', connector(1)))?.number).toBe(2)
    })

    test('lets exactly one of 50 at once open the incident of a connector', async () => {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.create('Contoso', connector(1), commitOf(openedFor(connector(1)))),
        ),
      )
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(answers.map(({ incident }) => incident.number))).toEqual(new Set([1]))
      expect(store.head().sequence).toBe(1)
    })

    test('never gives a number twice, also when many are opened at once and after a restart', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => openIncident(store, n)))
      await reopen()
      await Promise.all(Array.from({ length: 20 }, (_, n) => openIncident(store, 100 + n)))
      const numbers = (await store.open()).map(({ number }) => number)
      expect(numbers).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    })
  })

  describe('committing events', () => {
    test('raises the version by one, however many events there are, and tells who and when', async () => {
      const incident = await openIncident(store)
      const after = await addEvents(store, incident, { type: 'acknowledged' }, noted('on it'))
      expect(after).toMatchObject({ version: 2, sequence: 2, acknowledged: { by: ann, at: start } })
      expect(after.history.map(({ sequence, version, event }) => [sequence, version, event.type])).toEqual([
        [1, 1, 'opened'],
        [2, 2, 'acknowledged'],
        [2, 2, 'noted'],
      ])
    })

    test('under an outdated version changes nothing and returns the present incident', async () => {
      const incident = await openIncident(store)
      const present = await addEvents(store, incident, noted('first'))
      const head = store.head()
      const late = await store.commit(incident.number, incident.version, commitOf(noted('second')))
      expect(late).toEqual({ committed: false, incident: present })
      expect(store.head()).toEqual(head)
      expect(await store.find(incident.number)).toEqual(present)
    })

    test('to an incident that does not exist is refused', async () => {
      await expect(store.commit(7, 1, commitOf(noted('x')))).rejects.toMatchObject({
        code: 'incidentUnknown',
      })
    })

    test('lets exactly one of 200 at once win, and shows the others what it did', async () => {
      const { number, version } = await openIncident(store)
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => store.commit(number, version, commitOf(noted(`note ${n}`)))),
      )
      const [winner, ...others] = answers.filter(({ committed }) => committed)
      expect(others).toEqual([])
      for (const { incident } of answers) expect(incident).toEqual(winner?.incident)
      await reopen()
      expect(await store.find(number)).toEqual(winner?.incident)
    })

    test('loses nothing when everybody who lost tries again', async () => {
      const { number } = await openIncident(store)
      const insist = async (text: string) => {
        for (;;) {
          const version = (await store.find(number))?.version ?? 0
          if ((await store.commit(number, version, commitOf(noted(text)))).committed) return
        }
      }
      const texts = Array.from({ length: 30 }, (_, n) => `note ${n}`)
      await Promise.all(texts.map(insist))
      const incident = await store.find(number)
      const found = incident?.history.map(({ event }) => (event.type === 'noted' ? event.text : ''))
      expect(found?.slice(1).sort()).toEqual(texts.sort())
      expect(incident?.version).toBe(31)
    })

    test('refuses what it could not read back, and nothing changes', async () => {
      const incident = await openIncident(store)
      const head = store.head()
      const commit = (change: object) =>
        store.commit(1, 1, { ...commitOf(noted('fine')), ...change } as ReturnType<typeof commitOf>)
      for (const change of [
        { events: [] },
        { events: [{ type: 'unheardOf' }] },
        { events: [openedFor(connector(1))] },
        { events: [noted('x'.repeat(5 * 1024 * 1024))] },
        { at: 'yesterday' },
        { by: { id: '', name: 'Nobody' } },
      ])
        await expect(commit(change)).rejects.toMatchObject({ code: 'notRecordable' })
      await expect(
        store.create('Contoso', connector(2), commitOf(openedFor(connector(3)))),
      ).rejects.toMatchObject({ code: 'notRecordable' })
      expect(store.head()).toEqual(head)
      expect(await store.find(1)).toEqual(incident)
      await reopen()
      expect(await store.find(1)).toEqual(incident)
    })

    test('refuses a bad commit alone, not the good ones that are written with it', async () => {
      await openIncident(store, 1)
      await openIncident(store, 2)
      const answers = await Promise.allSettled([
        store.commit(1, 1, commitOf(noted('good'))),
        store.commit(2, 1, commitOf()),
        store.commit(2, 1, commitOf(noted('good too'))),
      ])
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((await store.find(2))?.version).toBe(2)
    })
  })

  describe('the record', () => {
    test('takes entries that change no incident', async () => {
      const incident = await openIncident(store)
      await store.record(
        { type: 'refused', verb: 'approve', incident: 'CR-1', refusal: { code: 'notVerified' } },
        start,
        ann,
      )
      expect(store.head().sequence).toBe(2)
      expect(await store.find(1)).toEqual(incident)
    })

    test('grows by one line for each commit, and its hash changes with each', async () => {
      const hashes = [store.head().hash]
      for (let incident = await openIncident(store); hashes.length < 5; ) {
        hashes.push(store.head().hash)
        incident = await addEvents(store, incident, noted('again'))
      }
      expect(new Set(hashes).size).toBe(5)
      expect(store.head().sequence).toBe(5)
    })
  })

  describe('finding incidents', () => {
    test('says that there is none', async () => {
      expect(await store.find(1)).toBeUndefined()
      expect(await store.latest('Contoso', connector(1))).toBeUndefined()
      expect(await store.open()).toEqual([])
      expect(await store.inBatch('b')).toEqual([])
    })

    test('lists those that are not final by number, of one tenant if asked', async () => {
      await end(store, await openIncident(store, 1))
      await openIncident(store, 2, { tenant: 'Fabrikam' })
      await openIncident(store, 3)
      await openIncident(store, 4, { tenant: 'Fabrikam' })
      const numbers = async (tenant?: string) => (await store.open(tenant)).map(({ number }) => number)
      expect(await numbers()).toEqual([2, 3, 4])
      expect(await numbers('Fabrikam')).toEqual([2, 4])
      expect(await numbers('Nobody')).toEqual([])
    })

    test('gives the newest incident of a connector, final or not', async () => {
      await end(store, await openIncident(store, 1))
      expect((await store.latest('Contoso', connector(1)))?.number).toBe(1)
      await openIncident(store, 1)
      expect((await store.latest('Contoso', connector(1)))?.number).toBe(2)
    })

    test('lists those that ended from one instant on and before another', async () => {
      for (const [n, minute] of [1, 2, 3].entries())
        await end(store, await openIncident(store, n), later(start, minute * minuteMs))
      await openIncident(store, 9)
      const ended = await store.endedBetween(later(start, minuteMs), later(start, 3 * minuteMs))
      expect(ended.map(({ number }) => number)).toEqual([1, 2])
    })

    test('lists what one read found together', async () => {
      const batch = { id: 'read-1', size: 2 }
      await openIncident(store, 1, { batch })
      await openIncident(store, 2)
      await end(store, await openIncident(store, 3, { batch }))
      expect((await store.inBatch('read-1')).map(({ number }) => number)).toEqual([1, 3])
    })

    test('hands out nothing through which a caller could change it', async () => {
      const commit = commitOf(openedFor(connector(1)))
      const { incident } = await store.create('Contoso', connector(1), commit)
      const before = structuredClone(incident)
      commit.events.push(noted('slipped in'))
      Object.assign(commit.events[0] ?? {}, { tenant: 'Fabrikam' })
      for (const change of [
        () => Object.assign(incident, { status: 'approved' }),
        () => incident.votes.push({ ...before } as never),
        () => incident.history.splice(0),
        () => Object.assign(incident.restriction, { connectorId: 'other' }),
      ])
        try {
          change()
        } catch {
          // An engine may hand out copies, or objects that cannot be changed.
        }
      ;(await store.open()).pop()
      expect(await store.find(1)).toEqual(before)
      expect(await store.open()).toEqual([before])
    })
  })

  describe('what is due', () => {
    test('is a new incident, until it is put to sleep, and again at its time', async () => {
      await openIncident(store)
      const [due] = await store.due(start)
      expect(due?.incident).toEqual(await store.find(1))
      const inAnHour = later(start, hourMs)
      await store.sleep(1, due?.mark ?? 0, inAnHour)
      expect(await dueNumbers(later(inAnHour, -1))).toEqual([])
      expect(await dueNumbers(inAnHour)).toEqual([1])
    })

    test('is not what sleeps without a time, until it is committed to', async () => {
      const incident = await openIncident(store)
      await sleepAll()
      expect(await dueNumbers(later(start, 1000 * hourMs))).toEqual([])
      await addEvents(store, incident, noted('news'))
      expect(await dueNumbers()).toEqual([1])
    })

    test('stays due if something touched it while its work was being done', async () => {
      const incident = await openIncident(store)
      const [seen] = await store.due(start)
      await store.saveDelivery(delivery('CR-1', 'channel'))
      await store.sleep(incident.number, seen?.mark ?? 0, undefined)
      expect(await dueNumbers()).toEqual([1])
    })

    test('is the incident that a delivery is about, and every one of its batch', async () => {
      const batch = { id: 'read-1', size: 2 }
      for (const n of [1, 2]) await openIncident(store, n, { batch })
      await openIncident(store, 3)
      await sleepAll()
      await store.saveDelivery(delivery('CR-3', 'channel'))
      expect(await dueNumbers()).toEqual([3])
      await store.saveDelivery(delivery('batch:read-1', 'channel'))
      expect(await dueNumbers()).toEqual([1, 2, 3])
    })

    test('is everything that is not final when a conversation is saved', async () => {
      await openIncident(store, 1)
      await end(store, await openIncident(store, 2))
      await sleepAll()
      await saveConversation(store, conversation('channel'))
      expect(await dueNumbers()).toEqual([1])
    })

    test('is everything after a restart', async () => {
      await openIncident(store, 1)
      await end(store, await openIncident(store, 2))
      await sleepAll()
      await reopen()
      expect(await dueNumbers()).toEqual([1, 2])
    })

    test('is an incident about which something was found out, though nothing was written', async () => {
      await openIncident(store)
      await openIncident(store, 2)
      await sleepAll()
      const head = store.head()
      let told = 0
      store.onChange(() => {
        told += 1
      })
      await store.touch(2)
      expect(await dueNumbers()).toEqual([2])
      expect(told).toBe(1)
      expect(store.head()).toEqual(head)
    })

    test('ignores sleep for an incident that does not exist', async () => {
      await store.sleep(9, 0, start)
      expect(await dueNumbers()).toEqual([])
    })
  })

  describe('deliveries and conversations', () => {
    test('keep what was saved last', async () => {
      await store.saveDelivery(delivery('CR-1', 'one', { message: 'm1' }))
      await store.saveDelivery(delivery('CR-1', 'one', { message: 'm2', drawn: 5 }))
      await saveConversation(store, conversation('one', { name: 'Old name' }))
      await saveConversation(store, conversation('one', { name: 'New name' }))
      await reopen()
      expect(await store.delivery('CR-1', 'one')).toEqual(
        delivery('CR-1', 'one', { message: 'm2', drawn: 5 }),
      )
      expect(await store.delivery('CR-1', 'two')).toBeUndefined()
      expect(await store.conversations()).toEqual([conversation('one', { name: 'New name' })])
    })

    test('two who change the same at once both have their way', async () => {
      await saveConversation(store, conversation('one'))
      const by = ann
      await Promise.all([
        store.changeConversation('one', (known) => known && { ...known, name: 'New name' }),
        store.changeConversation('one', (known) => known && { ...known, watching: { since: start, by } }),
        store.changeDelivery('CR-1', 'one', (known = delivery('CR-1', 'one')) => ({ ...known, drawn: 7 })),
        store.changeDelivery('CR-1', 'one', (known = delivery('CR-1', 'one')) => ({
          ...known,
          wanted: true,
        })),
      ])
      await reopen()
      expect(await store.conversations()).toMatchObject([{ name: 'New name', watching: { since: start } }])
      expect(await store.delivery('CR-1', 'one')).toMatchObject({ drawn: 7, wanted: true })
    })

    test('a change that leaves a conversation as it is writes nothing, and one that nobody knows stays unknown', async () => {
      expect(
        await store.changeConversation('none', (known) => known && { ...known, name: 'x' }),
      ).toBeUndefined()
      expect(await store.conversations()).toEqual([])
    })

    test('of an incident are its own and those of its digest', async () => {
      const incident = await openIncident(store, 1, { batch: { id: 'read-1', size: 1 } })
      for (const [subject, place] of [
        ['CR-1', 'one'],
        ['CR-1', 'two'],
        ['batch:read-1', 'one'],
        ['CR-2', 'one'],
        ['batch:read-2', 'one'],
      ] as const)
        await store.saveDelivery(delivery(subject, place))
      const found = (await store.deliveriesOf(incident)).map((one) => `${one.subject} in ${one.conversation}`)
      expect(found.sort()).toEqual(['CR-1 in one', 'CR-1 in two', 'batch:read-1 in one'])
    })

    test('keep the version and the record as they are', async () => {
      const incident = await openIncident(store)
      const head = store.head()
      await store.saveDelivery(delivery('CR-1', 'one'))
      await saveConversation(store, conversation('one'))
      expect(store.head()).toEqual(head)
      expect(await store.find(1)).toEqual(incident)
    })

    test('that could not be read back are refused', async () => {
      await expect(store.saveDelivery(delivery('', 'one'))).rejects.toMatchObject({ code: 'notRecordable' })
      await expect(saveConversation(store, conversation(''))).rejects.toMatchObject({ code: 'notRecordable' })
      expect(await store.conversations()).toEqual([])
    })
  })

  describe('how connectors have looked', () => {
    const history = (tenant: string, at = start): ConnectorHistory =>
      withReading(undefined, { tenant, at, connectors: [], complete: true })

    test('is not known before somebody has looked', async () => {
      expect(await store.connectorHistory('Contoso')).toBeUndefined()
    })

    test('is kept for each tenant as it was saved last, over a restart, whatever the tenant is called', async () => {
      const names = ['Contoso', 'contoso', '../../etc/passwd', '__proto__', 'Ελλάδα 😀', 'a'.repeat(500)]
      for (const name of names) await store.saveConnectorHistory(history(name))
      await store.saveConnectorHistory(history('Contoso', later(start, hourMs)))
      await reopen()
      expect((await store.connectorHistory('Contoso'))?.lastRead).toBe(later(start, hourMs))
      for (const name of names) expect(await store.connectorHistory(name)).toMatchObject({ tenant: name })
    })

    test('is no part of the record', async () => {
      const head = store.head()
      await store.saveConnectorHistory(history('Contoso'))
      expect(store.head()).toEqual(head)
    })
  })

  describe('problems with the bot itself', () => {
    const raised = { type: 'healthRaised', cause: 'auditOff', tenant: 'Contoso', since: start } as const
    const cleared = { type: 'healthCleared', cause: 'auditOff', tenant: 'Contoso' } as const

    test('are what the record says, also after a restart', async () => {
      await store.record({ ...raised, detail: 'off' }, later(start, minuteMs))
      const problem = { cause: 'auditOff', tenant: 'Contoso', detail: 'off', since: start }
      expect(await store.problems()).toEqual([{ ...problem, changedAt: later(start, minuteMs) }])
      await reopen()
      expect(await store.problems()).toEqual([{ ...problem, changedAt: later(start, minuteMs) }])
    })

    test('are over once the record says so, and begin anew after that', async () => {
      await store.record(raised, start)
      await store.record(cleared, later(start, minuteMs))
      await store.record(cleared, later(start, hourMs))
      expect(await store.problems()).toMatchObject([{ over: { at: later(start, minuteMs) } }])
      await reopen()
      expect(await store.problems()).toMatchObject([{ over: { at: later(start, minuteMs) } }])
      await store.record({ ...raised, since: later(start, hourMs) }, later(start, hourMs))
      const [again] = await store.problems()
      expect(again).toMatchObject({ since: later(start, hourMs) })
      expect(again?.over).toBeUndefined()
    })

    test('of other causes, tenants and conversations are other problems', async () => {
      await store.record(raised, start)
      await store.record({ ...raised, tenant: 'Fabrikam' }, start)
      await store.record({ ...raised, cause: 'blind' }, start)
      for (const conversation of ['one', 'two'])
        await store.record(
          { type: 'healthRaised', cause: 'conversationLost', conversation, since: start },
          start,
        )
      expect(await store.problems()).toHaveLength(5)
    })

    test('that were never there cannot be over', async () => {
      await store.record(cleared, start)
      expect(await store.problems()).toEqual([])
    })

    test('are told to listeners, as what makes work due', async () => {
      const seen: number[] = []
      store.onChange(() => void store.problems().then(({ length }) => seen.push(length)))
      await store.record(raised, start)
      await store.record({ type: 'watched', conversation: 'one' }, start, ann)
      expect(seen).toEqual([1])
    })

    test('have deliveries of their own, found by their subject', async () => {
      const health = { postedAt: start, drawnAt: start, about: ['x'], told: { at: start, over: true } }
      const card = delivery('health:auditOff', 'one', { mark: 'm', health: { ...health, closedAt: start } })
      await store.saveDelivery(card)
      await store.saveDelivery(delivery('health:auditOff', 'two'))
      await store.saveDelivery(delivery('health:blind', 'one'))
      await reopen()
      expect(await store.deliveriesAbout('health:auditOff')).toEqual([
        card,
        delivery('health:auditOff', 'two'),
      ])
      expect(await store.deliveriesAbout('health:rulesBroken')).toEqual([])
    })
  })

  describe('claims', () => {
    const until = later(start, minuteMs)

    test('give the work to one, until it is released', async () => {
      const claim = await store.claim('decision:1', start, until)
      expect(await store.claim('decision:1', start, until)).toBeUndefined()
      expect(await store.claim('decision:2', start, until)).toBeDefined()
      if (claim) await store.release(claim)
      expect(await store.claim('decision:1', start, until)).toBeDefined()
    })

    test('pass to another when their time is up, with a higher token', async () => {
      const first = await store.claim('lane', start, until)
      expect(await store.claim('lane', later(until, -1), later(until, minuteMs))).toBeUndefined()
      const second = await store.claim('lane', until, later(until, minuteMs))
      expect(second?.token).toBeGreaterThan(first?.token ?? Number.POSITIVE_INFINITY)
    })

    test('keep whoever lost one from saving what is outdated, also after the release', async () => {
      const first = await store.claim('lane', start, until)
      const second = await store.claim('lane', until, later(until, minuteMs))
      await store.saveDelivery(delivery('CR-1', 'one', { message: 'mine' }), second)
      const late = () => store.saveDelivery(delivery('CR-1', 'one', { message: 'late' }), first)
      await expect(late()).rejects.toMatchObject({ code: 'claimLost' })
      if (second) await store.release(second)
      await expect(late()).rejects.toMatchObject({ code: 'claimLost' })
      expect((await store.delivery('CR-1', 'one'))?.message).toBe('mine')
    })

    test('are not released by whoever lost them', async () => {
      const first = await store.claim('lane', start, until)
      await store.claim('lane', until, later(until, minuteMs))
      if (first) await store.release(first)
      expect(await store.claim('lane', until, later(until, minuteMs))).toBeUndefined()
    })
  })

  describe('listeners', () => {
    test('hear of each incident, delivery and conversation once it can be read', async () => {
      const seen: number[] = []
      store.onChange(() => {
        void store.find(1).then((incident) => seen.push(incident?.version ?? 0))
      })
      const incident = await openIncident(store)
      expect(seen).toEqual([1])
      await addEvents(store, incident, noted('news'))
      await store.saveDelivery(delivery('CR-1', 'one'))
      await saveConversation(store, conversation('one'))
      expect(seen).toEqual([1, 2, 2, 2])
    })

    test('hear nothing more once they are stopped', async () => {
      let heard = 0
      const stop = store.onChange(() => {
        heard += 1
      })
      stop()
      await openIncident(store)
      expect(heard).toBe(0)
    })

    test('do not undo a write by failing', async () => {
      store.onChange(() => {
        throw new Error('the listener is broken')
      })
      expect((await openIncident(store)).number).toBe(1)
    })
  })

  describe('a restart', () => {
    test('changes nothing', async () => {
      const incident = await openIncident(store, 1, { batch: { id: 'b', size: 12 } })
      await addEvents(
        store,
        incident,
        { type: 'acknowledged' },
        { type: 'stepSettled', step: 'traffic', how: 'done', note: undefined },
      )
      await end(store, await openIncident(store, 2))
      await store.record({ type: 'watched', conversation: 'one' }, start, ann)
      await store.saveDelivery(delivery('CR-1', 'one', { ambiguous: { since: start, tries: 1 } }))
      await saveConversation(store, conversation('one', { watching: { since: start, by: ann } }))
      const before = await everythingIn(store)
      await reopen()
      expect(await everythingIn(store)).toEqual(before)
    })

    test('keeps text as it was written, whatever is in it', async () => {
      const hostile = [
        'x\n{"level":30}\r\n',
        '"quoted" \\ back',
        'NUL \u0000 and \u2028 \u2029 \ufeff',
        'lone \ud800 half',
        '../../etc/passwd',
        '${$root} `whoami`',
        '😀 Ελληνικά',
      ]
      let incident = await openIncident(store)
      for (const text of hostile) incident = await addEvents(store, incident, noted(text))
      await reopen()
      const texts = (await store.find(1))?.history.map(({ event }) => 'text' in event && event.text)
      expect(texts?.slice(1)).toEqual(hostile)
    })

    test('makes nothing of a key named __proto__', async () => {
      const refusal = JSON.parse('{"code":"x","__proto__":{"role":"approver"}}')
      await store.record({ type: 'refused', verb: 'approve', refusal }, start)
      const event = JSON.parse('{"type":"noted","text":"hm","__proto__":{"override":true}}')
      await addEvents(store, await openIncident(store), event)
      await reopen()
      expect('role' in {}).toBe(false)
      expect((await store.find(1))?.history[1]?.event).not.toHaveProperty('override')
    })

    test('gives the same state after any sequence of commits', async () => {
      const act = fc.record({
        connector: fc.integer({ min: 1, max: 3 }),
        what: fc.integer({ min: 0, max: 4 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(act, { maxLength: 6 }), { maxLength: 6 }), async (rounds) => {
          const openHere = await engine.begin()
          const before = await openHere()
          for (const round of rounds)
            await Promise.all(round.map((one) => actOn(before, one.connector, one.what)))
          const told = await everythingIn(before)
          await before.close()
          const after = await openHere()
          expect(await everythingIn(after)).toEqual(told)
          await after.close()
        }),
        { numRuns: 30 },
      )
    }, 30_000)
  })

  test('takes no more writes once it is closed, and closes once', async () => {
    const writing = openIncident(store)
    await Promise.all([store.close(), store.close()])
    expect((await writing).number).toBe(1)
    await expect(openIncident(store, 2)).rejects.toMatchObject({ code: 'recordNotWritable' })
    await expect(store.saveDelivery(delivery('CR-1', 'one'))).rejects.toMatchObject({
      code: 'recordNotWritable',
    })
    store = await open()
    expect((await store.open()).map(({ number }) => number)).toEqual([1])
  })

  test('says that writes work', async () => {
    await openIncident(store)
    expect(store.failing()).toBeUndefined()
  })
})

/** One of five things that may happen to a connector's incident. */
async function actOn(store: Store, n: number, what: number): Promise<unknown> {
  const incident = await store.latest('Contoso', connector(n))
  if (!incident || what === 0) return store.create('Contoso', connector(n), commitOf(openedFor(connector(n))))
  const { number, version } = incident
  switch (what) {
    case 1:
      return store.commit(number, version, commitOf({ type: 'acknowledged' }, noted('mine')))
    case 2:
      return store.commit(
        number,
        version,
        commitOf({ type: 'cleared', cause: 'unknown', absentSince: start }),
      )
    case 3:
      return store.saveDelivery(delivery(`CR-${number}`, 'one', { drawn: version }))
    default:
      return store.record({ type: 'unwatched', conversation: 'one' }, start)
  }
}

import type { Directory, DirectoryFailure } from '../../src/people/roles.js'

/** A directory that knows what a test says, and remembers what it was asked. */
export class TestDirectory implements Directory {
  readonly #members = new Map<string, Set<string>>()
  readonly asked: { person: string; ids: string[] }[] = []
  /** What it answers instead, while set. */
  failure: DirectoryFailure | undefined

  put(person: string, ...ids: string[]): this {
    for (const id of ids) this.#members.set(id, (this.#members.get(id) ?? new Set()).add(person))
    return this
  }

  remove(person: string, id: string): void {
    this.#members.get(id)?.delete(person)
  }

  memberOf: Directory['memberOf'] = async (person, ids) => {
    this.asked.push({ person, ids: [...ids] })
    return this.failure ?? { ok: true, ids: ids.filter((id) => this.#members.get(id)?.has(person)) }
  }

  userId: Directory['userId'] = async () => this.failure ?? { ok: true, id: undefined }
}

export const notInTime: DirectoryFailure = { ok: false, code: 'timeout', message: 'Graph did not answer' }

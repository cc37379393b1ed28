interface Waiting<Group> {
  /** Runs the change on a group; returns what tells its caller that the group is durable. */
  join(group: Group): () => void
  fail(cause: unknown): void
}

/**
 * Lets concurrent writers share one durable write. While one group is being written, further changes collect
 * and go together into the next.
 *
 * A change is a function that runs when its group is put together, after the group before it has become
 * durable and is in memory (or has failed and left nothing). So it sees the state as it will be just before
 * itself, including the changes ahead of it in the same group, and memory never runs ahead of the disk. That
 * is why no version has to be checked twice and why a failed write takes nothing with it but its own group.
 */
export class GroupWriter<Group> {
  private waiting: Waiting<Group>[] = []
  private writing: Promise<void> | undefined

  /**
   * @param begin starts an empty group on the present state
   * @param write makes a group durable, then puts it into memory; throws if it could not
   */
  constructor(
    private readonly begin: () => Group,
    private readonly write: (group: Group) => Promise<void>,
  ) {}

  /**
   * Resolves with the change's answer once its group is durable. Rejects with what the change threw, which
   * then must not have touched the group, or with what the write threw.
   */
  add<Answer>(change: (group: Group) => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({
        join: (group) => {
          const answer = change(group)
          return () => resolve(answer)
        },
        fail: reject,
      })
      this.writing ??= this.writeGroups()
    })
  }

  /** Resolves when nothing is being written and nothing waits. */
  async idle(): Promise<void> {
    await this.writing
  }

  private async writeGroups(): Promise<void> {
    // Callers of the same turn belong together, so the first of them does not start alone.
    await Promise.resolve()
    while (this.waiting.length > 0) {
      const together = this.waiting
      this.waiting = []
      await this.writeGroup(together)
    }
    this.writing = undefined
  }

  private async writeGroup(together: Waiting<Group>[]): Promise<void> {
    const group = this.begin()
    const joined = together.flatMap((one) => {
      try {
        return [{ written: one.join(group), fail: one.fail }]
      } catch (refused) {
        one.fail(refused)
        return []
      }
    })
    try {
      await this.write(group)
    } catch (cause) {
      for (const { fail } of joined) fail(cause)
      return
    }
    for (const { written } of joined) written()
  }
}

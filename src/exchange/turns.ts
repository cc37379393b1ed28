/** Ends a turn; does nothing the second time. */
export type EndTurn = () => void

interface Waiting {
  start: (end: EndTurn | undefined) => void
}

/** Turns at something that only one at a time may do. */
export class Turns {
  #isTaken = false
  readonly #first: Waiting[] = []
  readonly #others: Waiting[] = []

  /**
   * Waits for a turn, in the order of asking.
   * @param options.first goes before all who wait without it
   * @param options.unless a signal that ends the waiting, and all turns to come
   * @returns what ends the turn, or undefined if there will be none
   */
  take({
    first = false,
    unless,
  }: {
    first?: boolean
    unless?: AbortSignal
  } = {}): Promise<EndTurn | undefined> {
    if (unless?.aborted) return Promise.resolve(undefined)
    if (!this.#isTaken) return Promise.resolve(this.#begin())
    const line = first ? this.#first : this.#others
    return new Promise((resolve) => {
      const leave = () => {
        line.splice(line.indexOf(waiting), 1)
        resolve(undefined)
      }
      const waiting: Waiting = {
        start: (end) => {
          unless?.removeEventListener('abort', leave)
          resolve(end)
        },
      }
      line.push(waiting)
      unless?.addEventListener('abort', leave, { once: true })
    })
  }

  #begin(): EndTurn {
    this.#isTaken = true
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#isTaken = false
      const next = this.#first.shift() ?? this.#others.shift()
      next?.start(this.#begin())
    }
  }
}

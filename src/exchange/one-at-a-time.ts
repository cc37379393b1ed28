/** Runs tasks one after the other, in the order in which they were given. */
export function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task)
    // The next one waits for this one's end, whatever that is; its failure goes to whoever gave the task.
    last = mine.then(
      () => undefined,
      () => undefined,
    )
    return mine
  }
}

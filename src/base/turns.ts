/** Resolves when the loop has come round: whatever waited has been served. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The items, others being served after each `length` of them. */
export async function* inTurns<T>(items: Iterable<T>, length: number): AsyncGenerator<T> {
  let count = 0
  for (const item of items) {
    if (count > 0 && count % length === 0) await nextTurn()
    count++
    yield item
  }
}

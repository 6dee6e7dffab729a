/** Runs what concerns one key one after the other, other keys side by side. */
export function serializer<Key>(): <Value>(key: Key, run: () => Promise<Value>) => Promise<Value> {
  const tails = new Map<Key, Promise<unknown>>()
  return (key, run) => {
    const before = tails.get(key) ?? Promise.resolve()
    const result = before.then(run, run)
    const tail = result
      .catch(() => {})
      .then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
    tails.set(key, tail)
    return result
  }
}

import type { Kind, StorageCodec } from '../../api/kind.ts'
import { nextTurn } from '../../base/turns.ts'
import type { Change, Store, StoredEntry, StoredRange } from '../../store/store.ts'

/** What caches and pages read of a store. */
export type ReadableStore = Pick<Store, 'list' | 'watch'>

/** How many objects are converted before others get a turn. */
const batch = 100
/** How many changes may wait for their conversion; who is that far behind begins again from a list. */
const maxWaiting = 10_000

/** What waits for the conversions before it. */
interface Step {
  /** 0: only how far the store has come. */
  readonly changes: number
  readonly run: () => void | Promise<void>
}

const written = new WeakMap<Uint8Array, Kind>()

/** Tells that bytes which were just given to the store are just as this kind shows them: they need no conversion. */
export function rememberShown(stored: Uint8Array, kind: Kind): void {
  written.set(stored, kind)
}

/** The store as a kind has its objects, in whatever version they were stored. The order of changes is kept. */
export function convertedStore(
  store: ReadableStore,
  kind: Kind,
  codec: StorageCodec,
  /** A change could not be converted: the watch has ended, and who kept what it told must forget it. */
  onFailure: () => void,
): ReadableStore {
  return { list, watch }

  async function list(...parameters: Parameters<Store['list']>): Promise<StoredRange> {
    const range = await store.list(...parameters)
    const entries: StoredEntry[] = []
    for (let first = 0; first < range.entries.length; first += batch) {
      if (first > 0) await nextTurn()
      const some = range.entries.slice(first, first + batch)
      const values = await codec.read(some.map(({ value }) => value))
      some.forEach((entry, index) => void entries.push({ ...entry, value: values[index] ?? entry.value }))
    }
    return { ...range, entries }
  }

  function watch(...[prefix, after, watcher]: Parameters<Store['watch']>): ReturnType<Store['watch']> {
    /** Nothing waits: changes pass as they come. */
    let waiting: Step[] = []
    let count = 0
    let isRunning = false
    const inner = store.watch(prefix, after, {
      onChanges: (changes) => inOrder({ changes: changes.length, run: () => pass(changes) }),
      onProgress: (revision) => inOrder({ changes: 0, run: () => watcher.onProgress?.(revision) }),
      onEnd: (error) => watcher.onEnd(error),
    })
    return inner

    function pass(changes: readonly Change[]): void | Promise<void> {
      const converted = convertedChanges(changes)
      if (!(converted instanceof Promise)) return watcher.onChanges(converted)
      return converted.then((ready) => watcher.onChanges(ready))
    }

    function inOrder(step: Step): void {
      if (isRunning) {
        // Of how far it has come the last word counts.
        if (step.changes === 0 && waiting.at(-1)?.changes === 0) waiting.pop()
        waiting.push(step)
        count += step.changes
        if (count > maxWaiting) fail(new Error('The conversion of objects is too slow'))
        return
      }
      const pending = attempt(step.run)
      if (pending) void drain(pending)
    }

    async function drain(first: Promise<void>): Promise<void> {
      isRunning = true
      await first.catch(fail)
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        count -= next.changes
        await attempt(next.run)?.catch(fail)
      }
      isRunning = false
    }

    function attempt(run: () => void | Promise<void>): Promise<void> | undefined {
      try {
        return run() ?? undefined
      } catch (error) {
        fail(error)
        return undefined
      }
    }

    function fail(error: unknown): void {
      waiting = []
      count = 0
      inner.stop()
      onFailure()
      watcher.onEnd(error instanceof Error ? error : new Error(String(error)))
    }
  }

  function convertedChanges(changes: readonly Change[]): readonly Change[] | Promise<readonly Change[]> {
    const isForeign = (value: Uint8Array | undefined): value is Uint8Array => value !== undefined && written.get(value) !== kind
    const foreign = changes.flatMap(({ value }) => (isForeign(value) ? [value] : []))
    const put = (values: readonly Uint8Array[]) => {
      let next = 0
      return changes.map((change) => (isForeign(change.value) ? { ...change, value: values[next++] } : change))
    }
    if (foreign.length === 0) return put([])
    const values = codec.read(foreign)
    return values instanceof Promise ? values.then(put) : put(values)
  }
}

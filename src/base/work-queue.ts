import type { Clock } from './clock.ts'

/**
 * Keys to work on. A key is held once however often it is added; a key that is added while it is being worked on is
 * handed out again after `done`; two workers never hold the same key.
 *
 *   add ─▶ queued ─take─▶ processing ─done─▶ (gone, or queued again if added meanwhile)
 */
export class WorkQueue<Key> {
  readonly #clock: Clock
  readonly #queued = new Set<Key>()
  readonly #processing = new Set<Key>()
  readonly #again = new Set<Key>()
  readonly #delayed = new Map<Key, { atMs: number; cancel: () => void }>()
  readonly #takers: ((key: Key | undefined) => void)[] = []
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keys waiting, not counting delayed ones. */
  get length(): number {
    return this.#queued.size
  }

  add(key: Key): void {
    if (this.#closed) return
    if (this.#processing.has(key)) {
      this.#again.add(key)
      return
    }
    if (this.#queued.has(key)) return
    const taker = this.#takers.shift()
    if (taker) {
      this.#processing.add(key)
      taker(key)
    } else this.#queued.add(key)
  }

  /** Adds the key after `delayMs`; of several delays for one key the earliest counts. */
  addAfter(key: Key, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) return this.add(key)
    const atMs = this.#clock.now() + delayMs
    const earlier = this.#delayed.get(key)
    if (earlier && earlier.atMs <= atMs) return
    earlier?.cancel()
    const cancel = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { atMs, cancel })
  }

  /** The next key, or undefined once the queue is closed. */
  take(): Promise<Key | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    for (const key of this.#queued) {
      this.#queued.delete(key)
      this.#processing.add(key)
      return Promise.resolve(key)
    }
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  done(key: Key): void {
    this.#processing.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  close(): void {
    this.#closed = true
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#queued.clear()
    this.#again.clear()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }
}

/**
 * One waiter, many wakers: a loop waits until somebody signals, and a signal that comes before the wait is not lost.
 * One per loop, made with the loop's AbortSignal, so that no abort listener is added per wait.
 */
export class Wakeup {
  #signalled = false
  #waiter: (() => void) | undefined

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.signal(), { once: true })
  }

  signal(): void {
    this.#signalled = true
    this.#waiter?.()
  }

  async wait(): Promise<void> {
    if (!this.#signalled) await new Promise<void>((resolve) => (this.#waiter = resolve))
    this.#waiter = undefined
    this.#signalled = false
  }
}

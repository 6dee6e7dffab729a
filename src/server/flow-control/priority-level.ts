import type { LimitedPriorityLevelConfiguration } from '../../api/types/flowcontrol-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { dealHand, type FlowHash } from './hand.ts'
import type { Limits } from './limits.ts'

/** Why a request is not done, in upstream's words. */
export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled'

/** What became of a request that asked for seats. `queue` is the one in which it had to wait. */
export type Admission = { readonly type: 'admitted'; readonly queue?: Queue } | { readonly type: 'refused'; readonly why: Refusal }

/** Upstream's: a quarter of what a request may take. */
const maxWaitMs = 15_000
/** How long a request is taken to hold its seats until it is known. */
const expectedMs = 3

export interface Asking {
  readonly width: number
  /** Both are only asked for when the request has to wait. */
  readonly hash: () => FlowHash
  readonly signal: () => AbortSignal
}

interface Waiting {
  readonly width: number
  settle(outcome: Admission): void
}

/** Requests of the flows that share a queue, in order of arrival. Kept while it has any. */
interface Queue {
  readonly index: number
  readonly waiting: Set<Waiting>
  waitingSeats: number
  executing: number
  /** Grows with the seats that it has used, and how long. */
  virtual: number
}

const admitted: Admission = { type: 'admitted' }

/**
 * The seats of one priority level, and who waits for them.
 *
 *   ask ─a seat is free and nobody waits─▶ executing ─leave─▶ (its seats go to the queue that has had least)
 *    │                                        ▲
 *    ├─limitResponse Queue─▶ waiting ─────────┘
 *    └─Reject, or the flow's queues are full─▶ refused;   waiting ─15 s, or its caller goes─▶ refused
 */
export class PriorityLevel {
  readonly name: string
  readonly #clock: Clock
  readonly #onWaiting: (level: PriorityLevel) => void
  readonly #queues = new Map<number, Queue>()
  #config: LimitedPriorityLevelConfiguration | undefined
  #limits: Limits = { nominal: 0, lendable: 0, max: 0 }
  #executingSeats = 0
  #executing = 0
  #waiting = 0
  /** That of the queue that was served last: where a queue that was idle begins. */
  #virtual = 0

  /** `onWaiting` is told when somebody begins to wait. */
  constructor(name: string, clock: Clock, onWaiting: (level: PriorityLevel) => void) {
    this.name = name
    this.#clock = clock
    this.#onWaiting = onWaiting
  }

  /** `config` is undefined for exempt levels, whose requests never wait. */
  configure(config: LimitedPriorityLevelConfiguration | undefined, limits: Limits): void {
    this.#config = config
    this.#limits = limits
  }

  get isExempt(): boolean {
    return this.#config === undefined
  }

  get limits(): Limits {
    return this.#limits
  }

  get executingSeats(): number {
    return this.#executingSeats
  }

  get executing(): number {
    return this.#executing
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Of what it may lend, what is lent to nobody and not used. */
  get idleLendable(): number {
    return this.#waiting > 0 ? 0 : Math.min(this.#limits.lendable, Math.max(0, this.#limits.nominal - this.#executingSeats))
  }

  get borrowed(): number {
    return this.isExempt ? 0 : Math.max(0, this.#executingSeats - this.#limits.nominal)
  }

  /** Asks for seats; who is admitted calls `leave`. `free` answers how many seats could be borrowed. */
  ask(asking: Asking, free: () => number): Admission | Promise<Admission> {
    if (this.isExempt || (this.#waiting === 0 && this.#hasRoom(asking.width, free))) {
      this.#take(asking.width)
      return admitted
    }
    const queuing = this.#config?.limitResponse?.type === 'Queue' ? this.#config.limitResponse.queuing : undefined
    if (!queuing) return { type: 'refused', why: 'concurrency-limit' }
    const queue = this.#choose(asking.hash(), queuing.queues ?? 64, queuing.handSize ?? 8)
    if (queue.waiting.size >= (queuing.queueLengthLimit ?? 50)) return { type: 'refused', why: 'queue-full' }
    return this.#wait(asking.width, asking.signal(), queue)
  }

  /** Gives seats back that were held for so long. */
  leave(width: number, queue: Queue | undefined, heldMs: number): void {
    this.#executingSeats -= width
    this.#executing--
    if (!queue) return
    queue.executing--
    queue.virtual += width * (heldMs - expectedMs)
    this.#forgetIdle(queue)
  }

  /** Admits as many of those who wait as there is room for, the queue that has had least first. */
  admitWaiting(free: () => number): void {
    while (this.#waiting > 0) {
      const queue = this.#next()
      const [first] = queue?.waiting ?? []
      if (!queue || !first || !this.#hasRoom(first.width, free)) return
      this.#take(first.width)
      this.#virtual = queue.virtual
      queue.virtual += first.width * expectedMs
      queue.executing++
      first.settle({ type: 'admitted', queue })
    }
  }

  #take(width: number): void {
    this.#executingSeats += width
    this.#executing++
  }

  /** A request that is wider than all there is runs alone. */
  #hasRoom(width: number, free: () => number): boolean {
    const after = this.#executingSeats + width
    if (after <= this.#limits.nominal || this.#executingSeats === 0) return true
    return after <= this.#limits.max && after - Math.max(this.#executingSeats, this.#limits.nominal) <= free()
  }

  #choose(hash: FlowHash, queues: number, handSize: number): Queue {
    let best: Queue | undefined
    for (const index of dealHand(hash, queues, handSize)) {
      const queue = this.#queues.get(index)
      if (!queue) return this.#made(index)
      if (!best || queue.waitingSeats < best.waitingSeats) best = queue
    }
    return best ?? this.#made(0)
  }

  #made(index: number): Queue {
    const queue: Queue = { index, waiting: new Set(), waitingSeats: 0, executing: 0, virtual: this.#virtual }
    this.#queues.set(index, queue)
    return queue
  }

  #next(): Queue | undefined {
    let best: Queue | undefined
    for (const queue of this.#queues.values()) if (queue.waiting.size > 0 && (!best || queue.virtual < best.virtual)) best = queue
    return best
  }

  #wait(width: number, signal: AbortSignal, queue: Queue): Promise<Admission> {
    if (signal.aborted) return Promise.resolve({ type: 'refused', why: 'cancelled' })
    return new Promise((resolve) => {
      const gone = () => waiting.settle({ type: 'refused', why: 'cancelled' })
      const cancel = this.#clock.after(maxWaitMs, () => waiting.settle({ type: 'refused', why: 'time-out' }))
      const waiting: Waiting = {
        width,
        settle: (outcome) => {
          cancel()
          signal.removeEventListener('abort', gone)
          queue.waiting.delete(waiting)
          queue.waitingSeats -= width
          this.#waiting--
          this.#forgetIdle(queue)
          resolve(outcome)
        },
      }
      signal.addEventListener('abort', gone, { once: true })
      queue.waiting.add(waiting)
      queue.waitingSeats += width
      this.#waiting++
      this.#onWaiting(this)
    })
  }

  #forgetIdle(queue: Queue): void {
    if (queue.waiting.size === 0 && queue.executing === 0) this.#queues.delete(queue.index)
  }
}

import { isDeepStrictEqual } from 'node:util'
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { ClusterChange } from './cluster-change.ts'
import { Heap } from './heap.ts'
import type { Plugin } from './plugin.ts'
import type { PodInfo } from './pod-info.ts'

/** How many pods wait, under upstream's names of the queues. */
export type PendingPods = Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>

/** A pod that waits for a node. */
export interface QueuedPod {
  readonly info: PodInfo
  readonly attempts: number
}

interface Entry {
  info: PodInfo
  attempts: number
  state: 'active' | 'backoff' | 'unschedulable' | 'gated' | 'trying'
  /** Ties of equal priority go to who came first. */
  readonly sequence: number
  /** When it was turned away, or when its back-off ends. */
  sinceMs: number
  readyMs: number
  rejectedBy: ReadonlySet<string>
}

const backoff = { firstMs: 1_000, maxMs: 10_000 }
/** However little happens, a pod is tried again after this long. */
const maxUnschedulableMs = 5 * 60_000

export type SchedulingQueue = ReturnType<typeof createSchedulingQueue>

/**
 * Pods that wait, the most important first.
 *
 *   put ─▶ active ─take─▶ trying ─turnedAway─▶ unschedulable ─a change that helps, or 5 min─▶ backoff ─time─▶ active
 *            ▲               │                                                                    │
 *            └───── gates gone           └─failed─▶ backoff (its time is kept)    taken early while nothing is active
 */
export function createSchedulingQueue({ clock, plugins, onReady }: { clock: Clock; plugins: readonly Plugin[]; onReady: () => void }) {
  const entries = new Map<string, Entry>()
  const active = new Heap<Entry>((left, right) =>
    left.info.priority === right.info.priority ? left.sequence < right.sequence : left.info.priority > right.info.priority,
  )
  const earlier = (left: Entry, right: Entry) => left.readyMs < right.readyMs
  const waiting = new Heap<Entry>(earlier)
  const afterErrors = new Heap<Entry>(earlier)
  /** In the order of `sinceMs`. */
  const unschedulable = new Set<Entry>()
  const wakers = new Map<string, ReadonlySet<ClusterChange>>(plugins.map(({ name, wakesOn }) => [name, new Set(wakesOn)]))
  let sequence = 0
  let timer: { atMs: number; cancel: () => void } | undefined

  return {
    /** A pod that has no node, new or changed. */
    put(info: PodInfo): void {
      const entry = entries.get(info.key)
      if (!entry || entry.info.uid !== info.uid) {
        this.remove(info.key)
        const made: Entry = { info, attempts: 0, state: 'gated', sequence: sequence++, sinceMs: 0, readyMs: 0, rejectedBy: new Set() }
        entries.set(info.key, made)
        if (!isGated(info)) activate(made)
        return
      }
      const before = entry.info
      entry.info = info
      if (entry.state === 'gated') {
        if (!isGated(info)) activate(entry)
      } else if (entry.state === 'unschedulable' && isOtherwise(before, info)) retry(entry)
    },
    /** The pod has its node, or is gone. */
    remove(key: string): void {
      const entry = entries.get(key)
      if (!entry) return
      entries.delete(key)
      unschedulable.delete(entry)
      // Heaps drop it when it comes up.
      entry.state = 'trying'
    },
    /** The next pod to try; whoever takes it tells how it went by `turnedAway`, `failed` or `remove`. */
    take(): QueuedPod | undefined {
      const entry = next(active, 'active') ?? next(waiting, 'backoff')
      if (!entry) return undefined
      entry.state = 'trying'
      entry.attempts++
      return entry
    },
    /** No node fits; without plug-ins to blame, any change may help. */
    turnedAway(pod: QueuedPod, rejectedBy: ReadonlySet<string>): void {
      const entry = current(pod)
      if (!entry) return
      entry.state = 'unschedulable'
      entry.sinceMs = clock.now()
      entry.rejectedBy = rejectedBy
      unschedulable.add(entry)
      schedule()
    },
    /** An error came between: it is tried again after its back-off, whatever happens. */
    failed(pod: QueuedPod): void {
      const entry = current(pod)
      if (entry) backOff(entry, afterErrors)
    },
    /** Wakes the pods for which one of these changes may make room. */
    changed(changes: ReadonlySet<ClusterChange>): void {
      if (changes.size === 0) return
      for (const entry of unschedulable) if (isHelped(entry, changes)) retry(entry)
    },
    close(): void {
      timer?.cancel()
      timer = undefined
    },
    get size(): number {
      return entries.size
    },
    /** How many pods wait, by why. */
    counts(): PendingPods {
      const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 }
      for (const { state } of entries.values()) if (state !== 'trying') counts[state]++
      return counts
    },
  }

  function current(pod: QueuedPod): Entry | undefined {
    const entry = entries.get(pod.info.key)
    return entry === pod && entry.state === 'trying' ? entry : undefined
  }

  function activate(entry: Entry): void {
    entry.state = 'active'
    active.push(entry)
    onReady()
  }

  function retry(entry: Entry): void {
    unschedulable.delete(entry)
    backOff(entry, waiting)
  }

  function backOff(entry: Entry, heap: Heap<Entry>): void {
    entry.readyMs = Math.max(entry.sinceMs, heap === afterErrors ? clock.now() : 0) + backoffMs(backoff, entry.attempts - 1)
    if (entry.readyMs <= clock.now()) return activate(entry)
    entry.state = 'backoff'
    heap.push(entry)
    schedule()
    if (heap === waiting) onReady()
  }

  function isHelped({ rejectedBy }: Entry, changes: ReadonlySet<ClusterChange>): boolean {
    if (rejectedBy.size === 0) return true
    for (const name of rejectedBy) {
      const wakes = wakers.get(name)
      for (const change of changes) if (wakes?.has(change)) return true
    }
    return false
  }

  function next(heap: Heap<Entry>, state: Entry['state']): Entry | undefined {
    for (let entry = heap.pop(); entry; entry = heap.pop()) if (entry.state === state) return entry
    return undefined
  }

  function first(heap: Heap<Entry>): Entry | undefined {
    while (heap.first && heap.first.state !== 'backoff') heap.pop()
    return heap.first
  }

  /** One timer, for whatever is due first. */
  function schedule(): void {
    const [oldest] = unschedulable
    const atMs = Math.min(
      first(waiting)?.readyMs ?? Number.POSITIVE_INFINITY,
      first(afterErrors)?.readyMs ?? Number.POSITIVE_INFINITY,
      oldest ? oldest.sinceMs + maxUnschedulableMs : Number.POSITIVE_INFINITY,
    )
    if (timer?.atMs === atMs) return
    timer?.cancel()
    timer = Number.isFinite(atMs) ? { atMs, cancel: clock.after(atMs - clock.now(), fire) } : undefined
  }

  function fire(): void {
    timer = undefined
    const nowMs = clock.now()
    for (const heap of [waiting, afterErrors]) {
      for (let due = first(heap); due && due.readyMs <= nowMs; due = first(heap)) {
        heap.pop()
        activate(due)
      }
    }
    for (const entry of unschedulable) {
      if (entry.sinceMs + maxUnschedulableMs > nowMs) break
      retry(entry)
    }
    schedule()
  }
}

const isGated = ({ pod }: PodInfo) => (pod.spec?.schedulingGates ?? []).length > 0

/** Whether anything but its status changed: only then may a pod fit that did not. */
const isOtherwise = (before: PodInfo, after: PodInfo) =>
  !isDeepStrictEqual(before.pod.spec, after.pod.spec) || !isDeepStrictEqual(before.pod.metadata.labels, after.pod.metadata.labels)

import type { Event } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Draft } from './client.ts'

/** What to do with an event. */
export type EventDecision =
  | { readonly type: 'create'; readonly event: Draft<Event> }
  /** The same happened before: one more on that event. */
  | { readonly type: 'count'; readonly namespace: string; readonly name: string; readonly count: number; readonly message: string }

/** Upstream's EventCorrelator: bucket of 25 events per source and object, refilled one in 5 minutes. */
const burst = 25
const refillMs = 300_000
/** More than this many events that differ only in their message, within 10 minutes, become one. */
const maxSimilar = 10
const similarMs = 600_000
/** Upstream's LRU size. */
const maxRemembered = 4_096

/** Decides what becomes of an event from those before it. */
export function createEventCorrelator({ clock }: { clock: Clock }) {
  const buckets = createRecent<{ tokens: number; atMs: number }>()
  const similar = createRecent<{ messages: Set<string>; atMs: number }>()
  const written = createRecent<{ namespace: string; name: string; count: number }>()
  /** The last event decided on, and what it counts as. */
  let last: { event: Draft<Event>; key: string } | undefined

  return {
    /** Whether the event's source still has a token for its object; takes it. */
    admits: (event: Draft<Event>): boolean => takeToken(sourceKey(event), clock.now()),
    /** For an event that was admitted. */
    decide(event: Draft<Event>): EventDecision {
      const nowMs = clock.now()
      const isCombined = isOneOfMany(event, nowMs)
      const message = isCombined ? `(combined from similar events): ${event.message ?? ''}` : (event.message ?? '')
      const key = isCombined ? similarKey(event) : exactKey(event)
      last = { event, key }
      const before = written.get(key)
      if (before) return { type: 'count', namespace: before.namespace, name: before.name, count: before.count + 1, message }
      return { type: 'create', event: { ...event, message } }
    },
    /** The event that was decided on last is stored. */
    written(event: Draft<Event>, { metadata, count }: Event): void {
      written.set(last?.event === event ? last.key : exactKey(event), {
        namespace: metadata.namespace ?? 'default',
        name: metadata.name,
        count: count ?? 1,
      })
    },
  }

  function takeToken(key: string, nowMs: number): boolean {
    const bucket = buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / refillMs)
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
    return tokens >= 1
  }

  function isOneOfMany(event: Draft<Event>, nowMs: number): boolean {
    const key = similarKey(event)
    const before = similar.get(key)
    const record = before && nowMs - before.atMs <= similarMs ? before : { messages: new Set<string>(), atMs: nowMs }
    // Past the limit there is nothing left to learn, so the set does not grow.
    if (record.messages.size <= maxSimilar) record.messages.add(event.message ?? '')
    record.atMs = nowMs
    similar.set(key, record)
    return record.messages.size > maxSimilar
  }
}

const sourceKey = ({ source, involvedObject: { kind, namespace, name, uid, apiVersion } }: Draft<Event>) =>
  [source?.component, source?.host, kind, namespace, name, uid, apiVersion].join('\0')

const similarKey = (event: Draft<Event>) =>
  [sourceKey(event), event.involvedObject.fieldPath, event.type, event.reason, event.reportingComponent, event.reportingInstance].join('\0')

const exactKey = (event: Draft<Event>) => `${similarKey(event)}\0${event.message ?? ''}`

/** A map that forgets what was not touched for longest. */
function createRecent<Value>() {
  const values = new Map<string, Value>()
  return {
    get: (key: string) => values.get(key),
    set(key: string, value: Value): void {
      values.delete(key)
      values.set(key, value)
      if (values.size <= maxRemembered) return
      for (const oldest of values.keys()) {
        values.delete(oldest)
        return
      }
    },
  }
}

import { dnsSubdomainProblems } from '../api/names.ts'
import type { KubeObject } from '../api/object.ts'
import { events } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Event, ObjectReference } from '../api/types/core-v1.ts'
import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Client, Draft } from './client.ts'
import { createEventCorrelator, type EventDecision } from './event-correlator.ts'

export interface EventRecorder {
  /** Tells what happened to an object. Never waits and never fails: events are the first thing to be dropped. */
  record(object: KubeObject | ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export interface EventRecorderOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Such as `default-scheduler`, `kubelet`. */
  readonly component: string
  /** The node it runs on, for kubelets. */
  readonly host?: string
  readonly signal: AbortSignal
}

const maxWaiting = 1_000
const maxMessageLength = 1_024
const backoff = { firstMs: 200, maxMs: 10_000, jitter: 0.5 }
const maxTries = 6

/** Writes core/v1 Events, one at a time, repeats as counts of one object (`createEventCorrelator` says which). */
export function createEventRecorder({ client, clock, random, log, component, host, signal }: EventRecorderOptions): EventRecorder {
  const resource = client.resource(events)
  const correlator = createEventCorrelator({ clock })
  const wakeup = new Wakeup(signal)
  const waiting: Draft<Event>[] = []
  let dropped = 0
  void writeAll().catch((error: unknown) => log.error('The event recorder ended', { error }))

  return {
    record(object, type, reason, message) {
      const draft = draftOf(referenceTo(object), type, reason, message.slice(0, maxMessageLength))
      // Before it takes a place, so that one object's flood does not push out what others have to tell.
      if (!correlator.admits(draft)) return
      if (waiting.length >= maxWaiting) {
        dropped++
        return
      }
      waiting.push(draft)
      wakeup.signal()
    },
  }

  function draftOf(involvedObject: ObjectReference, type: string, reason: string, message: string): Draft<Event> {
    const nowMs = Math.floor(clock.now())
    const nowText = timestamp(nowMs)
    // Upstream's name: the object's, and the time in nanoseconds; here with random digits below the millisecond.
    const nanos = BigInt(nowMs) * 1_000_000n + BigInt(Math.floor(random.fraction() * 1_000_000))
    return {
      metadata: { name: nameOf(involvedObject, nanos), namespace: involvedObject.namespace ?? 'default' },
      involvedObject,
      type,
      reason,
      message,
      source: { component, ...(host !== undefined && { host }) },
      firstTimestamp: nowText,
      lastTimestamp: nowText,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    }
  }

  /** Objects may have names that no event can have: too long with the time behind them, or with a colon. */
  function nameOf({ name = '' }: ObjectReference, nanos: bigint): string {
    const named = `${name}.${nanos.toString(16)}`
    return dnsSubdomainProblems(named).length === 0 ? named : random.uuid()
  }

  async function writeAll(): Promise<void> {
    while (!signal.aborted) {
      const draft = waiting.shift()
      if (!draft) {
        await wakeup.wait()
        continue
      }
      if (dropped > 0) {
        log.warn('Events were dropped', { count: dropped })
        dropped = 0
      }
      await write(correlator.decide(draft), draft)
    }
  }

  async function write(decision: EventDecision, draft: Draft<Event>): Promise<void> {
    for (let attempt = 0; attempt < maxTries && !signal.aborted; attempt++) {
      try {
        if (decision.type === 'create') correlator.written(draft, await resource.create(decision.event, { signal }))
        else {
          const { namespace, name, count, message } = decision
          const patch = { count, message, lastTimestamp: draft.lastTimestamp }
          correlator.written(draft, await resource.patch(namespace, name, 'merge', patch, { signal }))
        }
        return
      } catch (error) {
        if (signal.aborted) return
        // The object to count on has expired: the event begins anew.
        if (decision.type === 'count' && hasReason(error, 'NotFound'))
          return write({ type: 'create', event: { ...draft, message: decision.message } }, draft)
        // Refused for good: its namespace goes, it exists already, or it is not valid.
        if (hasReason(error, 'Forbidden', 'NotFound', 'AlreadyExists', 'Invalid', 'BadRequest')) return
        if (attempt === maxTries - 1) log.warn('An event could not be written', { error, reason: draft.reason })
        else await sleep(clock, backoffMs(backoff, attempt, random), signal)
      }
    }
  }
}

function referenceTo(object: KubeObject | ObjectReference): ObjectReference {
  if (!('metadata' in object)) return object
  const { name, namespace, uid, resourceVersion } = object.metadata
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  }
}

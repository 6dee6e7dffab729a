import { event as coreEvent } from '../core/event.ts'
import { defineKind } from '../define-kind.ts'
import type { JsonObject, KubeObject } from '../object.ts'
import type { Event } from '../types/events-v1.ts'

/** Fields that the two groups call differently: here, and in the core group under which events are kept. */
const names: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
]

const toCore = new Map(names)
const fromCore = new Map(names.map(([here, core]) => [core, here]))
const toStored = (object: JsonObject) => renamed({ ...object, apiVersion: 'v1' }, toCore)

/** The same events as the core group's, in the words of events.k8s.io. */
export const event = defineKind<Event>({
  group: 'events.k8s.io',
  kind: 'Event',
  createsOnUpdate: true,
  shortNames: ['ev'],
  storage: {
    group: '',
    version: 'v1',
    plural: 'events',
    toStored,
    fromStored: (object) => renamed({ ...object, apiVersion: 'events.k8s.io/v1' }, fromCore),
  },
  columns: (coreEvent.columns ?? []).map(({ cell, ...rest }) => ({
    ...rest,
    cell: (object, nowMs) => cell(toStored(object as unknown as JsonObject) as unknown as KubeObject, nowMs),
  })),
})

function renamed(object: JsonObject, to: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([field, value]) => [to.get(field) ?? field, value]))
}

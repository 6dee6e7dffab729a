// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as coreV1 from './core-v1.ts'
import type * as metaV1 from './meta-v1.ts'

export interface Event {
  action?: string
  apiVersion: string
  deprecatedCount?: number
  deprecatedFirstTimestamp?: string
  deprecatedLastTimestamp?: string
  deprecatedSource?: coreV1.EventSource
  eventTime: string
  kind: string
  metadata: metaV1.ObjectMeta
  note?: string
  reason?: string
  regarding?: coreV1.ObjectReference
  related?: coreV1.ObjectReference
  reportingController?: string
  reportingInstance?: string
  series?: EventSeries
  type?: string
}

export interface EventList {
  apiVersion: string
  items: Event[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface EventSeries {
  count: number
  lastObservedTime: string
}

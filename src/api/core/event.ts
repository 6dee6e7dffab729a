import { defineKind } from '../define-kind.ts'
import { ageOf } from '../duration.ts'
import { column, nameColumn, wideColumn } from '../table-columns.ts'
import type { Event } from '../types/core-v1.ts'

const firstSeen = ({ firstTimestamp, eventTime }: Event, nowMs: number) => ageOf(firstTimestamp ?? eventTime, nowMs)

function lastSeen(event: Event, nowMs: number): string {
  const time = event.series?.lastObservedTime ?? event.lastTimestamp
  return time === undefined ? firstSeen(event, nowMs) : ageOf(time, nowMs)
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || ''
  const instance = source?.host || reportingInstance
  return instance ? `${component}, ${instance}` : component
}

function objectText({ involvedObject }: Event): string {
  const kind = (involvedObject.kind ?? '').toLowerCase()
  return involvedObject.name ? `${kind}/${involvedObject.name}` : kind
}

export const event = defineKind<Event>({
  group: '',
  kind: 'Event',
  createsOnUpdate: true,
  shortNames: ['ev'],
  defaults(draft) {
    draft.involvedObject ??= {}
  },
  columns: [
    column('Last Seen', 'When it happened last.', lastSeen),
    column('Type', 'Normal or Warning.', ({ type }) => type ?? ''),
    column('Reason', 'Why, in one word for programs.', ({ reason }) => reason ?? ''),
    column('Object', 'What it is about.', objectText),
    wideColumn('Subobject', 'Which part of the object.', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
    wideColumn('Source', 'Who says so.', sourceText),
    column('Message', 'Why, for people.', ({ message }) => (message ?? '').trim()),
    wideColumn('First Seen', 'When it happened first.', firstSeen),
    wideColumn('Count', 'How often.', ({ series, count }) => series?.count ?? (count || 1)),
    { ...nameColumn, priority: 1 },
  ],
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
})

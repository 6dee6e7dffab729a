import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

test('events of both groups are shown alike', () => {
  const [core, event] = [kindUnderTest('', 'v1', 'Event'), kindUnderTest('events.k8s.io', 'v1', 'Event')]
  expect(event.columns).toBe('Last Seen Type Reason Object [Subobject] [Source] Message [First Seen] [Count] [Name]')
  expect(event.columns).toBe(core.columns)
  const shared = { type: 'Normal', reason: 'Started', reportingInstance: 'n' }
  const about = { kind: 'Pod', name: 'p', fieldPath: 'spec' }
  const cells = event.cells({
    ...shared,
    eventTime: '2026-01-01T00:01:00.000000Z',
    regarding: about,
    note: 'Started it\n',
    reportingController: 'kubelet',
    deprecatedCount: 3,
  })
  expect(cells).toEqual(['4m', 'Normal', 'Started', 'pod/p', 'spec', 'kubelet, n', 'Started it', '4m', 3, 'a'])
  expect(cells).toEqual(
    core.cells({
      ...shared,
      eventTime: '2026-01-01T00:01:00.000000Z',
      involvedObject: about,
      message: 'Started it\n',
      reportingComponent: 'kubelet',
      count: 3,
    }),
  )
})

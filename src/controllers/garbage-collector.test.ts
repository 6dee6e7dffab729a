import { expect, test } from 'vitest'
import type { KubeObject } from '../api/object.ts'
import { judge, type OwnerState, type Verdict } from './garbage-collector.ts'

const object = (owners: readonly OwnerState[], finalizers: string[] = []): KubeObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: {
    name: 'x',
    finalizers,
    ownerReferences: owners.map((_, index) => ({ apiVersion: 'v1', kind: 'O', name: 'o', uid: String(index) })),
  },
})

test.each<[readonly OwnerState[], boolean, string[], Verdict]>([
  [[], false, [], { type: 'keep' }],
  [['solid'], false, [], { type: 'keep' }],
  [['absent'], false, [], { type: 'delete', policy: 'Background' }],
  [['absent'], false, ['orphan'], { type: 'delete', policy: 'Orphan' }],
  [['absent'], true, ['foregroundDeletion'], { type: 'delete', policy: 'Foreground' }],
  [['waiting'], false, [], { type: 'delete', policy: 'Background' }],
  [['waiting'], true, [], { type: 'delete', policy: 'Foreground' }],
  [['solid', 'absent', 'waiting'], false, [], { type: 'release', uids: ['1', '2'] }],
  [['unknown'], false, [], { type: 'keep' }],
  [['unknown', 'absent'], false, [], { type: 'keep' }],
])('owners %j', (states, hasDependents, finalizers, verdict) => {
  expect(judge(object(states, finalizers), new Map(states.map((state, index) => [String(index), state])), hasDependents)).toEqual(verdict)
})

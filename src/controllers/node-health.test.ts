import { expect, test } from 'vitest'
import type { Node, Pod, Taint, Toleration } from '../api/types/core-v1.ts'
import { taintsOf } from './node-health.ts'
import { evictionMs } from './taint-eviction.ts'

const nowMs = Date.UTC(2026, 0, 1)
const node = (conditions: Record<string, string>, spec: Node['spec'] = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec,
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
})

test.each<[string, Node, string[]]>([
  ['well', node({ Ready: 'True' }), []],
  ['not ready', node({ Ready: 'False' }), ['not-ready:NoSchedule', 'not-ready:NoExecute']],
  ['not reachable', node({ Ready: 'Unknown' }), ['unreachable:NoSchedule', 'unreachable:NoExecute']],
  ['not heard of yet', node({}), []],
  ['short of memory', node({ Ready: 'True', MemoryPressure: 'True' }), ['memory-pressure:NoSchedule']],
  ['cordoned', node({ Ready: 'True' }, { unschedulable: true }), ['unschedulable:NoSchedule']],
  ['well again', node({ Ready: 'True' }, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] }), []],
])('taints of a node that is %s', (_, of, taints) => {
  const shown = (found: readonly Taint[]) => found.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
  expect(shown(taintsOf(of, { mayDriveOff: true, nowMs }))).toEqual(taints)
  expect(shown(taintsOf(of, { mayDriveOff: false, nowMs }))).toEqual(taints.filter((taint) => !taint.endsWith('NoExecute')))
})

const taint = { key: 'k', effect: 'NoExecute' }
const pod = (tolerations: Toleration[]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [], tolerations },
})
test.each<[string, Toleration[], number | undefined]>([
  ['none', [], nowMs],
  ['for ever', [{ key: 'k', operator: 'Exists' }], undefined],
  ['for a while', [{ key: 'k', operator: 'Exists', tolerationSeconds: 30 }], nowMs + 20_000],
  ['the shortest counts', [{ operator: 'Exists' }, { key: 'k', operator: 'Exists', tolerationSeconds: 5 }], nowMs - 5_000],
  ['another key', [{ key: 'other', operator: 'Exists' }], nowMs],
])('eviction with toleration: %s', (_, tolerations, atMs) => {
  expect(evictionMs(pod(tolerations), [taint], { drivenSinceMs: nowMs - 10_000, nowMs })).toBe(atMs)
})

test('a pod that came to a tainted node has its own time', () => {
  const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: new Date(nowMs - 1_000).toISOString() }]
  const late = { ...pod([{ key: 'k', operator: 'Exists', tolerationSeconds: 30 }]), status: { conditions } }
  expect(evictionMs(late, [taint], { drivenSinceMs: nowMs - 10_000, nowMs })).toBe(nowMs + 29_000)
})

import { expect, test } from 'vitest'
import type { Pod } from '../api/types/core-v1.ts'
import { planClaims } from './claim.ts'
import { inDeletionOrder } from './deletion-order.ts'
import { planReplicas } from './replicas.ts'
import { slowStart } from './slow-start.ts'

const nowMs = Date.UTC(2026, 0, 2)
const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString()
interface Shape {
  node?: string
  phase?: string
  readyFor?: number
  age?: number
  restarts?: number
  cost?: string
}
const pod = (name: string, { node = 'n', phase = 'Running', readyFor, age = 1000, restarts = 0, cost }: Shape = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    uid: name,
    creationTimestamp: ago(age),
    annotations: cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': cost },
  },
  spec: { containers: [], ...(node && { nodeName: node }) },
  status: {
    phase,
    conditions: readyFor === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readyFor) }],
    containerStatuses: [{ name: 'c', restartCount: restarts, ready: true, image: '', imageID: '' }],
  },
})

test.each<[string, Pod, Pod]>([
  ['not placed before placed', pod('a', { node: '' }), pod('b')],
  ['pending before running', pod('a', { phase: 'Pending' }), pod('b')],
  ['not ready before ready', pod('a'), pod('b', { readyFor: 10 })],
  ['cheap before dear', pod('a', { readyFor: 10, cost: '-5' }), pod('b', { readyFor: 10 })],
  ['ready for a shorter time before longer', pod('b', { readyFor: 5 }), pod('a', { readyFor: 500 })],
  ['restarted more often before seldom', pod('b', { readyFor: 5, restarts: 3 }), pod('a', { readyFor: 5 })],
  ['newer before older', pod('b', { age: 5 }), pod('a', { age: 500 })],
  ['ready times of one magnitude are equal: then by uid', pod('a', { readyFor: 600 }), pod('b', { readyFor: 550 })],
])('%s', (_, first, second) => {
  expect(inDeletionOrder([second, first], () => 0, nowMs)[0]).toBe(first)
})

test('pods that share their node go before those that are alone', () => {
  const [a, b, c] = [pod('a', { node: '1', readyFor: 10 }), pod('b', { node: '2', readyFor: 10 }), pod('c', { node: '2', readyFor: 10 })]
  const { create, remove } = planReplicas({ wanted: 2, active: [a, b, c], related: [a, b, c], nowMs })
  expect([create, remove.map(({ metadata }) => metadata.name)]).toEqual([0, ['b']])
})

test('what is missing is created, at most 500 at once', () => {
  expect(planReplicas({ wanted: 3, active: [pod('a')], related: [], nowMs })).toEqual({ create: 2, remove: [] })
  expect(planReplicas({ wanted: 3000, active: [], related: [], nowMs }).create).toBe(500)
})

test('a create that is refused is not tried a thousand times', async () => {
  let calls = 0
  const result = await slowStart(1000, async (index) => {
    calls++
    if (index >= 4) throw new Error('quota')
  })
  expect(result).toMatchObject({ done: 4, error: new Error('quota') })
  expect(calls).toBe(7)
  expect(await slowStart(10, async () => {})).toEqual({ done: 10 })
})

test('an owner adopts orphans it selects and lets go of what it selects no longer, unless it is being deleted', () => {
  const labelled = (name: string, app: string, deletionTimestamp?: string): Pod => {
    const one = pod(name)
    return { ...one, metadata: { ...one.metadata, labels: { app }, ...(deletionTimestamp && { deletionTimestamp }) } }
  }
  const owner = pod('owner')
  const owned = [labelled('mine', 'x'), labelled('changed', 'y')]
  const orphans = [labelled('free', 'x'), labelled('other', 'y'), labelled('dying', 'x', ago(1))]
  const selector = [{ key: 'app', operator: 'In', values: ['x'] }] as const
  const named = (claims: ReturnType<typeof planClaims<Pod>>) =>
    [claims.keep, claims.adopt, claims.release].map((pods) => pods.map(({ metadata }) => metadata.name))
  expect(named(planClaims(owner, selector, { owned, orphans }))).toEqual([['mine'], ['free'], ['changed']])
  const leaving = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: ago(1) } }
  expect(named(planClaims(leaving, selector, { owned, orphans }))).toEqual([['mine'], [], []])
})

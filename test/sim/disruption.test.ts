import { afterEach, expect, test } from 'vitest'
import { deployments, podDisruptionBudgets, pods } from '../../src/api/resources.ts'
import type { Pod } from '../../src/api/types/core-v1.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const seconds = (count: number) => plane.clock.advance(count * 1000)
const web = () => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } } as never, spec: { containers: [{ name: 'c', image: 'app:1' }] } },
  },
})
const budget = async () => (await plane.client.resource(podDisruptionBudgets).get('default', 'web')).status
const evict = ({ metadata }: Pod) =>
  plane.client.resource(pods).createSubresource('default', metadata.name, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: metadata.name },
  })

test('evictions are allowed as far as the budget goes, and again once the pods are replaced', async () => {
  plane = await createControlPlane({ seed: 1, faults: { watchDelayMs: 200, refused: 0.1, lostReplies: 0.1 } })
  await plane.client.resource(deployments).create(web())
  await plane.client.resource(podDisruptionBudgets).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, maxUnavailable: '25%' },
  })
  await seconds(20)
  expect(await budget()).toMatchObject({ expectedPods: 4, desiredHealthy: 3, currentHealthy: 4, disruptionsAllowed: 1 })
  const [first, second] = await plane.list(pods)
  if (!first || !second) throw new Error('no pods')
  await evict(first)
  await expect(evict(second)).rejects.toMatchObject({ reason: 'TooManyRequests' })
  await seconds(60)
  expect((await budget())?.disruptedPods).toBeUndefined()
  expect(await budget()).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 })
  await evict(second)
  await plane.client.resource(deployments).patch('default', 'web', 'merge', { spec: { replicas: 8 } })
  await seconds(60)
  expect(await budget()).toMatchObject({ expectedPods: 8, desiredHealthy: 6, currentHealthy: 8, disruptionsAllowed: 2 })
  const before = plane.writes.length
  await seconds(600)
  expect(plane.writes.slice(before).filter((write) => write.includes('poddisruptionbudgets'))).toEqual([])
  expect(plane.errors).toEqual([])
})

test('pods whose owner is not known are not let go', async () => {
  plane = await createControlPlane({ seed: 2 })
  const owner = { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'u', controller: true }
  await plane.client.resource(podDisruptionBudgets).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, maxUnavailable: 1 },
  })
  await plane.client.resource(pods).create({
    metadata: { name: 'owned', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner] },
    spec: { containers: [{ name: 'c', image: 'app:1' }] },
  })
  await seconds(5)
  expect(await budget()).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed' }],
  })
})

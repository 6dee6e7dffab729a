import { afterEach, expect, test } from 'vitest'
import { configMaps, deployments, pods, resourceQuotas } from '../../src/api/resources.ts'
import { resourceQuota } from '../../src/server/admission/resource-quota.ts'
import { basicAdmission } from '../../src/server/admission/standard-admission.ts'
import { type ControlPlane, createControlPlane, type Faults } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const begin = async (seed: number, faults?: Faults) => {
  plane = await createControlPlane({ seed, admission: [...basicAdmission, resourceQuota], ...(faults && { faults }) })
}
const seconds = (count: number) => plane.clock.advance(count * 1000)
const quota = (hard: Record<string, string>) =>
  plane.client.resource(resourceQuotas).create({ metadata: { name: 'q', namespace: 'default' }, spec: { hard } })
const used = async () => (await plane.client.resource(resourceQuotas).get('default', 'q')).status?.used
const podSpec = { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '500m' } } }] }
const labels = { app: 'a' }
const deployment = (replicas: number) =>
  plane.client.resource(deployments).create({
    metadata: { name: 'a', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { name: '', labels }, spec: podSpec } },
  })

test('a new quota learns what there is', async () => {
  await begin(1)
  await deployment(2)
  await plane.client.resource(configMaps).create({ metadata: { name: 'm', namespace: 'default' } })
  await seconds(1)
  await quota({
    pods: '5',
    'requests.cpu': '4',
    'count/deployments.apps': '3',
    'count/replicasets.apps': '3',
    configmaps: '9',
    secrets: '1',
  })
  await seconds(1)
  expect(await used()).toEqual({
    pods: '2',
    'requests.cpu': '1',
    'count/deployments.apps': '1',
    'count/replicasets.apps': '1',
    configmaps: '2',
    secrets: '0',
  })
})

test('a deployment gets as many pods as fit, and more when there is more', async () => {
  await begin(2)
  await quota({ pods: '3' })
  await seconds(1)
  await deployment(5)
  await seconds(2)
  expect(await plane.list(pods, 'default')).toHaveLength(3)
  expect(await used()).toEqual({ pods: '3' })
  const current = await plane.client.resource(resourceQuotas).get('default', 'q')
  await plane.client.resource(resourceQuotas).update({ ...current, spec: { hard: { pods: '10' } } })
  await seconds(60)
  expect(await plane.list(pods, 'default')).toHaveLength(5)
  expect(await used()).toEqual({ pods: '5' })
})

test('what goes is given back, by all ways in which it goes', async () => {
  await begin(3)
  await quota({ pods: '10', 'count/configmaps': '10' })
  await deployment(4)
  const map = await plane.client.resource(configMaps).create({ metadata: { name: 'm', namespace: 'default' } })
  await seconds(3)
  expect(await used()).toEqual({ pods: '4', 'count/configmaps': '2' })
  await plane.client.resource(configMaps).delete('default', map.metadata.name)
  const [first] = await plane.list(pods, 'default')
  // A pod that has ended is an object still, and uses nothing.
  if (first)
    await plane.client
      .resource(pods)
      .updateStatus({ ...first, metadata: { ...first.metadata, ownerReferences: [] }, status: { ...first.status, phase: 'Succeeded' } })
  await seconds(1)
  expect(await used()).toMatchObject({ 'count/configmaps': '1' })
  await plane.client.resource(deployments).delete('default', 'a', { propagationPolicy: 'Background' })
  await seconds(60)
  expect(await used()).toEqual({ pods: '0', 'count/configmaps': '1' })
})

test.each([1, 2, 3])('never more than there is, and the truth in the end, whatever goes wrong (%i)', async (seed) => {
  await begin(10 + seed, { watchDelayMs: 200, refused: 0.05, lostReplies: 0.05 })
  await quota({ pods: '4' })
  while ((await used())?.pods === undefined) await seconds(1)
  await deployment(8)
  for (let round = 0; round < 20; round++) {
    await seconds(1)
    const running = await plane.list(pods, 'default')
    expect(running.length).toBeLessThanOrEqual(4)
    const victim = running[round % Math.max(running.length, 1)]
    if (victim) await plane.client.resource(pods).delete('default', victim.metadata.name, { gracePeriodSeconds: 0 })
  }
  await seconds(400)
  expect(await plane.list(pods, 'default')).toHaveLength(4)
  expect(await used()).toEqual({ pods: '4' })
})

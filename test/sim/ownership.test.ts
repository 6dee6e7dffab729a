import { afterEach, expect, test } from 'vitest'
import { configMaps, deployments, namespaces, pods, secrets, serviceAccounts } from '../../src/api/resources.ts'
import { hasReason } from '../../src/api/status-error.ts'
import type { ConfigMap } from '../../src/api/types/core-v1.ts'
import type { OwnerReference } from '../../src/api/types/meta-v1.ts'
import { seededRandom } from '../../src/base/random.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const maps = () => plane.client.resource(configMaps)
const seconds = (count: number) => plane.clock.advance(count * 1000)
const ownerOf = ({ metadata }: ConfigMap, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: metadata.name,
  uid: metadata.uid ?? '',
  ...more,
})
const add = (name: string, owners: readonly OwnerReference[] = [], finalizers: string[] = []) =>
  maps().create({ metadata: { name, namespace: 'default', ownerReferences: [...owners], finalizers } })
const names = async () =>
  (await plane.list(configMaps, 'default')).map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')
const has = async (name: string) => (await names()).includes(name)

test('what no owner is left of goes, in chains; what another owner holds stays and forgets the lost one', async () => {
  plane = await createControlPlane({ seed: 1 })
  const [a, b] = [await add('a'), await add('b')]
  const child = await add('child', [ownerOf(a)])
  await add('grandchild', [ownerOf(child)])
  await add('shared', [ownerOf(a), ownerOf(b)])
  await maps().delete('default', 'a')
  await seconds(1)
  expect(await names()).toEqual(['b', 'shared'])
  expect((await maps().get('default', 'shared')).metadata.ownerReferences).toEqual([ownerOf(b)])
})

test('an owner that never was, or whose name another has, holds nothing', async () => {
  plane = await createControlPlane({ seed: 2 })
  const a = await add('a')
  await add('of-nobody', [ownerOf(a, { name: 'never', uid: 'never-was' })])
  await add('of-other', [ownerOf(a, { uid: 'older-one' })])
  await add('of-unknown-kind', [ownerOf(a, { apiVersion: 'example.com/v1', kind: 'Thing', uid: 'u-1' })])
  await seconds(1)
  expect(await names()).toEqual(['a', 'of-unknown-kind'])
})

test('an owner elsewhere holds nothing; a cluster-wide one holds across namespaces', async () => {
  plane = await createControlPlane({ seed: 3 })
  const far = await maps().create({ metadata: { name: 'far', namespace: 'kube-system' } })
  const space = await plane.client.resource(namespaces).get(undefined, 'kube-system')
  await add('stray', [ownerOf(far)])
  await add('held', [{ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system', uid: space.metadata.uid ?? '' }])
  await seconds(1)
  expect(await names()).toEqual(['held'])
})

test('a foreground deletion waits for the dependents that block it, and takes the others along', async () => {
  plane = await createControlPlane({ seed: 4 })
  const a = await add('a')
  await add('blocking', [ownerOf(a, { blockOwnerDeletion: true })], ['example.com/hold'])
  await add('other', [ownerOf(a)])
  await maps().delete('default', 'a', { propagationPolicy: 'Foreground' })
  await seconds(1)
  expect(await names()).toEqual(['a', 'blocking'])
  await maps().patch('default', 'blocking', 'merge', { metadata: { finalizers: null } })
  await seconds(1)
  expect(await names()).toEqual([])
})

test('a circle of owners that wait for each other comes apart', async () => {
  plane = await createControlPlane({ seed: 5 })
  const a = await add('a')
  const b = await add('b', [ownerOf(a, { blockOwnerDeletion: true })])
  await maps().patch('default', 'a', 'merge', { metadata: { ownerReferences: [ownerOf(b, { blockOwnerDeletion: true })] } })
  await maps().delete('default', 'a', { propagationPolicy: 'Foreground' })
  await seconds(2)
  expect(await names()).toEqual([])
})

test('orphans are let go and stay', async () => {
  plane = await createControlPlane({ seed: 6 })
  const a = await add('a')
  await add('child', [ownerOf(a)])
  await maps().delete('default', 'a', { propagationPolicy: 'Orphan' })
  await seconds(1)
  expect(await names()).toEqual(['child'])
  expect((await maps().get('default', 'child')).metadata.ownerReferences ?? []).toEqual([])
})

test('what lost its owner while nobody looked goes when the controllers come back', async () => {
  plane = await createControlPlane({ seed: 7 })
  const a = await add('a')
  await add('child', [ownerOf(a)])
  await seconds(1)
  const paused = plane.pauseControllers()
  await paused
  await maps().delete('default', 'a')
  await seconds(1)
  expect(await names()).toEqual(['child'])
  await plane.restartControllers()
  await seconds(1)
  expect(await names()).toEqual([])
})

test.each([11, 12, 13, 14])('seed %i: in a random graph exactly what is held stays, under delays and faults', async (seed) => {
  plane = await createControlPlane({ seed, faults: { watchDelayMs: 300, refused: 0.1, lostReplies: 0.1 } })
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random.fraction() * below)
  const made: ConfigMap[] = []
  const ownersOf = new Map<string, readonly string[]>()
  for (let index = 0; index < 60; index++) {
    const owners =
      index < 8
        ? []
        : [...new Set(Array.from({ length: 1 + pick(3) }, () => pick(index)))].map((at) => made[at]).filter((map) => map !== undefined)
    const map = await add(
      `m${index}`,
      owners.map((owner) => ownerOf(owner, { blockOwnerDeletion: pick(2) === 0 })),
    )
    made.push(map)
    ownersOf.set(
      map.metadata.name,
      owners.map(({ metadata }) => metadata.name),
    )
    if (pick(4) === 0) await seconds(0.1)
  }
  const gone = new Set<string>()
  for (const root of [0, 2, 3, 5, 20, 30]) {
    const name = `m${root}`
    gone.add(name)
    const propagationPolicy = pick(2) === 0 ? 'Foreground' : 'Background'
    try {
      await maps().delete('default', name, { propagationPolicy })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
    if (pick(2) === 0) await seconds(0.2)
    if (root === 3) await plane.restartControllers()
  }
  await seconds(120)
  // In the order in which they were made, since owners come first.
  for (const [name, owners] of ownersOf) if (owners.length > 0 && owners.every((owner) => gone.has(owner))) gone.add(name)
  expect(await names()).toEqual([...ownersOf.keys()].filter((name) => !gone.has(name)).sort())
  expect(plane.errors).toEqual([])
})

test('a namespace goes with all that is in it, pods first, and tells what it waits for', async () => {
  plane = await createControlPlane({ seed: 8 })
  await plane.client.resource(namespaces).create({ metadata: { name: 'team' }, spec: {} })
  await seconds(1)
  expect((await plane.list(serviceAccounts, 'team')).map(({ metadata }) => metadata.name)).toEqual(['default'])
  expect((await plane.list(configMaps, 'team'))[0]?.data).toEqual({ 'ca.crt': 'PEM' })
  await plane.client
    .resource(pods)
    .create({ metadata: { name: 'p', namespace: 'team' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  await maps().create({ metadata: { name: 'held', namespace: 'team', finalizers: ['example.com/hold'] } })
  await plane.client.resource(secrets).create({ metadata: { name: 's', namespace: 'team' } })
  await seconds(5)
  await plane.client.resource(namespaces).delete(undefined, 'team')
  await plane.clock.advance(10)
  const space = async () => (await plane.list(namespaces)).find(({ metadata }) => metadata.name === 'team')
  const says = async (type: string) => (await space())?.status?.conditions?.find((condition) => condition.type === type)
  expect(await plane.list(secrets, 'team')).toHaveLength(1)
  expect(await says('NamespaceContentRemaining')).toMatchObject({
    status: 'True',
    message: 'Some resources are remaining: pods. has 1 resource instances',
  })
  await seconds(20)
  expect((await plane.list(configMaps, 'team')).map(({ metadata }) => metadata.name)).toEqual(['held'])
  expect(await plane.list(secrets, 'team')).toEqual([])
  expect(await says('NamespaceFinalizersRemaining')).toMatchObject({
    status: 'True',
    message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  })
  await maps().patch('team', 'held', 'merge', { metadata: { finalizers: null } })
  await plane.clock.advance(50)
  expect(await space()).toBeUndefined()
  expect(plane.errors).toEqual([])
})

test.each([700, 703])(
  'seed %i: a namespace goes under delays, faults and restarts, and no call that fails is taken for a bug',
  async (seed) => {
    plane = await createControlPlane({ seed, faults: { watchDelayMs: 400, refused: 0.1, lostReplies: 0.1 } })
    await plane.client.resource(namespaces).create({ metadata: { name: 'team' }, spec: {} })
    await plane.client.resource(secrets).create({ metadata: { name: 's', namespace: 'team' } })
    const template = { metadata: { labels: { app: 'web' } } as never, spec: { containers: [{ name: 'c', image: 'i' }] } }
    await plane.client.resource(deployments).create({
      metadata: { name: 'web', namespace: 'team' },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
    })
    await seconds(5)
    await plane.client.resource(namespaces).delete(undefined, 'team')
    await seconds(1)
    await plane.restartControllers()
    await seconds(120)
    expect((await plane.list(namespaces)).map(({ metadata }) => metadata.name)).not.toContain('team')
    expect(await plane.list(pods)).toEqual([])
    expect(plane.errors).toEqual([])
  },
)

test('what each namespace has comes back when it is deleted or changed', async () => {
  plane = await createControlPlane({ seed: 9 })
  await seconds(1)
  await plane.client.resource(serviceAccounts).delete('default', 'default')
  await maps().delete('default', 'kube-root-ca.crt')
  await maps().patch('kube-system', 'kube-root-ca.crt', 'merge', { data: { 'ca.crt': 'forged' } })
  await seconds(1)
  expect((await plane.list(serviceAccounts, 'default')).map(({ metadata }) => metadata.name)).toEqual(['default'])
  expect(await has('kube-root-ca.crt')).toBe(false)
  expect((await maps().get('default', 'kube-root-ca.crt')).data).toEqual({ 'ca.crt': 'PEM' })
  expect((await maps().get('kube-system', 'kube-root-ca.crt')).data).toEqual({ 'ca.crt': 'PEM' })
})

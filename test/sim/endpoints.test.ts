import { afterEach, expect, test } from 'vitest'
import { endpointSlices, endpoints, services } from '../../src/api/resources.ts'
import type { EndpointSlice } from '../../src/api/types/discovery-v1.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())
const seconds = (count: number) => plane.clock.advance(count * 1000)
const mirrored = async () =>
  (await plane.list(endpointSlices, 'default')).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'outside')
const addressesIn = (slices: readonly EndpointSlice[]) =>
  slices
    .flatMap(({ endpoints: held = [] }) => (held ?? []).map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`))
    .sort()
const addService = () =>
  plane.client.resource(services).create({ metadata: { name: 'outside', namespace: 'default' }, spec: { ports: [{ port: 5432 }] } })
const subsets = [
  { addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }], notReadyAddresses: [{ ip: '192.0.2.3' }], ports: [{ port: 5432 }] },
  { addresses: [{ ip: 'fd00::1' }], ports: [{ port: 5432 }] },
]
const addEndpoints = (labels = {}) =>
  plane.client.resource(endpoints).create({ metadata: { name: 'outside', namespace: 'default', labels }, subsets })

test('Endpoints that people write for a Service without a selector are shown in slices, and go with it', async () => {
  plane = await createControlPlane({ seed: 1, faults: { watchDelayMs: 200, refused: 0.1, lostReplies: 0.1 } })
  await addEndpoints({ team: 'db' })
  await seconds(5)
  expect(await mirrored()).toEqual([])
  await addService()
  await seconds(5)
  const slices = await mirrored()
  expect(slices.map(({ addressType }) => addressType).sort()).toEqual(['IPv4', 'IPv6'])
  expect(addressesIn(slices)).toEqual(['192.0.2.1 true', '192.0.2.2 true', '192.0.2.3 false', 'fd00::1 true'])
  expect(slices[0]).toMatchObject({
    metadata: {
      labels: { team: 'db', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
      ownerReferences: [{ kind: 'Endpoints', name: 'outside', controller: true }],
    },
    ports: [{ port: 5432, protocol: 'TCP' }],
  })
  await plane.client.resource(endpoints).patch('default', 'outside', 'merge', {
    subsets: [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 5432 }] }],
  })
  await seconds(5)
  expect(addressesIn(await mirrored())).toEqual(['192.0.2.9 true'])
  expect((await mirrored()).map(({ metadata }) => metadata.uid)).toEqual(
    slices.filter(({ addressType }) => addressType === 'IPv4').map(({ metadata }) => metadata.uid),
  )
  const before = plane.writes.length
  await seconds(60)
  expect(plane.writes.slice(before)).toEqual([])
  await plane.client.resource(services).delete('default', 'outside')
  await seconds(5)
  expect(await mirrored()).toEqual([])
  expect(plane.errors).toEqual([])
})

test('Endpoints that ask not to be, and those of a Service with a selector, are not mirrored', async () => {
  plane = await createControlPlane({ seed: 2 })
  await addService()
  await addEndpoints({ 'endpointslice.kubernetes.io/skip-mirror': 'true' })
  await seconds(5)
  expect(await mirrored()).toEqual([])
  await plane.client.resource(endpoints).patch('default', 'outside', 'merge', { metadata: { labels: null } })
  await seconds(5)
  expect(await mirrored()).toHaveLength(2)
  await plane.client.resource(services).patch('default', 'outside', 'merge', { spec: { selector: { app: 'inside' } } })
  await seconds(5)
  const managers = (await mirrored()).map(({ metadata }) => metadata.labels?.['endpointslice.kubernetes.io/managed-by'])
  expect(managers).toEqual(['endpointslice-controller.k8s.io'])
})

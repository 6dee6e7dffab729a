import { afterEach, expect, test } from 'vitest'
import { ipAddresses, serviceCidrs, services } from '../../src/api/resources.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const seconds = (count: number) => plane.clock.advance(count * 1000)
const addService = async (name: string, clusterIP?: string) => {
  const spec = { ports: [{ port: 80 }], ...(clusterIP !== undefined && { clusterIP }) }
  const { spec: made } = await plane.client.resource(services).create({ metadata: { name, namespace: 'default' }, spec })
  return made?.clusterIP ?? ''
}
const shown = async () =>
  (await plane.list(ipAddresses))
    .map(({ metadata, spec }) => `${metadata.name} ${spec.parentRef?.namespace}/${spec.parentRef?.name}`)
    .sort()
const ready = async (name: string) => (await plane.client.resource(serviceCidrs).get(undefined, name)).status?.conditions?.[0]

test('addresses of services are shown while the services have them', async () => {
  plane = await createControlPlane({ seed: 1, faults: { watchDelayMs: 200, refused: 0.1, lostReplies: 0.1 } })
  const [a, b] = [await addService('a'), await addService('b')]
  await addService('headless', 'None')
  await seconds(10)
  expect(await shown()).toEqual([`${a} default/a`, `${b} default/b`].sort())
  const address = (await plane.list(ipAddresses)).find(({ metadata }) => metadata.name === a)
  expect(address?.metadata.labels).toEqual({
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
  })
  await plane.client.resource(services).delete('default', 'a')
  await plane.client.resource(ipAddresses).delete(undefined, b)
  await seconds(10)
  expect(await shown()).toEqual([`${b} default/b`])
  expect(plane.errors).toEqual([])
})

test('a range that is added gives addresses, and stays while it is needed', async () => {
  plane = await createControlPlane({ seed: 2, faults: { watchDelayMs: 200, refused: 0.1, lostReplies: 0.1 } })
  await expect(addService('early', '10.250.0.20')).rejects.toThrow('not in the valid range')
  await plane.client.resource(serviceCidrs).create({ metadata: { name: 'more' }, spec: { cidrs: ['10.250.0.0/24'] } })
  await seconds(10)
  expect(await ready('more')).toMatchObject({ type: 'Ready', status: 'True' })
  expect(await ready('kubernetes')).toMatchObject({ status: 'True' })
  expect(await addService('a', '10.250.0.20')).toBe('10.250.0.20')
  await seconds(10)
  await plane.client.resource(serviceCidrs).delete(undefined, 'more')
  await seconds(10)
  expect(await ready('more')).toMatchObject({ status: 'False', reason: 'Terminating' })
  await expect(addService('late', '10.250.0.21')).rejects.toThrow('not in the valid range')
  await plane.client.resource(services).delete('default', 'a')
  await seconds(10)
  expect((await plane.list(serviceCidrs)).map(({ metadata }) => metadata.name)).toEqual(['kubernetes'])
  expect(plane.errors).toEqual([])
})

test('an address that somebody else has is given to no service', async () => {
  plane = await createControlPlane({ seed: 3 })
  const parentRef = { group: 'example.com', resource: 'gateways', namespace: 'default', name: 'g' }
  await plane.client.resource(ipAddresses).create({ metadata: { name: '10.96.0.77' }, spec: { parentRef } })
  await expect(addService('a', '10.96.0.77')).rejects.toThrow('provided IP is already allocated')
  await plane.client.resource(ipAddresses).delete(undefined, '10.96.0.77')
  expect(await addService('a', '10.96.0.77')).toBe('10.96.0.77')
})

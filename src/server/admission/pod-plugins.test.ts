import { beforeEach, describe, expect, test } from 'vitest'
import { type Loose, serverWith } from './admission-fixture.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { denyServiceExternalIps } from './deny-service-external-ips.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts'
import { namespaceAutoProvision } from './namespace-auto-provision.ts'
import { namespaceExists } from './namespace-exists.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { runtimeClass } from './runtime-class.ts'
import { type AdmissionFactory, basicAdmission, chosenAdmission } from './standard-admission.ts'

let server: Awaited<ReturnType<typeof serverWith>>
const start = async (...more: AdmissionFactory[]) => {
  server = await serverWith([...more, ...basicAdmission])
}
const pods = '/api/v1/namespaces/default/pods'
const container = { name: 'c', image: 'i:1' }
const podOf = async (spec: object, name = 'a'): Promise<Loose> =>
  (await server.send('POST', pods, { metadata: { name }, spec: { containers: [container], ...spec } })).object

describe('a runtime class', () => {
  const classes = '/apis/node.k8s.io/v1/runtimeclasses'
  const toleration = { key: 'sandboxed', operator: 'Exists', effect: 'NoSchedule' }
  beforeEach(async () => {
    await start(runtimeClass)
    await server.send('POST', classes, {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '250m', memory: '120Mi' } },
      scheduling: { nodeSelector: { runtime: 'vm' }, tolerations: [toleration] },
    })
    await server.send('POST', classes, { metadata: { name: 'plain' }, handler: 'plain' })
  })

  test('gives pods its overhead and says where they run', async () => {
    const { spec } = await podOf({ runtimeClassName: 'vm', nodeSelector: { disk: 'ssd', runtime: 'vm' }, tolerations: [toleration] })
    expect(spec.overhead).toEqual({ cpu: '250m', memory: '120Mi' })
    expect(spec.nodeSelector).toEqual({ disk: 'ssd', runtime: 'vm' })
    expect(spec.tolerations.filter(({ key }: Loose) => key === 'sandboxed')).toEqual([toleration])
    expect((await podOf({ runtimeClassName: 'plain' }, 'b')).spec.overhead).toBeUndefined()
  })

  test.each([
    ['is not there', { runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
    [
      'means another overhead',
      { runtimeClassName: 'vm', overhead: { cpu: '1' } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    ['is not named', { overhead: { cpu: '1' } }, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [
      'means other nodes',
      { runtimeClassName: 'vm', nodeSelector: { runtime: 'oci' } },
      'conflict: runtimeClass.scheduling.nodeSelector[runtime] = vm; pod.spec.nodeSelector[runtime] = oci',
    ],
  ])('that %s is refused', async (_, spec, why) => {
    expect((await podOf(spec)).message).toBe(`pods "a" is forbidden: ${why}`)
  })
})

test('every image is pulled; an update without new images stays as it is', async () => {
  await start(() => alwaysPullImages)
  const { spec } = await podOf({
    initContainers: [{ ...container, name: 'i', imagePullPolicy: 'Never' }],
    volumes: [{ name: 'v', image: { reference: 'r:1', pullPolicy: 'Never' } }],
  })
  expect(spec.containers[0].imagePullPolicy).toBe('Always')
  expect(spec.initContainers[0].imagePullPolicy).toBe('Always')
  expect(spec.volumes[0].image.pullPolicy).toBe('Always')
  expect((await server.send('PATCH', `${pods}/a`, { metadata: { labels: { a: 'b' } } })).status).toBe(200)
})

test('anti-affinity that must hold keeps others off a node, not off more', async () => {
  await start(() => limitPodHardAntiAffinityTopology)
  const away = (topologyKey: string) => ({
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { a: 'b' } } }] },
    },
  })
  expect((await podOf(away('kubernetes.io/hostname'))).message).toBeUndefined()
  expect((await podOf(away('topology.kubernetes.io/zone'), 'b')).message).toBe(
    'pods "b" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed',
  )
})

test('pods tolerate the names of the devices that they ask for', async () => {
  await start(() => extendedResourceToleration)
  const amounts = { cpu: '1', 'example.com/gpu': '1', 'example.com/nic': '2' }
  const tolerated = { key: 'example.com/nic', operator: 'Exists' }
  const { spec } = await podOf({
    containers: [{ ...container, resources: { requests: amounts, limits: amounts } }],
    tolerations: [tolerated],
  })
  expect(spec.tolerations.filter(({ key }: Loose) => key.startsWith('example.com/'))).toEqual([
    tolerated,
    { key: 'example.com/gpu', operator: 'Exists' },
  ])
})

test('pods learn by labels where their node is', async () => {
  await start(podTopologyLabels)
  const zone = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1' }
  await server.send('POST', '/api/v1/nodes', { metadata: { name: 'n', labels: { ...zone, other: 'x' } } })
  await podOf({})
  const binding = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n' } }
  expect((await server.send('POST', `${pods}/a/binding`, binding)).status).toBe(201)
  expect((await server.send('GET', `${pods}/a`)).object.metadata.labels).toEqual(zone)
  expect((await podOf({ nodeName: 'n' }, 'b')).metadata.labels).toEqual(zone)
  expect((await podOf({ nodeName: 'unknown' }, 'c')).metadata.labels).toBeUndefined()
})

test('services keep external addresses and get no new ones', async () => {
  await start(() => denyServiceExternalIps)
  const services = '/api/v1/namespaces/default/services'
  const ports = [{ port: 80 }]
  const why = 'services "a" is forbidden: Use of external IPs is denied by admission control.'
  expect((await server.send('POST', services, { metadata: { name: 'a' }, spec: { ports, externalIPs: ['1.2.3.4'] } })).object.message).toBe(
    why,
  )
  await server.send('POST', services, { metadata: { name: 'a' }, spec: { ports } })
  expect((await server.send('PATCH', `${services}/a`, { spec: { externalIPs: ['1.2.3.4'] } })).object.message).toBe(why)
  expect((await server.send('PATCH', `${services}/a`, { metadata: { labels: { a: 'b' } } })).status).toBe(200)
})

const maps = '/api/v1/namespaces/fresh/configmaps'
test('a namespace comes into being with the first object in it', async () => {
  await start(namespaceAutoProvision)
  expect((await server.send('POST', `${maps}?dryRun=All`, { metadata: { name: 'a' } })).status).toBe(404)
  expect((await server.send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
  expect((await server.send('GET', '/api/v1/namespaces/fresh')).object.status.phase).toBe('Active')
})

test('nothing is written where there is no namespace', async () => {
  await start(namespaceExists)
  expect((await server.send('POST', maps, { metadata: { name: 'a' } })).object.message).toBe('namespaces "fresh" not found')
})

describe('which plug-ins run', () => {
  test('is told by name; unknown names and contradictions are refused', () => {
    const count = chosenAdmission({}).length
    expect(chosenAdmission({ enable: ['AlwaysPullImages', 'Priority'] })).toHaveLength(count + 1)
    expect(chosenAdmission({ disable: ['AlwaysPullImages', 'Priority'] })).toHaveLength(count - 1)
    expect(() => chosenAdmission({ enable: ['Nope'], disable: ['Never'] })).toThrow(
      'enable-admission-plugins plugin "Nope" is unknown, disable-admission-plugins plugin "Never" is unknown',
    )
    expect(() => chosenAdmission({ enable: ['Priority'], disable: ['Priority'] })).toThrow(
      '[Priority] in enable-admission-plugins and disable-admission-plugins overlapped',
    )
  })
})

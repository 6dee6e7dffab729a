import { beforeEach, describe, expect, test } from 'vitest'
import type { ResourceQuotaSpec } from '../../api/types/core-v1.ts'
import { type Loose, serverWith } from './admission-fixture.ts'
import { resourceQuota } from './resource-quota.ts'
import { basicAdmission } from './standard-admission.ts'

let server: Awaited<ReturnType<typeof serverWith>>
beforeEach(async () => {
  server = await serverWith([...basicAdmission, resourceQuota])
})

const at = '/api/v1/namespaces/default'
/** A quota of whose things nothing is used so far, as the controller would say. */
async function quota(hard: Record<string, string>, more: Partial<ResourceQuotaSpec> = {}, name = 'q') {
  const { object } = await server.send('POST', `${at}/resourcequotas`, { metadata: { name }, spec: { hard, ...more } })
  const used = Object.fromEntries(Object.keys(hard).map((each) => [each, '0']))
  await server.send('PUT', `${at}/resourcequotas/${name}/status`, { ...object, status: { hard, used } })
}
const used = async (name = 'q') => (await server.send('GET', `${at}/resourcequotas/${name}`)).object.status.used
const container = (resources: object = {}, name = 'c') => ({ name, image: 'i:1', resources })
const pod = async (name: string, spec: object = {}, query = ''): Promise<Loose> => {
  const { object } = await server.send('POST', `${at}/pods${query}`, { metadata: { name }, spec: { containers: [container()], ...spec } })
  return object.message ?? 'made'
}
const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })

test('what is used is charged before it is made, and never more than there is', async () => {
  await quota({ pods: '2', 'requests.cpu': '2', 'limits.memory': '1Gi', 'count/pods': '9' })
  expect(await pod('a', { containers: [container(amounts('1', '512Mi'))] })).toBe('made')
  expect(await used()).toEqual({ pods: '1', 'requests.cpu': '1', 'limits.memory': '512Mi', 'count/pods': '1' })
  expect(await pod('b', { containers: [container(amounts('1500m', '768Mi'))] })).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=768Mi,requests.cpu=1500m, used: limits.memory=512Mi,requests.cpu=1, limited: limits.memory=1Gi,requests.cpu=2',
  )
  expect(await used()).toMatchObject({ pods: '1', 'requests.cpu': '1' })
})

test('where compute is limited containers say what they need', async () => {
  await quota({ 'limits.cpu': '2', 'requests.memory': '1Gi' })
  expect(
    await pod('a', { containers: [container(amounts('1', '1Mi'), 'x'), container({}, 'y')], initContainers: [container({}, 'i')] }),
  ).toBe('pods "a" is forbidden: failed quota: q: must specify limits.cpu for: i,y; requests.memory for: i,y')
})

test('a quota that nobody has counted so far refuses', async () => {
  await quota({ pods: '2' })
  const { object } = await server.send('GET', `${at}/resourcequotas/q`)
  await server.send('PUT', `${at}/resourcequotas/q/status`, { ...object, status: { hard: { pods: '2' } } })
  expect(await pod('a')).toBe('pods "a" is forbidden: status unknown for quota: q, resources: pods')
})

test('of many at once exactly as many get in as may, also over several quotas', async () => {
  await quota({ pods: '10' })
  await quota({ pods: '7' }, {}, 'tighter')
  const results = await Promise.all(Array.from({ length: 40 }, (_, index) => pod(`p${index}`)))
  expect(results.filter((result) => result === 'made')).toHaveLength(7)
  expect(results.find((result) => result !== 'made')).toContain('exceeded quota: tighter, requested: pods=1, used: pods=7, limited: pods=7')
  expect([await used(), await used('tighter')]).toEqual([{ pods: '7' }, { pods: '7' }])
})

test('a trial run is refused like others and uses nothing', async () => {
  await quota({ pods: '1' })
  expect(await pod('a', {}, '?dryRun=All')).toBe('made')
  expect(await used()).toEqual({ pods: '0' })
  await pod('a')
  expect(await pod('b', {}, '?dryRun=All')).toContain('exceeded quota')
})

describe('scopes', () => {
  const withClass = { priorityClassName: 'system-node-critical' }
  const away = { topologyKey: 'x', labelSelector: { matchLabels: { a: 'b' } }, namespaceSelector: {} }
  test.each<[string, Partial<ResourceQuotaSpec>, object, object]>([
    ['BestEffort', { scopes: ['BestEffort'] }, {}, { containers: [container(amounts('1', '1Mi'))] }],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, { containers: [container(amounts('1', '1Mi'))] }, {}],
    ['Terminating', { scopes: ['Terminating'] }, { activeDeadlineSeconds: 5 }, {}],
    ['NotTerminating', { scopes: ['NotTerminating'] }, {}, { activeDeadlineSeconds: 5 }],
    [
      'PriorityClass',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }] } },
      withClass,
      {},
    ],
    [
      'PriorityClass that is none of these',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['system-node-critical'] }] } },
      {},
      withClass,
    ],
    [
      'CrossNamespacePodAffinity',
      { scopes: ['CrossNamespacePodAffinity'] },
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [away] } } },
      {},
    ],
  ])('%s', async (_, spec, inside, outside) => {
    await quota({ pods: '1' }, spec)
    expect(await pod('a', outside)).toBe('made')
    expect(await used()).toEqual({ pods: '0' })
    expect(await pod('b', inside)).toBe('made')
    expect(await used()).toEqual({ pods: '1' })
  })
})

test('services count their node ports and balancers, and may come to use more', async () => {
  await quota({ services: '5', 'services.nodeports': '2', 'services.loadbalancers': '1', 'count/services': '5' })
  const ports = [{ name: 'a', port: 80 }]
  const service = (name: string, spec: object) => server.send('POST', `${at}/services`, { metadata: { name }, spec: { ports, ...spec } })
  await service('a', {})
  await service('b', { type: 'LoadBalancer' })
  expect(await used()).toEqual({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '1', 'count/services': '2' })
  await server.send('PATCH', `${at}/services/a`, { spec: { type: 'NodePort' } })
  expect(await used()).toMatchObject({ services: '2', 'services.nodeports': '2' })
  const { object } = await server.send('PATCH', `${at}/services/a`, { spec: { type: 'LoadBalancer' } })
  expect(object.message).toBe(
    'services "a" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=1, limited: services.loadbalancers=1',
  )
})

test('claims count by class', async () => {
  const gold = 'gold.storageclass.storage.k8s.io'
  await quota({ persistentvolumeclaims: '2', 'requests.storage': '10Gi', [`${gold}/requests.storage`]: '3Gi' })
  const claim = async (name: string, storage: string, storageClassName: string) =>
    (
      await server.send('POST', `${at}/persistentvolumeclaims`, {
        metadata: { name },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
      })
    ).object.message
  await claim('a', '4Gi', 'silver')
  expect(await claim('b', '4Gi', 'gold')).toContain(`exceeded quota: q, requested: ${gold}/requests.storage=4Gi`)
  await claim('c', '2Gi', 'gold')
  expect(await used()).toEqual({ persistentvolumeclaims: '2', 'requests.storage': '6Gi', [`${gold}/requests.storage`]: '2Gi' })
})

test('objects of any resource are counted, where a quota names it', async () => {
  await quota({ 'count/deployments.apps': '0', configmaps: '1', 'count/secrets': '1' })
  const labels = { app: 'a' }
  const deployment = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container()] } } }
  const made = await server.send('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'a' }, spec: deployment })
  expect(made.object.message).toBe(
    'deployments.apps "a" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
  )
  expect((await server.send('POST', `${at}/configmaps`, { metadata: { name: 'a' } })).status).toBe(201)
  expect((await server.send('POST', `${at}/configmaps`, { metadata: { name: 'b' } })).status).toBe(403)
  expect((await server.send('POST', `${at}/secrets`, { metadata: { name: 'a' } })).status).toBe(201)
})

test('what has to be covered is refused where no quota covers it', async () => {
  const limitedResources = [
    {
      resource: 'pods',
      matchContains: ['requests.example.com/'],
      matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
    },
  ]
  server = await serverWith([...basicAdmission, (parts) => resourceQuota({ ...parts, configuration: { limitedResources } })])
  const gpu = { 'example.com/gpu': '1' }
  expect(await pod('a', { containers: [container({ requests: gpu, limits: gpu })] })).toBe(
    'pods "a" is forbidden: insufficient quota to consume: requests.example.com/gpu',
  )
  expect(await pod('b', { priorityClassName: 'system-node-critical' })).toBe(
    'pods "b" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]',
  )
  expect(await pod('c')).toBe('made')
})

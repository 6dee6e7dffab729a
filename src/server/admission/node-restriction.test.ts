import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../base/clock.ts'
import { seededRandom } from '../../base/random.ts'
import { type AccessFixture, type Loose, nodeUser, serverForAccess } from '../authorization/access-fixture.ts'
import { nodeAuthorizer } from '../authorization/node-authorizer.ts'
import { roleBased } from '../authorization/role-based.ts'
import { createAuthority } from '../pki.ts'
import { serviceAccountTokens } from '../service-account-tokens.ts'
import { forbiddenNodeLabels } from './node-labels.ts'
import { nodeRestriction } from './node-restriction.ts'
import { basicAdmission } from './standard-admission.ts'

const core = '/api/v1/namespaces/default'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
let server: AccessFixture
let uid: string
let key: string

beforeAll(async () => {
  key = (await createAuthority('tokens', Date.now())).key
})

beforeEach(async () => {
  server = await serverForAccess({
    authorizers: [nodeAuthorizer, roleBased],
    bootstrapPolicy: true,
    admission: [...basicAdmission, nodeRestriction],
    tokens: serviceAccountTokens({ key, issuer: 'https://issuer', clock: new VirtualClock(), random: seededRandom(1) }),
  })
  await server.make('/api/v1/nodes', { metadata: { name: 'one', labels: { a: 'b' } } }, { metadata: { name: 'two' } })
  uid = (await server.send('GET', '/api/v1/nodes/one')).object.metadata.uid
})

/** What node `one` is answered: done, or why not. */
async function tried(method: string, url: string, body?: object, contentType?: string): Promise<string> {
  const { status, object } = await server.send(method, url, body, nodeUser('one'), contentType)
  return status < 300 ? 'done' : `${object.message}`.replace(/^.* is forbidden: /, '')
}
const patched = (url: string, patch: object) => tried('PATCH', url, patch, 'application/merge-patch+json')

const podOn = (node: string, name: string, more: object = {}): Loose => ({
  metadata: { name },
  spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }], ...more },
})
const mirror = (spec: object = {}, owner: object = {}, metadata: object = {}) => ({
  metadata: {
    name: 'm',
    annotations: { 'kubernetes.io/config.mirror': 'x' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'one', uid, controller: true, ...owner }],
    ...metadata,
  },
  spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i' }], ...spec },
})

describe('of pods a node', () => {
  test.each<[string, () => object, string]>([
    ['a mirror pod of its own', () => mirror(), 'done'],
    [
      'any pod',
      () => podOn('one', 'p'),
      'pod does not have "kubernetes.io/config.mirror" annotation, node "one" can only create mirror pods',
    ],
    ['one elsewhere', () => mirror({ nodeName: 'two' }), 'node "one" can only create pods with spec.nodeName set to itself'],
    [
      'one without owner',
      () => mirror({}, {}, { ownerReferences: [] }),
      'node "one" can only create pods with an owner reference set to itself',
    ],
    ['one of another node', () => mirror({}, { name: 'two' }), 'node "one" can only create pods with an owner reference set to itself'],
    ['one of an earlier node', () => mirror({}, { uid: 'old' }), `UID mismatch`],
    [
      'one that it does not control',
      () => mirror({}, { controller: false }),
      'node "one" can only create pods with a controller owner reference set to itself',
    ],
    ['one with an account', () => mirror({ serviceAccountName: 'a' }), 'node "one" can not create pods that reference a service account'],
    [
      'one with a secret',
      () => mirror({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }),
      'node "one" can not create pods that reference secrets',
    ],
    [
      'one with a config map',
      () => mirror({ volumes: [{ name: 'v', configMap: { name: 's' } }] }),
      'node "one" can not create pods that reference configmaps',
    ],
    [
      'one with a claim',
      () => mirror({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 's' } }] }),
      'node "one" can not create pods that reference persistentvolumeclaims',
    ],
    [
      'one with devices',
      () => mirror({ resourceClaims: [{ name: 'd', resourceClaimName: 'r' }] }),
      'node "one" can not create pods that reference resourceclaims',
    ],
  ])('makes %s: see', async (_, pod, answer) => {
    expect(await tried('POST', `${core}/pods`, pod())).toContain(answer)
  })

  test('deletes, and says how those fare, that run on it', async () => {
    await server.make(`${core}/pods`, podOn('one', 'mine'), podOn('two', 'other'))
    const status = { status: { phase: 'Running' } }
    expect(await patched(`${core}/pods/mine/status`, status)).toBe('done')
    expect(await patched(`${core}/pods/other/status`, status)).toBe(
      'node "one" can only update pod status for pods with spec.nodeName set to itself',
    )
    expect(await patched(`${core}/pods/mine/status`, { metadata: { labels: { a: 'b' } } })).toBe(
      'node "one" cannot update labels through pod status',
    )
    expect(await patched(`${core}/pods/mine/status`, { status: { resourceClaimStatuses: [{ name: 'd', resourceClaimName: 'r' }] } })).toBe(
      'node "one" cannot update resource claim statuses',
    )
    expect(await tried('DELETE', `${core}/pods/other`)).toBe('node "one" can only delete pods with spec.nodeName set to itself')
    expect(await tried('DELETE', `${core}/pods/mine?gracePeriodSeconds=0`)).toBe('done')
  })
})

test('a node evicts pods that run on it', async () => {
  await server.make(`${core}/pods`, podOn('one', 'mine'), podOn('two', 'other'))
  const eviction = (name: string) => ({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
  expect(await tried('POST', `${core}/pods/other/eviction`, eviction('other'))).toBe(
    'node one can only evict pods with spec.nodeName set to itself',
  )
  expect((await server.send('GET', `${core}/pods/other`)).object.metadata).not.toHaveProperty('deletionTimestamp')
  expect(await tried('POST', `${core}/pods/mine/eviction`, eviction('mine'))).toBe('done')
})

describe('a node gets tokens', () => {
  const url = `${core}/serviceaccounts/s/token`
  const projected = (audience?: string) => ({
    serviceAccountName: 's',
    volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token', ...(audience && { audience }) } }] } }],
  })
  const uidOf = async (name: string) => (await server.send('GET', `${core}/pods/${name}`)).object.metadata.uid
  const bound = (name: string, podUid?: string, audiences?: string[]) => ({
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, ...(podUid && { uid: podUid }) }, ...(audiences && { audiences }) },
  })

  beforeEach(async () => {
    await server.make(`${core}/serviceaccounts`, { metadata: { name: 's' } })
    await server.make(
      `${core}/pods`,
      podOn('one', 'mine', projected()),
      podOn('one', 'vault', projected('vault')),
      podOn('two', 'other', projected()),
    )
  })

  test('of its pods, for whom their volumes are', async () => {
    expect(await tried('POST', url, bound('mine', await uidOf('mine')))).toBe('done')
    expect(await tried('POST', url, bound('vault', await uidOf('vault'), ['vault']))).toBe('done')
    expect(await tried('POST', url, bound('mine', await uidOf('mine'), ['vault']))).toBe('audience "vault" not found in pod spec volume')
    expect(await tried('POST', url, bound('vault', await uidOf('vault'), ['vault', 'x']))).toBe('node may only request 0 or 1 audiences')
  })

  test('for drivers of their volumes', async () => {
    await server.make('/apis/storage.k8s.io/v1/csidrivers', {
      metadata: { name: 'd.example' },
      spec: { tokenRequests: [{ audience: 'vault' }] },
    })
    await server.make(
      `${core}/pods`,
      podOn('one', 'driven', { serviceAccountName: 's', volumes: [{ name: 'v', csi: { driver: 'd.example' } }] }),
    )
    expect(await tried('POST', url, bound('driven', await uidOf('driven'), ['vault']))).toBe('done')
    expect(await tried('POST', url, bound('driven', await uidOf('driven'), ['x']))).toContain('not found in pod spec volume')
  })

  test('of no other pods, and none that outlive them', async () => {
    expect(await tried('POST', url, {})).toBe('node requested token not bound to a pod')
    expect(await tried('POST', url, bound('mine'))).toBe('node requested token with a pod binding without a uid')
    expect(await tried('POST', url, bound('mine', 'old'))).toContain('does not match the UID in record')
    expect(await tried('POST', url, bound('other', await uidOf('other')))).toBe(
      'node requested token bound to a pod scheduled on a different node',
    )
  })
})

describe('of nodes a node changes', () => {
  test.each([
    ['/api/v1/nodes/one', { metadata: { labels: { 'kubernetes.io/hostname': 'x', own: 'y', a: null } } }, 'done'],
    ['/api/v1/nodes/one/status', { status: { nodeInfo: { kubeletVersion: 'v1' } } }, 'done'],
    ['/api/v1/nodes/two', { metadata: { labels: { a: 'b' } } }, 'node "one" is not allowed to modify node "two"'],
    ['/api/v1/nodes/two/status', { status: { phase: 'Running' } }, 'node "one" is not allowed to modify node "two"'],
    ['/api/v1/nodes/one', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, 'node "one" is not allowed to modify taints'],
    [
      '/api/v1/nodes/one',
      { metadata: { labels: { 'x.node-restriction.kubernetes.io/a': 'b', 'node-role.kubernetes.io/control-plane': '' } } },
      'is not allowed to modify labels: node-role.kubernetes.io/control-plane, x.node-restriction.kubernetes.io/a',
    ],
    [
      '/api/v1/nodes/one',
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'gone', uid: 'u' }] } },
      'node "one" is not allowed to modify ownerReferences',
    ],
  ])('%s by %j: %s', async (url, patch, answer) => {
    expect(await patched(url, patch)).toBe(answer)
  })

  test('what was there before is what counts, whatever the request says was there', async () => {
    await server.send(
      'PATCH',
      '/api/v1/nodes/one',
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      undefined,
      'application/merge-patch+json',
    )
    const { object: node } = await server.send('GET', '/api/v1/nodes/one')
    expect(await tried('PUT', '/api/v1/nodes/one', { ...node, spec: { ...node.spec, taints: [] } })).toBe(
      'node "one" is not allowed to modify taints',
    )
    expect(await tried('PATCH', '/api/v1/nodes/one', [{ op: 'remove', path: '/spec/taints' }], 'application/json-patch+json')).toBe(
      'node "one" is not allowed to modify taints',
    )
  })

  test('only one that it registers itself, with labels of its own', async () => {
    await server.send('DELETE', '/api/v1/nodes/one')
    expect(await tried('POST', '/api/v1/nodes', { metadata: { name: 'three' } })).toBe('node "one" is not allowed to modify node "three"')
    expect(await tried('POST', '/api/v1/nodes', { metadata: { name: 'one', labels: { 'a.k8s.io/b': 'c' } } })).toBe(
      'is not allowed to set the following labels: a.k8s.io/b',
    )
    expect(await tried('POST', '/api/v1/nodes', { metadata: { name: 'one', labels: { 'kubernetes.io/os': 'linux' } } })).toBe('done')
  })
})

test('a node keeps its own lease, CSINode and slices', async () => {
  const lease = (name: string) => ({ metadata: { name }, spec: { holderIdentity: name } })
  expect(await tried('POST', leases, lease('one'))).toBe('done')
  expect(await tried('POST', leases, lease('two'))).toBe('can only access node lease with the same name as the requesting node')
  const csiNode = (name: string) => ({ metadata: { name }, spec: { drivers: [] } })
  expect(await tried('POST', '/apis/storage.k8s.io/v1/csinodes', csiNode('one'))).toBe('done')
  expect(await tried('POST', '/apis/storage.k8s.io/v1/csinodes', csiNode('two'))).toBe(
    'can only access CSINode with the same name as the requesting node',
  )
  const slice = (nodeName: string) => ({
    metadata: { name: `of-${nodeName}` },
    spec: { driver: 'd.example', pool: { name: nodeName, generation: 1, resourceSliceCount: 1 }, nodeName, devices: [] },
  })
  const slices = '/apis/resource.k8s.io/v1/resourceslices'
  expect(await tried('POST', slices, slice('one'))).toBe('done')
  expect(await tried('POST', slices, slice('two'))).toBe('can only create ResourceSlice with the same NodeName as the requesting node')
  expect(await tried('DELETE', `${slices}?fieldSelector=spec.nodeName=one`)).toBe('done')
})

test('of a claim a node says how far it has grown', async () => {
  const claim = { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
  await server.make(`${core}/persistentvolumeclaims`, claim)
  await server.make(`${core}/pods`, podOn('one', 'p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }))
  const status = `${core}/persistentvolumeclaims/c/status`
  expect(await patched(status, { status: { capacity: { storage: '2Gi' } } })).toBe('done')
  expect(await patched(status, { status: { phase: 'Lost' } })).toContain('is not allowed to update fields other than status.capacity')
  expect(await patched(status, { metadata: { labels: { a: 'b' } } })).toContain(
    'is not allowed to update fields other than status.capacity',
  )
})

test.each([
  [{ a: 'b' }, {}, []],
  [{ 'topology.kubernetes.io/zone': 'z', 'x.kubelet.kubernetes.io/a': '', 'node.kubernetes.io/b': '' }, {}, []],
  [{ 'kubernetes.io/role': 'x' }, { 'kubernetes.io/role': 'x' }, []],
  [{}, { 'kubernetes.io/role': 'x' }, ['kubernetes.io/role']],
  [{ 'notkubernetes.io/role': 'x' }, {}, []],
  [{ 'node-restriction.kubernetes.io/a': 'x' }, {}, ['node-restriction.kubernetes.io/a']],
])('labels %j after %j: %j are not a node’s to say', (labels, before, forbidden) => {
  expect(forbiddenNodeLabels(labels as Record<string, string>, before as Record<string, string>)).toEqual(forbidden)
})

import { beforeEach, describe, expect, test } from 'vitest'
import { type AccessFixture, nodeUser, person, serverForAccess } from './access-fixture.ts'
import { nodeAuthorizer } from './node-authorizer.ts'
import { roleBased } from './role-based.ts'

const core = '/api/v1/namespaces/default'
const storage = '/apis/storage.k8s.io/v1'
let server: AccessFixture

beforeEach(async () => {
  server = await serverForAccess({ authorizers: [nodeAuthorizer, roleBased], bootstrapPolicy: true })
})

/** What a node is answered: allowed, or why not. */
async function ask(url: string, node = 'one', method = 'GET'): Promise<string> {
  const { status, object } = await server.send(method, url, undefined, nodeUser(node))
  return status === 403
    ? String(object.message)
        .replace(/^.*?: /, '')
        .replace(/^.*(?:scope|"): /, '')
    : 'allowed'
}

const podOn = (node: string | undefined, name: string, spec: object, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { ...(node && { nodeName: node }), containers: [{ name: 'c', image: 'i' }], ...spec },
})
const volumes = (...sources: object[]) => ({ volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })) })
const unrelated = "no relationship found between node 'one' and this object"

describe('a node reads', () => {
  test.each([
    ['secrets/s', { imagePullSecrets: [{ name: 's' }] }],
    ['secrets/s', volumes({ secret: { secretName: 's' } })],
    ['secrets/s', volumes({ projected: { sources: [{ secret: { name: 's' } }] } })],
    ['secrets/s', { initContainers: [{ name: 'i', image: 'i', envFrom: [{ secretRef: { name: 's' } }] }] }],
    ['secrets/s', { containers: [{ name: 'c', image: 'i', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }] }],
    [
      'configmaps/s',
      { containers: [{ name: 'c', image: 'i', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 's', key: 'k' } } }] }] },
    ],
    ['configmaps/s', volumes({ configMap: { name: 's' } })],
    ['configmaps/s', volumes({ projected: { sources: [{ configMap: { name: 's' } }] } })],
    ['persistentvolumeclaims/s', volumes({ persistentVolumeClaim: { claimName: 's' } })],
    ['serviceaccounts/s', { serviceAccountName: 's' }],
  ])('%s of its pod with %j, and no other node does', async (path, spec) => {
    expect(await ask(`${core}/${path}`)).toBe(unrelated)
    await server.make(`${core}/pods`, podOn('one', 'p', spec))
    expect(await ask(`${core}/${path}`)).toBe('allowed')
    expect(await ask(`/api/v1/namespaces/other/${path}`)).toBe(unrelated)
    expect(await ask(`${core}/${path}`, 'two')).toBe("no relationship found between node 'two' and this object")
    await server.send('DELETE', `${core}/pods/p?gracePeriodSeconds=0`)
    expect(await ask(`${core}/${path}`)).toBe(unrelated)
  })

  test('what two pods need for as long as one of them is there', async () => {
    await server.make(
      `${core}/pods`,
      podOn('one', 'p', volumes({ secret: { secretName: 's' } })),
      podOn('one', 'q', volumes({ secret: { secretName: 's' } })),
    )
    await server.send('DELETE', `${core}/pods/p?gracePeriodSeconds=0`)
    expect(await ask(`${core}/secrets/s`)).toBe('allowed')
    await server.send('DELETE', `${core}/pods/q?gracePeriodSeconds=0`)
    expect(await ask(`${core}/secrets/s`)).toBe(unrelated)
  })

  test('nothing by a pod that is on no node yet, nor by a mirror pod', async () => {
    await server.make(
      `${core}/pods`,
      podOn(undefined, 'waiting', volumes({ secret: { secretName: 's' } })),
      podOn('one', 'mirror', volumes({ configMap: { name: 'm' } }), { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    )
    expect(await ask(`${core}/secrets/s`)).toBe(unrelated)
    expect(await ask(`${core}/configmaps/m`)).toBe(unrelated)
    await server.send('POST', `${core}/pods/waiting/binding`, { metadata: { name: 'waiting' }, target: { kind: 'Node', name: 'one' } })
    expect(await ask(`${core}/secrets/s`)).toBe('allowed')
  })

  test('volumes of claims of its pods, and the secrets that they are mounted with', async () => {
    const volume = {
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace: 'default', name: 'claim' },
        csi: { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { name: 'stage', namespace: 'storage' } },
      },
    }
    await server.make('/api/v1/persistentvolumes', volume)
    expect(await ask('/api/v1/persistentvolumes/v')).toBe(unrelated)
    await server.make(`${core}/pods`, podOn('one', 'p', volumes({ persistentVolumeClaim: { claimName: 'claim' } })))
    expect(await ask('/api/v1/persistentvolumes/v')).toBe('allowed')
    expect(await ask('/api/v1/namespaces/storage/secrets/stage')).toBe('allowed')
    expect(await ask('/api/v1/namespaces/storage/secrets/other')).toBe(unrelated)
    await server.send('DELETE', '/api/v1/persistentvolumes/v')
    expect(await ask('/api/v1/namespaces/storage/secrets/stage')).toBe(unrelated)
  })

  test('its attachments', async () => {
    await server.make(`${storage}/volumeattachments`, {
      metadata: { name: 'a' },
      spec: { attacher: 'd', nodeName: 'one', source: { persistentVolumeName: 'v' } },
    })
    expect(await ask(`${storage}/volumeattachments/a`)).toBe('allowed')
    expect(await ask(`${storage}/volumeattachments/a`, 'two')).toBe("no relationship found between node 'two' and this object")
  })

  test('what was there before the first node came', async () => {
    await server.make(`${core}/pods`, podOn('one', 'p', volumes({ secret: { secretName: 's' } })))
    expect(await ask(`${core}/secrets/s`)).toBe('allowed')
  })
})

describe('a node', () => {
  test.each([
    [`${core}/secrets`, 'No Object name found'],
    [`${core}/secrets?fieldSelector=metadata.name=s`, unrelated],
    ['/api/v1/secrets', 'can only read namespaced object of this type'],
    ['/api/v1/nodes/one', 'allowed'],
    ['/api/v1/nodes/two', "node 'one' cannot read 'two', only its own Node object"],
    ['/api/v1/nodes', "node 'one' cannot read '', only its own Node object"],
    ['/api/v1/nodes?fieldSelector=metadata.name=one', 'allowed'],
    ['/api/v1/pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/pods?fieldSelector=spec.nodeName=one', 'allowed'],
    ['/api/v1/pods?fieldSelector=spec.nodeName!=one', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/pods?fieldSelector=spec.nodeName=two', 'can only list/watch pods with spec.nodeName field selector'],
    [`${core}/pods/p`, unrelated],
    ['/api/v1/services', 'allowed'],
    ['/apis/node.k8s.io/v1/runtimeclasses/r', 'allowed'],
    ['/api/v1/persistentvolumeclaims', 'can only get individual resources of this type'],
    ['/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/one', 'allowed'],
    [
      '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/two',
      'can only access node lease with the same name as the requesting node',
    ],
    ['/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/one', 'can only access leases in the "kube-node-lease" system namespace'],
    [`${storage}/csinodes/one`, 'allowed'],
    [`${storage}/csinodes/two`, 'can only access CSINode with the same name as the requesting node'],
    ['/apis/resource.k8s.io/v1/resourceslices', 'can only list/watch/deletecollection resourceslices with nodeName field selector'],
    ['/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName=one', 'allowed'],
  ])('that asks for %s: %s', async (url, answer) => {
    expect(await ask(url)).toBe(answer)
  })

  test('changes nothing but what is its own', async () => {
    expect((await server.send('DELETE', '/api/v1/nodes/one', undefined, nodeUser('one'))).object.message).toBe(
      'nodes "one" is forbidden: User "system:node:one" cannot delete resource "nodes" in API group "" at the cluster scope',
    )
    expect((await server.send('POST', `${core}/secrets`, { metadata: { name: 's' } }, nodeUser('one'))).status).toBe(403)
    expect((await server.send('POST', `${core}/serviceaccounts/s/token`, {}, nodeUser('one'))).object.message).toContain(unrelated)
  })

  test('is one only by its name and its group', async () => {
    const url = '/api/v1/nodes/one'
    expect((await server.send('GET', url, undefined, person('system:node:one'))).status).toBe(403)
    expect((await server.send('GET', url, undefined, person('one', 'system:nodes'))).status).toBe(403)
    expect((await server.send('GET', url, undefined, person('system:node:', 'system:nodes'))).object.message).toContain(
      'unknown node for user "system:node:"',
    )
  })
})

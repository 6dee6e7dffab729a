import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../api/object.ts'
import { noOpinion } from '../authorization/authorizer.ts'
import { type Loose, serverWith } from './admission-fixture.ts'
import { eventRateLimit } from './event-rate-limit.ts'
import { ownerReferencesPermissionEnforcement } from './owner-references-permission-enforcement.ts'
import { podNodeSelector } from './pod-node-selector.ts'
import { podTolerationRestriction } from './pod-toleration-restriction.ts'
import { type AdmissionFactory, basicAdmission } from './standard-admission.ts'

let server: Awaited<ReturnType<typeof serverWith>>
const start = async (make: AdmissionFactory, configuration?: JsonObject, more: Parameters<typeof serverWith>[1] = {}) => {
  server = await serverWith([...basicAdmission, (parts) => make({ ...parts, ...(configuration && { configuration }) })], more)
}
const at = '/api/v1/namespaces/default'
const annotate = (annotations: Record<string, string>) => server.send('PATCH', at, { metadata: { annotations } })
const pod = async (spec: object, name = 'a'): Promise<Loose> =>
  (await server.send('POST', `${at}/pods`, { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec } })).object

describe('PodNodeSelector', () => {
  const annotation = 'scheduler.alpha.kubernetes.io/node-selector'
  test('brings pods to the nodes of their namespace', async () => {
    await start(podNodeSelector)
    await annotate({ [annotation]: 'env=test,disk = ssd' })
    expect((await pod({ nodeSelector: { cpu: 'fast' } })).spec.nodeSelector).toEqual({ cpu: 'fast', env: 'test', disk: 'ssd' })
    expect((await pod({ nodeSelector: { env: 'live' } }, 'b')).message).toBe(
      'pods "b" is forbidden: pod node label selector conflicts with its namespace node label selector',
    )
  })

  test('brings others where all go, and no further than they may', async () => {
    await start(podNodeSelector, { podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: 'env=any', default: 'env=any,disk=ssd' } })
    expect((await pod({})).spec.nodeSelector).toEqual({ env: 'any' })
    expect((await pod({ nodeSelector: { disk: 'ssd' } }, 'b')).message).toBeUndefined()
    expect((await pod({ nodeSelector: { gpu: 'yes' } }, 'c')).message).toContain('labels conflict with its namespace whitelist')
  })
})

describe('PodTolerationRestriction', () => {
  const toleration = { key: 'dedicated', operator: 'Equal', value: 'a', effect: 'NoSchedule' }
  const own = (object: Loose) => object.spec.tolerations.filter(({ key }: Loose) => !/not-ready|unreachable/.test(key))
  test('adds what the namespace says, once, and what who asks for something tolerates', async () => {
    await start(podTolerationRestriction)
    await annotate({ 'scheduler.alpha.kubernetes.io/defaultTolerations': JSON.stringify([toleration]) })
    expect(own(await pod({}))).toEqual([toleration])
    expect(own(await pod({ tolerations: [{ key: 'dedicated', operator: 'Exists' }] }, 'b'))).toEqual([
      { key: 'dedicated', operator: 'Exists' },
    ])
    const asking = { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '1' } } }] }
    expect(own(await pod(asking, 'c'))).toEqual([
      toleration,
      { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
    ])
  })

  test('refuses what the namespace does not allow', async () => {
    await start(podTolerationRestriction)
    const usual = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
    await annotate({ 'scheduler.alpha.kubernetes.io/tolerationsWhitelist': JSON.stringify([toleration, usual]) })
    expect((await pod({ tolerations: [toleration] })).message).toBeUndefined()
    expect((await pod({ tolerations: [{ key: 'other', operator: 'Exists' }] }, 'b')).message).toBe(
      'pods "b" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
    )
  })
})

describe('EventRateLimit', () => {
  const event = (name: string, involved = 'p') =>
    server.send('POST', `${at}/events`, {
      metadata: { name },
      involvedObject: { kind: 'Pod', namespace: 'default', name: involved },
      source: { component: 'c' },
    })
  test('refuses who writes too many, until time has passed', async () => {
    await start(eventRateLimit, { limits: [{ type: 'Namespace', qps: 1, burst: 2 }] })
    expect((await event('a')).status).toBe(201)
    expect((await event('b')).status).toBe(201)
    expect((await event('c')).object).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: 'limit reached on type Namespace for key default',
    })
    await server.clock.advance(1000)
    expect((await event('c')).status).toBe(201)
  })

  test('counts each object by itself', async () => {
    await start(eventRateLimit, { limits: [{ type: 'SourceAndObject', qps: 1, burst: 1, cacheSize: 10 }] })
    expect((await event('a', 'p')).status).toBe(201)
    expect((await event('b', 'q')).status).toBe(201)
    expect((await event('c', 'p')).status).toBe(429)
  })

  test.each([
    [{}, 'needs limits'],
    [{ limits: [{ type: 'Nobody', qps: 1, burst: 1 }] }, 'knows no limits of type Nobody'],
    [{ limits: [{ type: 'Server', qps: 0, burst: 1 }] }, 'must be positive'],
  ])('%j is no configuration', async (configuration, words) => {
    await expect(start(eventRateLimit, configuration)).rejects.toThrow(words)
  })
})

describe('OwnerReferencesPermissionEnforcement', () => {
  const writer = { name: 'writer', groups: ['system:authenticated'] }
  const maps = `${at}/configmaps`
  /** Who may write config maps, not delete them, and set finalizers on none but secrets. */
  const authorizers: NonNullable<Parameters<typeof serverWith>[1]>['authorizers'] = [
    () =>
      ({ name }, attributes) => {
        if (name !== writer.name || attributes.type !== 'resource' || attributes.verb === 'delete') return noOpinion
        return attributes.subresource === 'finalizers' && attributes.resource !== 'secrets' ? noOpinion : { type: 'allow', reason: '' }
      },
  ]
  const owner = (more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u', ...more })
  const create = (name: string, ...ownerReferences: object[]) => server.send('POST', maps, { metadata: { name, ownerReferences } }, writer)

  test('who cannot delete an object does not say with whom it goes', async () => {
    await start(ownerReferencesPermissionEnforcement, undefined, { authorizers })
    expect((await create('a', owner())).status).toBe(201)
    const { object } = await server.send('PATCH', `${maps}/a`, { metadata: { ownerReferences: [owner({ uid: 'v' })] } }, writer)
    expect(object.message).toBe(`configmaps "a" is forbidden: cannot set an ownerRef on a resource you can't delete: , <nil>`)
    expect((await server.send('PATCH', `${maps}/a`, { data: { a: 'b' } }, writer)).status).toBe(200)
  })

  test('nobody holds up the deletion of what they cannot', async () => {
    await start(ownerReferencesPermissionEnforcement, undefined, { authorizers })
    const blocking = { blockOwnerDeletion: true }
    expect((await create('a', owner(blocking))).object.message).toContain(
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
    )
    expect((await create('b', owner({ ...blocking, kind: 'Secret' }))).status).toBe(201)
    expect((await create('c', owner({ ...blocking, kind: 'Thing' }))).object.message).toContain(
      'cannot find RESTMapping for APIVersion v1 Kind Thing: no matches for kind "Thing" in version "v1"',
    )
  })
})

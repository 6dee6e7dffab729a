import { beforeEach, describe, expect, test } from 'vitest'
import type { LimitRangeItem } from '../../api/types/core-v1.ts'
import { type Loose, serverWith } from './admission-fixture.ts'
import { limitRanger } from './limit-ranger.ts'
import { basicAdmission } from './standard-admission.ts'

let server: Awaited<ReturnType<typeof serverWith>>
beforeEach(async () => {
  server = await serverWith([...basicAdmission, limitRanger])
})

const at = '/api/v1/namespaces/default'
const limit = (...limits: LimitRangeItem[]) => server.send('POST', `${at}/limitranges`, { metadata: { name: 'l' }, spec: { limits } })
const container = (resources: object = {}, name = 'c') => ({ name, image: 'i:1', resources })
const pod = async (spec: object, name = 'a'): Promise<Loose> =>
  (await server.send('POST', `${at}/pods`, { metadata: { name }, spec })).object

test('containers get what they do not say, and an annotation tells so', async () => {
  await limit({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m', memory: '512Mi' } })
  const { spec, metadata } = await pod({
    containers: [container({ requests: { cpu: '200m' } })],
    initContainers: [container({ limits: { cpu: '1', memory: '2Gi' } }, 'i')],
  })
  expect(spec.containers[0].resources).toEqual({ limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '200m', memory: '512Mi' } })
  expect(spec.initContainers[0].resources).toEqual({ limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '1', memory: '2Gi' } })
  expect(metadata.annotations['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: memory request for container c; cpu, memory limit for container c',
  )
})

test('another namespace knows nothing of it', async () => {
  await limit({ type: 'Container', default: { cpu: '500m' } })
  const { object } = await server.send('POST', '/api/v1/namespaces/kube-system/pods', {
    metadata: { name: 'a' },
    spec: { containers: [container()] },
  })
  expect(object.spec.containers[0].resources).toEqual({})
})

describe('containers and pods outside their bounds', () => {
  const both = (cpu: string) => ({ requests: { cpu }, limits: { cpu } })
  test.each<[string, LimitRangeItem, object[], string]>([
    [
      'too little',
      { type: 'Container', min: { cpu: '100m' } },
      [both('50m')],
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    ['too much', { type: 'Container', max: { cpu: '1' } }, [both('1500m')], 'maximum cpu usage per Container is 1, but limit is 1500m'],
    [
      'a wide span',
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      [{ requests: { cpu: '1' }, limits: { cpu: '3' } }],
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      'no span',
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      [{ requests: { cpu: '1' } }],
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      'a pod with too much',
      { type: 'Pod', max: { cpu: '2' } },
      [both('1'), both('1500m')],
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ],
    ['a pod without a limit', { type: 'Pod', max: { cpu: '2' } }, [{}], 'maximum cpu usage per Pod is 2.  No limit is specified'],
    [
      'a pod without a request',
      { type: 'Pod', min: { memory: '1Mi' } },
      [{}],
      'minimum memory usage per Pod is 1Mi.  No request is specified',
    ],
    [
      'several things',
      { type: 'Pod', min: { memory: '1Mi' }, max: { cpu: '2' } },
      [{}],
      '[minimum memory usage per Pod is 1Mi.  No request is specified, maximum cpu usage per Pod is 2.  No limit is specified]',
    ],
  ])('%s', async (_, item, resources, why) => {
    await limit(item)
    const containers = resources.map((each, index) => container(each, `c${index}`))
    expect((await pod({ containers })).message).toBe(`pods "a" is forbidden: ${why}`)
  })

  test('init containers count where they need more than what follows them', async () => {
    await limit({ type: 'Pod', max: { cpu: '2' } })
    const spec = { containers: [container(both('1'))], initContainers: [container(both('3'), 'i')] }
    expect((await pod(spec)).message).toContain('maximum cpu usage per Pod is 2, but limit is 3')
  })

  test('do not stand in the way of updates', async () => {
    await pod({ containers: [container({ requests: { cpu: '2500m' } })] })
    await limit({ type: 'Pod', max: { cpu: '2' } })
    expect((await server.send('PATCH', `${at}/pods/a`, { metadata: { labels: { a: 'b' } } })).status).toBe(200)
    const resize = { spec: { containers: [{ name: 'c', resources: both('3') }] } }
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
    expect((await server.send('PATCH', `${at}/pods/a/resize`, resize, undefined, strategic)).object.message).toContain(
      'maximum cpu usage per Pod is 2, but limit is 3',
    )
  })
})

test('claims ask for as much as they may', async () => {
  await limit({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '10Gi' } })
  const claim = async (storage: string) =>
    (
      await server.send('POST', `${at}/persistentvolumeclaims`, {
        metadata: { name: 'a' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
      })
    ).object
  const refused = 'persistentvolumeclaims "a" is forbidden:'
  expect((await claim('1Mi')).message).toBe(`${refused} minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi`)
  expect((await claim('11Gi')).message).toBe(`${refused} maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi`)
  expect((await claim('5Gi')).message).toBeUndefined()
})

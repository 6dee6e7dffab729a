import { beforeEach, describe, expect, test } from 'vitest'
import { type Loose, serverWith } from './admission-fixture.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { basicAdmission } from './standard-admission.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'

let server: Awaited<ReturnType<typeof serverWith>>
beforeEach(async () => {
  server = await serverWith([
    ...basicAdmission,
    defaultStorageClass,
    defaultIngressClass,
    () => storageObjectInUseProtection,
    persistentVolumeClaimResize,
  ])
})

const claims = '/api/v1/namespaces/default/persistentvolumeclaims'
const storageClasses = '/apis/storage.k8s.io/v1/storageclasses'
const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses'
const ingressClasses = '/apis/networking.k8s.io/v1/ingressclasses'
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const claim = (name: string, spec: object = {}, metadata: object = {}) =>
  server.send('POST', claims, { metadata: { name, ...metadata }, spec: { ...claimSpec, ...spec } })
const storageClass = (name: string, isDefault: boolean, more: object = {}) =>
  server.send('POST', storageClasses, {
    metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } },
    provisioner: 'example.com/disks',
    ...more,
  })

describe('a claim without a class', () => {
  const classOf = async (...args: Parameters<typeof claim>) => (await claim(...args)).object.spec.storageClassName
  test('gets the default one, the newest of several, and of those as old the first by name', async () => {
    expect(await classOf('none')).toBeUndefined()
    await storageClass('plain', false)
    expect(await classOf('no-default')).toBeUndefined()
    await storageClass('b', true)
    await storageClass('a', true)
    expect(await classOf('same-age')).toBe('a')
    await server.clock.advance(2000)
    await storageClass('newer', true)
    expect(await classOf('newest')).toBe('newer')
  })

  test('that says so on purpose has none', async () => {
    await storageClass('a', true)
    expect(await classOf('empty', { storageClassName: '' })).toBe('')
    expect(await classOf('own', { storageClassName: 'own' })).toBe('own')
    expect(await classOf('old', {}, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } })).toBeUndefined()
  })
})

test('an ingress without a class gets the default one', async () => {
  const ingress = async (name: string, spec: object = {}, metadata: object = {}) =>
    (
      await server.send('POST', ingresses, {
        metadata: { name, ...metadata },
        spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...spec },
      })
    ).object.spec.ingressClassName
  expect(await ingress('none')).toBeUndefined()
  await server.send('POST', ingressClasses, {
    metadata: { name: 'usual', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'example.com/ingress' },
  })
  expect(await ingress('default')).toBe('usual')
  expect(await ingress('own', { ingressClassName: 'own' })).toBe('own')
  expect(await ingress('old', {}, { annotations: { 'kubernetes.io/ingress.class': 'x' } })).toBeUndefined()
})

test('volumes, claims and attributes classes have a finalizer, once', async () => {
  const finalizersOf = ({ object }: { object: Loose }) => object.metadata.finalizers
  expect(finalizersOf(await claim('a', {}, { finalizers: ['example.com/own'] }))).toEqual([
    'example.com/own',
    'kubernetes.io/pvc-protection',
  ])
  expect(finalizersOf(await claim('b', {}, { finalizers: ['kubernetes.io/pvc-protection'] }))).toEqual(['kubernetes.io/pvc-protection'])
  const volume = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } }
  expect(finalizersOf(await server.send('POST', '/api/v1/persistentvolumes', { metadata: { name: 'a' }, spec: volume }))).toEqual([
    'kubernetes.io/pv-protection',
  ])
  const attributes = { metadata: { name: 'a' }, driverName: 'example.com', parameters: { a: 'b' } }
  expect(finalizersOf(await server.send('POST', '/apis/storage.k8s.io/v1/volumeattributesclasses', attributes))).toEqual([
    'kubernetes.io/vac-protection',
  ])
})

describe('a claim that is to grow', () => {
  const grow = async (name: string) => {
    const { object } = await server.send('PATCH', `${claims}/${name}`, { spec: { resources: { requests: { storage: '2Gi' } } } })
    return object.message ?? object.spec.resources.requests.storage
  }
  const bind = (name: string) => server.send('PATCH', `${claims}/${name}/status`, { status: { phase: 'Bound' } })
  beforeEach(async () => {
    await storageClass('stiff', false)
    await storageClass('soft', false, { allowVolumeExpansion: true })
  })

  test('is refused before it is bound', async () => {
    await claim('a', { storageClassName: 'soft' })
    // The strategy refuses it before the plug-in is asked.
    expect(await grow('a')).toContain('spec is immutable after creation except resources.requests')
  })

  test('is refused where its class does not let volumes grow, or it has none', async () => {
    const refusal = 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
    for (const storageClassName of ['stiff', '', 'gone']) {
      const name = `c-${storageClassName}x`
      await claim(name, { storageClassName })
      await bind(name)
      expect(await grow(name)).toBe(`persistentvolumeclaims "${name}" is forbidden: ${refusal}`)
    }
  })

  test('grows where its class lets it', async () => {
    await claim('a', { storageClassName: 'soft' })
    await bind('a')
    expect(await grow('a')).toBe('2Gi')
  })
})

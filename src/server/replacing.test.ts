import { beforeEach, expect, test } from 'vitest'
import { serverWith } from './admission/admission-fixture.ts'
import { basicAdmission } from './admission/standard-admission.ts'
import { noOpinion } from './authorization/authorizer.ts'

let server: Awaited<ReturnType<typeof serverWith>>
beforeEach(async () => {
  server = await serverWith(basicAdmission, {
    // Somebody who may change what there is, and make nothing.
    authorizers: [
      () =>
        ({ name }, { verb }) =>
          name === 'editor' && verb !== 'create' ? { type: 'allow', reason: '' } : noOpinion,
    ],
  })
})
const editor = { name: 'editor', groups: ['system:authenticated'] }
const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
const maps = '/api/v1/namespaces/default/configmaps'
const lease = (metadata: object = {}) => ({ metadata: { name: 'a', ...metadata }, spec: { holderIdentity: 'x' } })

test('who replaces a lease says which version they read', async () => {
  const { object } = await server.send('POST', leases, lease())
  expect((await server.send('PUT', `${leases}/a`, lease())).object).toMatchObject({
    code: 422,
    message: 'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
  })
  expect((await server.send('PUT', `${leases}/a`, lease({ resourceVersion: object.metadata.resourceVersion }))).status).toBe(200)
  expect((await server.send('PATCH', `${leases}/a`, { spec: { holderIdentity: 'y' } })).status).toBe(200)
})

test('who replaces a config map need not', async () => {
  await server.send('POST', maps, { metadata: { name: 'a' } })
  expect((await server.send('PUT', `${maps}/a`, { metadata: { name: 'a' }, data: { a: 'b' } })).status).toBe(200)
})

test('replacing what is not there makes some kinds and not others', async () => {
  expect(await server.send('PUT', `${leases}/a`, lease())).toMatchObject({ status: 201, object: { spec: { holderIdentity: 'x' } } })
  expect((await server.send('PUT', `${leases}/b`, { ...lease(), metadata: {} })).object.metadata.name).toBe('b')
  expect((await server.send('PUT', `${maps}/a`, { metadata: { name: 'a' } })).status).toBe(404)
})

test('who may not make objects does not by other verbs', async () => {
  const refused =
    'leases.coordination.k8s.io "a" is forbidden: User "editor" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default"'
  expect((await server.send('PUT', `${leases}/a`, lease(), editor)).object.message).toBe(refused)
  const apply = { 'content-type': 'application/apply-patch+yaml' }
  const config = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease() }
  expect((await server.send('PATCH', `${leases}/a?fieldManager=m`, config, editor, apply)).object.message).toBe(refused)
  await server.send('POST', leases, lease())
  expect((await server.send('PATCH', `${leases}/a?fieldManager=m&force=true`, config, editor, apply)).status).toBe(200)
})

test('patches and applies are warned of what they set, once', async () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const spec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } } }
  const { warnings } = await server.send('POST', jobs, { metadata: { name: 'a.b' }, spec })
  expect(warnings).toHaveLength(1)
  const many = { completions: 200_000, parallelism: 20_000, completionMode: 'Indexed' }
  await server.send('POST', jobs, { metadata: { name: 'c' }, spec: { ...spec, ...many, parallelism: 1 } })
  expect((await server.send('PATCH', `${jobs}/c`, { spec: { parallelism: 20_000 } })).warnings).toEqual([
    expect.stringContaining('In Indexed Jobs with a number of completions higher than 10^5'),
  ])
})

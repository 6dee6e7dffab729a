import { beforeEach, describe, expect, test } from 'vitest'
import { type AccessFixture, person, type Sent, serverForAccess } from './access-fixture.ts'
import { roleBased } from './role-based.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const reviews = '/apis/authorization.k8s.io/v1'
const inA = `${rbac}/namespaces/a`
let server: AccessFixture

const rule = (verbs: string, resources: string, apiGroups = '', more: object = {}) => ({
  verbs: verbs.split(' '),
  apiGroups: [apiGroups],
  resources: resources.split(' '),
  ...more,
})
const role = (name: string, ...rules: object[]) => ({ metadata: { name }, rules })
const binding = (name: string, kind: 'Role' | 'ClusterRole', roleName: string, ...subjects: object[]) => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: roleName },
  subjects,
})
const user = (name: string) => ({ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name })
const group = (name: string) => ({ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name })
const as = (name: string, method: string, url: string, body?: object, ...groups: string[]): Promise<Sent> =>
  server.send(method, url, body, person(name, ...groups))
const can = async (name: string, url: string, ...groups: string[]) => (await as(name, 'GET', url, undefined, ...groups)).status !== 403

beforeEach(async () => {
  server = await serverForAccess({ authorizers: [roleBased], bootstrapPolicy: true })
  await server.make('/api/v1/namespaces', { metadata: { name: 'a' } }, { metadata: { name: 'b' } })
})

describe('a role', () => {
  test('of a namespace is bound in it, for as long as the binding stands', async () => {
    await server.make(`${inA}/roles`, role('r', rule('get list', 'pods')))
    await server.make(`${inA}/rolebindings`, binding('b', 'Role', 'r', user('u')))
    expect(await can('u', '/api/v1/namespaces/a/pods')).toBe(true)
    expect(await can('u', '/api/v1/namespaces/b/pods')).toBe(false)
    expect(await can('u', '/api/v1/pods')).toBe(false)
    expect(await can('v', '/api/v1/namespaces/a/pods')).toBe(false)
    await server.send('PUT', `${inA}/rolebindings/b`, binding('b', 'Role', 'r', user('v')))
    expect(await can('u', '/api/v1/namespaces/a/pods')).toBe(false)
    expect(await can('v', '/api/v1/namespaces/a/pods')).toBe(true)
    await server.send('PUT', `${inA}/roles/r`, role('r', rule('get', 'secrets')))
    expect(await can('v', '/api/v1/namespaces/a/pods')).toBe(false)
    expect(await can('v', '/api/v1/namespaces/a/secrets/s')).toBe(true)
    await server.send('DELETE', `${inA}/rolebindings/b`)
    expect(await can('v', '/api/v1/namespaces/a/secrets/s')).toBe(false)
  })

  test('of the cluster is bound in a namespace, or in all', async () => {
    await server.make(`${rbac}/clusterroles`, role('c', rule('list', 'pods nodes')))
    await server.make(`${inA}/rolebindings`, binding('b', 'ClusterRole', 'c', user('u')))
    expect(await can('u', '/api/v1/namespaces/a/pods')).toBe(true)
    expect(await can('u', '/api/v1/nodes')).toBe(false)
    await server.make(`${rbac}/clusterrolebindings`, binding('b', 'ClusterRole', 'c', group('g')))
    expect(await can('w', '/api/v1/nodes', 'g')).toBe(true)
    expect(await can('w', '/api/v1/pods', 'g')).toBe(true)
    expect(await can('w', '/api/v1/nodes')).toBe(false)
  })

  test('of a service account is that of the user that its token names', async () => {
    await server.make(`${inA}/roles`, role('r', rule('list', 'pods')))
    await server.make(`${inA}/rolebindings`, binding('own', 'Role', 'r', { kind: 'ServiceAccount', name: 's' }))
    await server.make(`${inA}/rolebindings`, binding('others', 'Role', 'r', { kind: 'ServiceAccount', name: 's', namespace: 'b' }))
    expect(await can('system:serviceaccount:a:s', '/api/v1/namespaces/a/pods')).toBe(true)
    expect(await can('system:serviceaccount:b:s', '/api/v1/namespaces/a/pods')).toBe(true)
    expect(await can('system:serviceaccount:c:s', '/api/v1/namespaces/a/pods')).toBe(false)
  })

  test('says nothing of cluster-scoped objects, whatever namespace a path claims for them', async () => {
    await server.make(`${inA}/roles`, role('r', rule('*', '*', '*')))
    await server.make(`${inA}/rolebindings`, binding('b', 'Role', 'r', user('u')))
    expect((await as('u', 'GET', `${inA}/clusterroles/cluster-admin`)).status).toBe(404)
    expect((await as('u', 'DELETE', '/api/v1/namespaces/a/nodes/one')).status).toBe(404)
    expect(await can('u', `${rbac}/clusterroles/cluster-admin`)).toBe(false)
  })

  test('is not left by names that are paths', async () => {
    await server.make(`${inA}/roles`, role('r', rule('*', '*', '*')))
    await server.make(`${inA}/rolebindings`, binding('b', 'Role', 'r', user('u')))
    await server.make('/api/v1/namespaces/b/secrets', { metadata: { name: 's' } })
    for (const path of ['a/secrets/..%2F..%2Fb%2Fsecrets%2Fs', 'a%2F..%2Fb/secrets/s', 'a/secrets/../../b/secrets/s', 'a/../b/secrets/s'])
      expect([403, 404]).toContain((await as('u', 'GET', `/api/v1/namespaces/${path}`)).status)
  })
})

test('what is refused is told in upstream’s words, with the roles that are not there', async () => {
  expect((await as('u', 'GET', '/apis/apps/v1/namespaces/a/deployments/d')).object).toMatchObject({
    code: 403,
    message: 'deployments.apps "d" is forbidden: User "u" cannot get resource "deployments" in API group "apps" in the namespace "a"',
    details: { name: 'd', group: 'apps', kind: 'deployments' },
  })
  expect((await as('u', 'GET', '/metrics')).object.message).toBe('forbidden: User "u" cannot get path "/metrics"')
  await server.make(`${inA}/rolebindings`, binding('b', 'ClusterRole', 'none', user('u')), binding('c', 'Role', 'neither', user('u')))
  expect((await as('u', 'GET', '/api/v1/namespaces/a/pods')).object.message).toBe(
    'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "a": RBAC: [clusterrole.rbac.authorization.k8s.io "none" not found, role.rbac.authorization.k8s.io "neither" not found]',
  )
})

test('everybody who is known may look around, everybody else may ask how the server is', async () => {
  expect((await as('u', 'GET', '/apis')).status).toBe(200)
  expect((await server.send('GET', '/apis', undefined, { name: 'system:anonymous', groups: ['system:unauthenticated'] })).status).toBe(403)
  expect((await server.send('GET', '/readyz', undefined, { name: 'system:anonymous', groups: ['system:unauthenticated'] })).status).toBe(
    200,
  )
})

describe('nobody gives away what they have not got', () => {
  const everything = rule('*', '*', '*')
  beforeEach(async () => {
    await server.make(
      `${inA}/roles`,
      role('giver', rule('create update patch delete', 'roles rolebindings', 'rbac.authorization.k8s.io'), rule('get list', 'pods')),
    )
    await server.make(`${inA}/rolebindings`, binding('giver', 'Role', 'giver', user('u')))
  })

  test('by a role', async () => {
    expect((await as('u', 'POST', `${inA}/roles`, role('r', rule('get', 'pods')))).status).toBe(201)
    expect((await as('u', 'POST', `${inA}/roles`, role('s', rule('get delete', 'pods secrets')))).object).toMatchObject({
      code: 403,
      message: `roles.rbac.authorization.k8s.io "s" is forbidden: user "u" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}
{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}`,
    })
    const patch = [{ op: 'add', path: '/rules/-', value: everything }]
    expect((await server.send('PATCH', `${inA}/roles/r`, patch, person('u'), 'application/json-patch+json')).status).toBe(403)
  })

  test('by a binding, unless they may bind that role', async () => {
    expect((await as('u', 'POST', `${inA}/rolebindings`, binding('b', 'Role', 'giver', user('v')))).status).toBe(201)
    const strong = binding('c', 'ClusterRole', 'cluster-admin', user('u'))
    expect((await as('u', 'POST', `${inA}/rolebindings`, strong)).object.message).toContain(
      'rolebindings.rbac.authorization.k8s.io "c" is forbidden: user "u" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
    )
    expect((await as('u', 'POST', `${inA}/rolebindings`, binding('d', 'Role', 'none', user('u')))).object).toMatchObject({
      code: 404,
      message: 'role.rbac.authorization.k8s.io "none" not found',
    })
    await server.make(
      `${inA}/roles`,
      role('binder', rule('bind', 'clusterroles', 'rbac.authorization.k8s.io', { resourceNames: ['cluster-admin'] })),
    )
    await server.make(`${inA}/rolebindings`, binding('binder', 'Role', 'binder', user('u')))
    expect((await as('u', 'POST', `${inA}/rolebindings`, strong)).status).toBe(201)
  })

  test('unless they may escalate', async () => {
    await server.make(`${inA}/roles`, role('escalator', rule('escalate', 'roles', 'rbac.authorization.k8s.io')))
    await server.make(`${inA}/rolebindings`, binding('escalator', 'Role', 'escalator', user('u')))
    expect((await as('u', 'POST', `${inA}/roles`, role('r', everything))).status).toBe(201)
  })

  test('nor by gathering', async () => {
    await server.make(`${rbac}/clusterroles`, role('keeper', rule('create update', 'clusterroles', 'rbac.authorization.k8s.io')))
    await server.make(`${rbac}/clusterrolebindings`, binding('keeper', 'ClusterRole', 'keeper', user('k')))
    const gathering = { metadata: { name: 'all' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
    expect((await as('k', 'POST', `${rbac}/clusterroles`, gathering)).object.message).toBe(
      'clusterroles.rbac.authorization.k8s.io "all" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    )
  })

  test('but who cannot give may still let go, and change what grants nothing', async () => {
    await server.make(`${inA}/roles`, role('strong', everything))
    const finalizers = { metadata: { finalizers: ['example.org/f'] } }
    const patched = (patch: object) => server.send('PATCH', `${inA}/roles/strong`, patch, person('u'), 'application/merge-patch+json')
    expect((await patched(finalizers)).status).toBe(200)
    expect((await patched({ metadata: { labels: { a: 'b' } } })).status).toBe(403)
    expect((await patched({ metadata: { finalizers: null } })).status).toBe(200)
    expect((await as('u', 'DELETE', `${inA}/roles/strong`)).status).toBe(200)
  })
})

describe('who may do what is asked', () => {
  beforeEach(async () => {
    await server.make(`${inA}/roles`, role('r', rule('get', 'pods'), rule('get', 'secrets', '', { resourceNames: ['s'] })))
    await server.make(`${inA}/rolebindings`, binding('b', 'Role', 'r', user('u'), { kind: 'ServiceAccount', name: 's' }))
  })
  const allowed = async (spec: object, name = 'admin') => {
    const path = name === 'admin' ? `${reviews}/subjectaccessreviews` : `${reviews}/selfsubjectaccessreviews`
    const { object } = name === 'admin' ? await server.send('POST', path, { spec }) : await as(name, 'POST', path, { spec })
    return object.status
  }

  test('about oneself and about others, with the reason', async () => {
    const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'a' }
    const yes = { allowed: true, reason: 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "u"' }
    expect(await allowed({ resourceAttributes }, 'u')).toEqual(yes)
    expect(await allowed({ resourceAttributes, user: 'u' })).toEqual(yes)
    expect(await allowed({ resourceAttributes, user: 'system:serviceaccount:a:s' })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/a" of Role "r" to ServiceAccount "s/a"',
    })
    expect(await allowed({ resourceAttributes: { ...resourceAttributes, verb: 'list' } }, 'u')).toEqual({ allowed: false })
    expect(await allowed({ resourceAttributes: { ...resourceAttributes, resource: 'secrets', name: 's' } }, 'u')).toMatchObject({
      allowed: true,
    })
    expect(await allowed({ nonResourceAttributes: { verb: 'get', path: '/healthz' } }, 'u')).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    })
    expect((await as('u', 'POST', `${reviews}/subjectaccessreviews`, { spec: { user: 'v', resourceAttributes } })).status).toBe(403)
  })

  test('as a list', async () => {
    const { object } = await as('u', 'POST', `${reviews}/selfsubjectrulesreviews`, { spec: { namespace: 'a' } })
    expect(object.status.incomplete).toBe(false)
    expect(object.status.resourceRules).toContainEqual({ verbs: ['get'], apiGroups: [''], resources: ['pods'] })
    expect(object.status.resourceRules).toContainEqual({ verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['s'] })
    expect(object.status.nonResourceRules).toContainEqual({
      verbs: ['get'],
      nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
    })
    expect((await as('u', 'POST', `${reviews}/selfsubjectrulesreviews`, {})).object).toMatchObject({
      code: 400,
      message: 'namespace cannot be empty',
    })
  })
})

test('a check costs microseconds however many bindings there are', async () => {
  await server.make(`${inA}/roles`, role('r', rule('get', 'pods')))
  await Promise.all(
    Array.from({ length: 500 }, (_, index) => server.make(`${inA}/rolebindings`, binding(`b${index}`, 'Role', 'r', user(`u${index}`)))),
  )
  const many = 200
  const review = { spec: { user: 'u499', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'a' } } }
  await server.send('POST', `${reviews}/subjectaccessreviews`, review)
  const began = process.threadCpuUsage()
  for (let count = 0; count < many; count++) await server.send('POST', `${reviews}/subjectaccessreviews`, review)
  const { user: micros } = process.threadCpuUsage(began)
  // A whole request, of which the check is a small part; looking through all bindings would take milliseconds.
  expect(micros / many).toBeLessThan(2000)
})

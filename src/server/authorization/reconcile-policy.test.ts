import { describe, expect, test } from 'vitest'
import type { ClusterRole } from '../../api/types/rbac-v1.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { serverForAccess } from './access-fixture.ts'
import { type BootstrapObject, bootstrapPolicy } from './bootstrap-policy.ts'
import { reconciliationOf } from './reconcile-policy.ts'
import { missingRules } from './rules-cover.ts'

const wanted = (name: string, kind = 'ClusterRole'): BootstrapObject => {
  const found = bootstrapPolicy().find(({ object }) => object.kind === kind && object.metadata.name === name)
  if (!found) throw new Error(`no ${kind} ${name}`)
  return found
}
const without = <T>(object: object, field: string) => {
  const { [field]: _, ...rest } = structuredClone(object) as Record<string, unknown>
  return rest as T
}

describe('a default role', () => {
  const basic = wanted('system:basic-user')
  test('is made when it is missing, and kept as it is when it has everything', () => {
    expect(reconciliationOf(basic, undefined)).toEqual({ type: 'create', object: basic.object })
    expect(reconciliationOf(basic, basic.object)).toEqual({ type: 'keep' })
    const more = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
    const richer = { ...basic.object, rules: [more, ...((basic.object as ClusterRole).rules ?? [])] } as ClusterRole
    expect(reconciliationOf(basic, richer)).toEqual({ type: 'keep' })
  })

  test('gets what it lacks', () => {
    const poorer = { ...basic.object, rules: (basic.object as ClusterRole).rules?.slice(0, 1) } as ClusterRole
    expect(reconciliationOf(basic, poorer)).toMatchObject({
      type: 'update',
      object: {
        rules: [
          { resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'] },
          { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
        ],
      },
    })
    const view = wanted('view')
    expect(reconciliationOf(view, without<ClusterRole>(view.object, 'aggregationRule'))).toMatchObject({
      type: 'update',
      object: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }] } },
    })
  })

  test('stays as somebody wants it', () => {
    const own = {
      ...basic.object,
      rules: [],
      metadata: { name: 'x', annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    }
    expect(reconciliationOf(basic, own)).toEqual({ type: 'keep' })
  })
})

describe('a default binding', () => {
  const admins = wanted('cluster-admin', 'ClusterRoleBinding')
  test('gets the subjects it lacks', () => {
    const other = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' }
    expect(reconciliationOf(admins, Object.assign({}, admins.object, { subjects: [other] }))).toMatchObject({
      type: 'update',
      object: { subjects: [other, { kind: 'Group', name: 'system:masters' }] },
    })
  })

  test('of another role is made anew', () => {
    const changed = { ...admins.object, roleRef: { kind: 'ClusterRole', name: 'view' } } as unknown as ClusterRole
    expect(reconciliationOf(admins, changed)).toEqual({ type: 'recreate', object: admins.object })
  })
})

test('the default policy is what Kubernetes 1.36 has, each role named by bindings being there', () => {
  const policy = bootstrapPolicy()
  const names = policy.map(({ object }) => `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`)
  expect(new Set(names).size).toBe(names.length)
  for (const { type, object } of policy) {
    if (type !== 'binding') continue
    const { kind, name } = object.roleRef
    expect(names).toContain(`${kind}/${kind === 'Role' ? object.metadata.namespace : ''}/${name}`)
  }
  const rules = (name: string) => (wanted(name).object as ClusterRole).rules ?? []
  expect(rules('system:aggregate-to-edit').some(({ resources }) => resources?.includes('endpoints'))).toBe(false)
  expect(rules('system:aggregate-to-view')).toContainEqual({
    apiGroups: ['discovery.k8s.io'],
    resources: ['endpointslices'],
    verbs: ['get', 'list', 'watch'],
  })
  expect(rules('system:aggregate-to-view').some(({ resources }) => resources?.includes('secrets'))).toBe(false)
  expect(rules('system:discovery')).toEqual([{ nonResourceURLs: expect.arrayContaining(['/api/*', '/openapi/*']), verbs: ['get'] }])
})

test('a second start finds all that the first made, and mends what lacks', async () => {
  const store = createMemoryStore()
  const first = await serverForAccess({ store, bootstrapPolicy: true })
  const url = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
  const { object: before } = await first.send('GET', url)
  await first.send('DELETE', `${url}/view`)
  await first.send('PATCH', `${url}/system:discovery`, { rules: [] }, undefined, 'application/merge-patch+json')
  const second = await serverForAccess({ store, bootstrapPolicy: true })
  const { object: after } = await second.send('GET', url)
  const named = (list: { items: ClusterRole[] }) => new Map(list.items.map((role) => [role.metadata.name, role]))
  expect([...named(after).keys()]).toEqual([...named(before).keys()])
  for (const [name, { rules = [] }] of named(before)) expect(missingRules(named(after).get(name)?.rules ?? [], rules)).toEqual([])
  const revisions = (list: { items: ClusterRole[] }) =>
    list.items
      .filter(({ metadata }) => metadata.name !== 'view' && metadata.name !== 'system:discovery')
      .map(({ metadata }) => metadata.resourceVersion)
  expect(revisions(after)).toEqual(revisions(before))
})

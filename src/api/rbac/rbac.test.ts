import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const group = 'rbac.authorization.k8s.io'
const role = kindUnderTest(group, 'v1', 'Role')
const clusterRole = kindUnderTest(group, 'v1', 'ClusterRole')
const binding = kindUnderTest(group, 'v1', 'RoleBinding')
const clusterBinding = kindUnderTest(group, 'v1', 'ClusterRoleBinding')

describe('a role', () => {
  test.each([
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, []],
    [{ apiGroups: [''], resources: ['pods'] }, ['rules[0].verbs: Required value: verbs must contain at least one value']],
    [
      { verbs: ['get'] },
      [
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/healthz'] },
      ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs'],
    ],
  ])('with rule %j: %j', (rule, problems) => {
    expect(role.problems({ rules: [rule] })).toEqual(problems)
  })

  test('is shown with when it was made', () => {
    expect(role.columns).toBe('Name Created At')
    expect(role.cells({})).toEqual(['a', '2026-01-01T00:00:00Z'])
  })
})

describe('a role of the cluster', () => {
  test.each([
    [{ rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }, []],
    [
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'], resources: ['pods'] }] },
      ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and non-resource URLs'],
    ],
    [
      { aggregationRule: {} },
      ['aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil'],
    ],
    [{ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }, []],
  ])('%j: %j', (given, problems) => {
    expect(clusterRole.problems(given)).toEqual(problems)
  })

  test('is shown as other roles are', () => {
    expect(clusterRole.columns).toBe('Name Created At')
  })
})

describe('a binding', () => {
  const view = { kind: 'ClusterRole', name: 'view' }
  const user = { kind: 'User', name: 'u' }

  test('names the group of roles, users and groups', () => {
    const subjects = [user, { kind: 'Group', name: 'g' }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }]
    expect(binding.defaulted({ roleRef: view, subjects })).toMatchObject({
      roleRef: { apiGroup: group },
      subjects: [{ apiGroup: group }, { apiGroup: group }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }],
    })
    expect(binding.defaulted({ roleRef: view, subjects })).not.toHaveProperty('subjects.2.apiGroup')
  })

  test.each([
    [binding, { roleRef: { kind: 'Pod', name: 'a' } }, ['roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"']],
    [
      clusterBinding,
      { roleRef: { kind: 'Role', name: 'a' } },
      ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ],
    [binding, { roleRef: { kind: 'Role' } }, ['roleRef.name: Required value']],
    [binding, { roleRef: { kind: 'Role', name: 'a/b' } }, ['roleRef.name: Invalid value: "a/b": may not contain \'/\'']],
    [
      binding,
      { roleRef: { ...view, apiGroup: 'x' } },
      ['roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"'],
    ],
    [binding, { roleRef: view, subjects: [{ kind: 'ServiceAccount', name: 's' }] }, []],
    [clusterBinding, { roleRef: view, subjects: [{ kind: 'ServiceAccount', name: 's' }] }, ['subjects[0].namespace: Required value']],
    [
      binding,
      { roleRef: view, subjects: [{ kind: 'Pod', name: 'p' }] },
      ['subjects[0].kind: Unsupported value: "Pod": supported values: "ServiceAccount", "User", "Group"'],
    ],
    [binding, { roleRef: view, subjects: [{ kind: 'User' }] }, ['subjects[0].name: Required value']],
  ])('%#: %j: %j', (kind, given, problems) => {
    expect(kind.problems(given)).toEqual(problems)
  })

  test('keeps its role', () => {
    expect(binding.updateProblems({ roleRef: view }, { roleRef: { ...view, name: 'edit' } })).toEqual([
      'roleRef: Invalid value: {"kind":"ClusterRole","name":"edit","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ])
    expect(binding.updateProblems({ roleRef: view }, { roleRef: view, subjects: [user] })).toEqual([])
  })

  test('is shown with its role, and who has it', () => {
    const columns = 'Name Role Age [Users] [Groups] [ServiceAccounts]'
    expect(binding.columns).toBe(columns)
    expect(clusterBinding.columns).toBe(columns)
    const subjects = [
      user,
      { kind: 'User', name: 'v' },
      { kind: 'Group', name: 'g' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
    ]
    expect(binding.cells({ roleRef: view, subjects })).toEqual(['a', 'ClusterRole/view', '5m', 'u, v', 'g', 'n/s'])
  })
})

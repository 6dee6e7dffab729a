import { expect, test } from 'vitest'
import { metadataProblems, metadataUpdateProblems } from './metadata-problems.ts'

const configMap = { group: '', kind: 'ConfigMap' }
const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '1' }

test.each([
  ['a plain name', configMap, { name: 'a.b-c' }],
  ['a role named after its domain', { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole' }, { name: 'system:Node_x' }],
  ['a key with a domain', configMap, { name: 'a', labels: { 'example.com/x_y': 'Z.1' }, annotations: { 'Example.com/X': '' } }],
  ['one controller', configMap, { name: 'a', ownerReferences: [{ ...owner, controller: true }, owner] }],
  [
    'any finalizer of a definition',
    { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' },
    { name: 'a.b', finalizers: ['x'] },
  ],
  [
    'any finalizer of a custom resource',
    { group: 'example.com', kind: 'X', definitions: { v2: {}, v3: {} } },
    { name: 'a', finalizers: ['x'] },
  ],
  ['known finalizers', configMap, { name: 'a', finalizers: ['orphan', 'example.com/x'] }],
])('%s is good', (_, kind, metadata) => {
  expect(metadataProblems(kind, metadata)).toEqual([])
})

test.each([
  ['no name', configMap, {}, 'metadata.name', 'Required value'],
  ['a capital', configMap, { name: 'A' }, 'metadata.name', 'a lowercase RFC 1123 subdomain'],
  ['a colon', configMap, { name: 'a:b' }, 'metadata.name', 'a lowercase RFC 1123 subdomain'],
  ['a namespace with a dot', { group: '', kind: 'Namespace' }, { name: 'a.b' }, 'metadata.name', 'a lowercase RFC 1123 label'],
  ['a service with a digit first', { group: '', kind: 'Service' }, { name: '1a' }, 'metadata.name', 'a DNS-1035 label'],
  ['a role with a slash', { group: 'rbac.authorization.k8s.io', kind: 'Role' }, { name: 'a/b' }, 'metadata.name', "may not contain '/'"],
  [
    'a role too long for a key',
    { group: 'rbac.authorization.k8s.io', kind: 'Role' },
    { name: 'ä'.repeat(600) },
    'metadata.name',
    'Too long',
  ],
  [
    'a role with half a character',
    { group: 'rbac.authorization.k8s.io', kind: 'Role' },
    { name: '\ud800' },
    'metadata.name',
    'must be text',
  ],
  ['a role named ..', { group: 'rbac.authorization.k8s.io', kind: 'Role' }, { name: '..' }, 'metadata.name', "may not be '..'"],
  ['a bad label key', configMap, { name: 'a', labels: { '-': 'x' } }, 'metadata.labels', 'name part must consist of'],
  ['a bad label value', configMap, { name: 'a', labels: { x: '-' } }, 'metadata.labels', 'a valid label must be'],
  ['a bad annotation key', configMap, { name: 'a', annotations: { 'a b': '' } }, 'metadata.annotations', 'name part must consist of'],
  [
    'much in annotations',
    configMap,
    { name: 'a', annotations: { a: 'x'.repeat(262_144) } },
    'metadata.annotations',
    'Too long: may not be more than 262144 bytes',
  ],
  [
    'an owner without uid',
    configMap,
    { name: 'a', ownerReferences: [{ ...owner, uid: '' }] },
    'metadata.ownerReferences[0].uid',
    'must not be empty',
  ],
  [
    'two controllers',
    configMap,
    {
      name: 'a',
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: 'b', controller: true },
      ],
    },
    'metadata.ownerReferences',
    'Only one reference can have Controller set to true. Found "true" in references for a and b',
  ],
  ['a finalizer of nobody', configMap, { name: 'a', finalizers: ['x'] }, 'metadata.finalizers', 'neither a standard finalizer name'],
  ['both policies', configMap, { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] }, 'metadata.finalizers', 'can not be both set'],
])('%s is refused', (_, kind, metadata, field, message) => {
  expect(metadataProblems(kind, metadata)).toEqual([expect.objectContaining({ field, message: expect.stringContaining(message) })])
})

test('what is being deleted takes no new finalizers', () => {
  const old = { apiVersion: 'v1', kind: 'X', metadata: { name: 'a', deletionTimestamp: 'now', finalizers: ['a/b'] } }
  expect(metadataUpdateProblems({ finalizers: [] }, old)).toEqual([])
  expect(metadataUpdateProblems({ finalizers: ['a/b', 'c/d'] }, old)[0]?.message).toContain('found new finalizers []string{"c/d"}')
})

test('very many finalizers are compared in one pass', () => {
  const finalizers = Array.from({ length: 100_000 }, (_, index) => `a.b/${index}`)
  const old = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers } }
  expect(metadataUpdateProblems({ finalizers: finalizers.toReversed() }, old)).toEqual([])
})

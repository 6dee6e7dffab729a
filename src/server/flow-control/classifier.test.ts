import { expect, test } from 'vitest'
import { mandatoryFlowSchemas } from '../../api/flowcontrol/mandatory-objects.ts'
import type { FlowSchema } from '../../api/types/flowcontrol-v1.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { classifier, distinguisherOf } from './classifier.ts'
import { defaultFlowSchemas } from './suggested-objects.ts'

const schemas: FlowSchema[] = [...mandatoryFlowSchemas, ...defaultFlowSchemas.suggested].map(([name, spec]) => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name },
  spec,
}))
const classify = classifier(schemas)
const resource = (verb: string, what: string, namespace = 'default'): RequestAttributes => {
  const [resource = '', group = ''] = (what.split('/', 1)[0] ?? '').split(/\.(.*)/)
  return { type: 'resource', verb, group, version: 'v1', resource, subresource: what.split('/')[1] ?? '', namespace, name: '' }
}
const path = (verb: string, path: string): RequestAttributes => ({ type: 'path', verb, path })
const user = (name: string, ...groups: string[]) => ({ name, groups: [...groups, 'system:authenticated'] })
const node = user('system:node:a', 'system:nodes')
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)

test.each([
  ['an administrator', user('admin', 'system:masters'), resource('get', 'pods'), 'exempt'],
  ['a probe', { name: 'system:anonymous', groups: ['system:unauthenticated'] }, path('get', '/healthz'), 'probes'],
  ['a check of its own', { name: 'system:anonymous', groups: ['system:unauthenticated'] }, path('get', '/healthz/etcd'), 'global-default'],
  ['a lease of a node', node, resource('update', 'leases.coordination.k8s.io', 'kube-node-lease'), 'system-node-high'],
  ['the status of a node', node, resource('patch', 'nodes/status', ''), 'system-node-high'],
  ['a pod of a node', node, resource('patch', 'pods/status'), 'system-nodes'],
  ['a lock of the scheduler', user('system:kube-scheduler'), resource('update', 'leases.coordination.k8s.io'), 'system-leader-election'],
  ['another verb on it', user('system:kube-scheduler'), resource('delete', 'leases.coordination.k8s.io'), 'kube-scheduler'],
  ['endpoints', user('system:kube-controller-manager'), resource('update', 'endpoints'), 'endpoint-controller'],
  ['a system account', account('kube-system', 'dns'), resource('list', 'pods', ''), 'kube-system-service-accounts'],
  ['a lock of one', account('kube-system', 'dns'), resource('get', 'configmaps'), 'workload-leader-election'],
  ['another account', account('default', 'app'), resource('list', 'pods'), 'service-accounts'],
  ['somebody', user('jane'), resource('create', 'pods'), 'global-default'],
  ['nobody’s groups', { name: 'x', groups: [] }, resource('create', 'pods'), undefined],
])('%s', (_, who, attributes, schema) => {
  expect(classify(who, attributes)?.metadata.name).toBe(schema)
})

test('names decide between schemas of one precedence', () => {
  const twin = (name: string) => ({ ...schemas[1], metadata: { name } }) as FlowSchema
  expect(classifier([twin('b'), twin('a')])(user('jane'), resource('get', 'pods'))?.metadata.name).toBe('a')
})

test('rules of one namespace, of all and of none', () => {
  const schema = (rule: object): FlowSchema => ({
    apiVersion: '',
    kind: '',
    metadata: { name: 'x' },
    spec: {
      priorityLevelConfiguration: { name: 'y' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: '*' } }],
          resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods', 'pods/log'], ...rule }],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/logs/*'] }],
        },
      ],
    },
  })
  const matches = (rule: object, attributes: RequestAttributes) => classifier([schema(rule)])(user('a'), attributes) !== undefined
  expect(matches({ namespaces: ['one'] }, resource('get', 'pods', 'one'))).toBe(true)
  expect(matches({ namespaces: ['one'] }, resource('get', 'pods/log', 'one'))).toBe(true)
  expect(matches({ namespaces: ['one'] }, resource('get', 'pods/exec', 'one'))).toBe(false)
  expect(matches({ namespaces: ['one'] }, resource('get', 'pods', 'two'))).toBe(false)
  expect(matches({ namespaces: ['*'] }, resource('get', 'pods', ''))).toBe(false)
  expect(matches({ clusterScope: true }, resource('get', 'pods', ''))).toBe(true)
  expect(matches({ clusterScope: true }, resource('get', 'pods', 'one'))).toBe(false)
  expect(matches({}, path('get', '/logs/a/b'))).toBe(true)
  expect(matches({}, path('get', '/logs'))).toBe(false)
})

test('a flow is a user, a namespace or all', () => {
  const by = (type: string | undefined): FlowSchema => ({
    apiVersion: '',
    kind: '',
    metadata: { name: 'x' },
    spec: { priorityLevelConfiguration: { name: 'y' }, ...(type !== undefined && { distinguisherMethod: { type } }) },
  })
  expect(distinguisherOf(by('ByUser'), user('a'), resource('get', 'pods', 'one'))).toBe('a')
  expect(distinguisherOf(by('ByNamespace'), user('a'), resource('get', 'pods', 'one'))).toBe('one')
  expect(distinguisherOf(by(undefined), user('a'), resource('get', 'pods', 'one'))).toBe('')
})

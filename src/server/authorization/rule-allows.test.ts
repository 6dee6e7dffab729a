import { describe, expect, test } from 'vitest'
import type { PolicyRule } from '../../api/types/rbac-v1.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { ruleAllows } from './rule-allows.ts'

const rule = (verbs: string, apiGroups: string, resources: string, resourceNames?: string): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: apiGroups.split(' ').map((group) => (group === 'core' ? '' : group)),
  resources: resources.split(' '),
  ...(resourceNames !== undefined && { resourceNames: resourceNames.split(' ') }),
})
const ask = (verb: string, group: string, resource: string, name = ''): RequestAttributes => {
  const [plural = '', subresource = ''] = resource.split('/')
  return {
    type: 'resource',
    verb,
    group: group === 'core' ? '' : group,
    version: 'v1',
    resource: plural,
    subresource,
    namespace: 'a',
    name,
  }
}

describe('a rule for resources', () => {
  test.each([
    [rule('get list', 'core', 'pods'), ask('get', 'core', 'pods', 'p'), true],
    [rule('get list', 'core', 'pods'), ask('delete', 'core', 'pods', 'p'), false],
    [rule('get', 'core', 'pods'), ask('get', 'apps', 'pods'), false],
    [rule('get', 'core', 'pods'), ask('get', 'core', 'pods/log', 'p'), false],
    [rule('get', 'core', 'pods/log'), ask('get', 'core', 'pods/log', 'p'), true],
    [rule('get', 'core', 'pods/log'), ask('get', 'core', 'pods', 'p'), false],
    [rule('get', 'core', '*'), ask('get', 'core', 'pods/log', 'p'), true],
    [rule('get', '*', '*/scale'), ask('get', 'apps', 'deployments/scale', 'd'), true],
    [rule('get', '*', '*/scale'), ask('get', 'apps', 'deployments', 'd'), false],
    [rule('get', '*', '*/scale'), ask('get', 'apps', 'deployments/status', 'd'), false],
    [rule('*', '*', '*'), ask('use', 'policy', 'x', 'y'), true],
    [rule('get', 'core', 'pods/*'), ask('get', 'core', 'pods/log', 'p'), false],
    [rule('get', 'core', 'configmaps', 'one two'), ask('get', 'core', 'configmaps', 'two'), true],
    [rule('get', 'core', 'configmaps', 'one two'), ask('get', 'core', 'configmaps', 'three'), false],
    [rule('list', 'core', 'configmaps', 'one'), ask('list', 'core', 'configmaps'), false],
    [{ verbs: ['get'], nonResourceURLs: ['*'] }, ask('get', 'core', 'pods'), false],
  ])('%j, asked for %j: %s', (given, asked, expected) => {
    expect(ruleAllows(given, asked)).toBe(expected)
  })
})

describe('a rule for paths', () => {
  test.each([
    ['/healthz', '/healthz', true],
    ['/healthz', '/healthz/etcd', false],
    ['/healthz/*', '/healthz/etcd', true],
    ['/healthz/*', '/healthz', false],
    ['*', '/anything', true],
    ['/a**', '/ab', true],
    ['/*/b', '/a/b', false],
    ['/*/b', '/*/b', true],
  ])('%s, asked for %s: %s', (url, path, expected) => {
    expect(ruleAllows({ verbs: ['get'], nonResourceURLs: [url] }, { type: 'path', verb: 'get', path })).toBe(expected)
  })

  test('says nothing of other methods, and rules for resources nothing of paths', () => {
    expect(ruleAllows({ verbs: ['get'], nonResourceURLs: ['*'] }, { type: 'path', verb: 'post', path: '/x' })).toBe(false)
    expect(ruleAllows(rule('*', '*', '*'), { type: 'path', verb: 'get', path: '/metrics' })).toBe(false)
  })
})

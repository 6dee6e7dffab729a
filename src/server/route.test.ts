import { expect, test } from 'vitest'
import { parseRoute } from './route.ts'

test.each([
  ['/api/v1/pods', { group: '', version: 'v1', plural: 'pods', namespace: undefined, name: undefined, subresource: '' }],
  ['/api/v1/namespaces', { plural: 'namespaces', name: undefined }],
  ['/api/v1/namespaces/a', { plural: 'namespaces', name: 'a', namespace: undefined }],
  ['/api/v1/namespaces/a/status', { plural: 'namespaces', name: 'a', subresource: 'status' }],
  ['/api/v1/namespaces/a/finalize', { plural: 'namespaces', name: 'a', subresource: 'finalize' }],
  ['/api/v1/namespaces/a/pods', { plural: 'pods', namespace: 'a', name: undefined }],
  ['/api/v1/namespaces/a/pods/b', { plural: 'pods', namespace: 'a', name: 'b' }],
  ['/api/v1/namespaces/a/pods/b/log', { plural: 'pods', name: 'b', subresource: 'log' }],
  ['/apis/apps/v1/namespaces/a/deployments/b/scale', { group: 'apps', plural: 'deployments', subresource: 'scale' }],
  ['/api/v1/namespaces/a/services/https:b:443/proxy/c//d%2Fe/', { name: 'https:b:443', subresource: 'proxy', remainder: '/c//d%2Fe/' }],
  ['/api/v1/namespaces/a/pods/b/proxy/', { plural: 'pods', name: 'b', subresource: 'proxy', remainder: '/' }],
  ['/api/v1/nodes/a/proxy/stats', { plural: 'nodes', name: 'a', subresource: 'proxy', remainder: '/stats' }],
  ['/api/v1/pods/', { plural: 'pods', name: undefined, subresource: '' }],
  ['/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode', { plural: 'clusterroles', name: 'system:node' }],
])('%s', (path, route) => {
  expect(parseRoute(path)).toMatchObject(route)
})

test.each([
  '/',
  '/api',
  '/api/v1',
  '/apis/apps',
  '/healthz',
  '/api/v1/namespaces/../pods',
  '/api/v1/namespaces/a%2fb/pods',
  '/api/v1/pods/%zz',
  '/api/v1//pods',
  '/api/v1/namespaces/a/pods//log',
])('%s is no resource', (path) => {
  expect(parseRoute(path)).toBeUndefined()
})

import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiRequest } from '../api/exchange.ts'
import { clusterRoleBindings, clusterRoles, serviceAccounts } from '../api/resources.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import { serviceAccountVerifier } from '../server/authentication/service-account-verifier.ts'
import { createAuthentication } from '../server/authentication.ts'
import { nodeAuthorizer } from '../server/authorization/node-authorizer.ts'
import { roleBased } from '../server/authorization/role-based.ts'
import { createAuthority } from '../server/pki.ts'
import { createServer } from '../server/server.ts'
import { serviceAccountTokens } from '../server/service-account-tokens.ts'
import { createMemoryStore } from '../store/memory.ts'
import { type NodeAccess, nodeAccess, type Shown, subresourcesOf } from './node-access.ts'

let key: string
let clock: VirtualClock
let admin: Client
let access: NodeAccess
let asked: string[]
let token: string

beforeAll(async () => {
  key = (await createAuthority('tokens', Date.now())).key
})

beforeEach(async () => {
  clock = new VirtualClock()
  asked = []
  const tokens = serviceAccountTokens({ key, issuer: 'https://issuer', clock, random: seededRandom(1) })
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: {
        create: (parts) =>
          createAuthentication({
            staticTokens: new Map(),
            verifyToken: serviceAccountVerifier(tokens, parts),
            audiences: ['https://issuer'],
            clock,
          }),
      },
      serverAddress: 'x:1',
      authorizers: [nodeAuthorizer, roleBased],
      bootstrapPolicy: true,
      tokens,
      clock,
      random: seededRandom(2),
      log: silentLog,
    },
    new AbortController().signal,
  )
  const clientAs = (name: string, ...groups: string[]) =>
    createClient({
      transport: inProcessTransport({
        handle: (request: ApiRequest) => {
          if (name !== 'admin') asked.push(request.path.split('/').at(-1) ?? '')
          return handle(request)
        },
        user: { name, groups: [...groups, 'system:authenticated'] },
      }),
    })
  admin = clientAs('admin', 'system:masters')
  access = nodeAccess({ client: clientAs('system:node:one', 'system:nodes'), nodeName: 'one', clock })
  await admin.resource(serviceAccounts).create({ metadata: { name: 'watcher', namespace: 'default' } })
  await admin.resource(clusterRoles).create({
    metadata: { name: 'metrics' },
    rules: [{ apiGroups: [''], resources: ['nodes/metrics', 'nodes/pods'], verbs: ['get'] }],
  })
  const subjects = [
    { kind: 'ServiceAccount', name: 'watcher', namespace: 'default' },
    { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' },
  ]
  await admin.resource(clusterRoleBindings).create({
    metadata: { name: 'metrics' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'metrics' },
    subjects,
  })
  const issued = await admin.resource(serviceAccounts).createSubresource('default', 'watcher', 'token', {})
  token = (issued as { status: { token: string } }).status.token
})

const certificate = (commonName: string, ...organizations: string[]): Shown => ({ certificate: { commonName, organizations } })

describe('a node lets in', () => {
  test('whom roles allow it, by certificate or by token', async () => {
    expect(await access(certificate('jane'), 'GET', '/metrics/resource')).toBeUndefined()
    expect(await access({ token }, 'GET', '/metrics/resource')).toBeUndefined()
    expect(await access({ token }, 'GET', '/pods')).toBeUndefined()
    expect(await access({ token }, 'POST', '/metrics')).toMatchObject({ status: 403 })
    expect(await access({ token }, 'GET', '/containerLogs/default/p/c')).toEqual({
      status: 403,
      message: 'Forbidden (user=system:serviceaccount:default:watcher, verb=get, resource=nodes, subresource(s)=[proxy])',
    })
  })

  test('the API server without asking it', async () => {
    expect(access(certificate('kube-apiserver-kubelet-client', 'system:masters'), 'POST', '/exec/default/p/c')).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('nobody who shows nothing, or nothing good, and no node beside', async () => {
    expect(await access({}, 'GET', '/metrics')).toEqual({ status: 401, message: 'Unauthorized' })
    expect(await access({ token: `${token}x` }, 'GET', '/metrics')).toMatchObject({ status: 401 })
    expect(await access(certificate('system:node:two', 'system:nodes'), 'GET', '/pods')).toMatchObject({ status: 403 })
    expect(await access(certificate('kate'), 'GET', '/stats/summary')).toMatchObject({ status: 403 })
  })

  test('for a while whom it has let in, and refuses no longer than it has to', async () => {
    const path = '/metrics'
    await access({ token }, 'GET', path)
    expect(asked).toEqual(['tokenreviews', 'subjectaccessreviews'])
    await access({ token }, 'GET', path)
    expect(asked).toHaveLength(2)
    await admin.resource(clusterRoleBindings).delete(undefined, 'metrics')
    expect(await access({ token }, 'GET', path)).toBeUndefined()
    await clock.advance(300_000)
    expect(await access({ token }, 'GET', path)).toMatchObject({ status: 403 })
  })
})

test.each([
  ['/stats/summary', ['stats']],
  ['/metrics', ['metrics']],
  ['/metrics/cadvisor', ['metrics']],
  ['/metricsx', ['proxy']],
  ['/logs/syslog', ['log']],
  ['/pods', ['pods', 'proxy']],
  ['/runningpods/', ['pods', 'proxy']],
  ['/healthz/ping', ['healthz', 'proxy']],
  ['/exec/default/p/c', ['proxy']],
  ['/', ['proxy']],
])('%s is asked about as %j', (path, subresources) => {
  expect(subresourcesOf(path)).toEqual(subresources)
})

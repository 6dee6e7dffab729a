import { describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { type Authorize, allowKnown, noOpinion } from './authorization/authorizer.ts'
import { impersonatedIn } from './impersonation.ts'
import { type Impersonated, type ImpersonationMode, impersonatedUser, modesFor, rightsFor, userOf } from './impersonation-modes.ts'
import type { RequestAttributes } from './request-attributes.ts'
import { createServer } from './server.ts'

const all: Impersonated = { user: 'anna', uid: '7', groups: ['dev', 'ops'], extra: { scopes: ['a', 'b'] } }

const nameOf = (attributes: RequestAttributes) => (attributes.type === 'resource' ? attributes.name : '')

test('is what the headers say', () => {
  const headers = {
    'impersonate-user': 'anna',
    'impersonate-uid': '7',
    'impersonate-group': 'dev, ops',
    'impersonate-extra-scopes': 'a, b',
  }
  const rawHeaders = [
    'Impersonate-Group',
    'dev',
    'Impersonate-Group',
    'ops',
    'Impersonate-Extra-Scopes',
    'a',
    'Impersonate-Extra-Scopes',
    'b',
  ]
  expect(impersonatedIn({ headers, rawHeaders })).toEqual(all)
  expect(impersonatedIn({ headers: { accept: '*/*' } })).toBeUndefined()
  for (const header of ['impersonate-group', 'impersonate-uid', 'impersonate-extra-scopes'])
    expect(() => impersonatedIn({ headers: { [header]: 'x' } })).toThrow('without impersonating a user')
})

const wanted = (user: string, more: Partial<Impersonated> = {}): Impersonated => ({ user, uid: undefined, groups: [], extra: {}, ...more })
const pods = {
  type: 'resource',
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'web',
  name: '',
} as const

function rightsOf(mode: ImpersonationMode, impersonated: Impersonated): readonly string[] {
  return [...rightsFor(mode, impersonated, pods)].flatMap((attributes) => {
    if (attributes.type !== 'resource') return []
    const { verb, group, resource, subresource, namespace, name } = attributes
    return [[verb, group, resource, subresource, namespace, name].join(' ')]
  })
}

test('takes a right for each part', () => {
  expect(rightsOf('legacy', all)).toEqual([
    'impersonate  users   anna',
    'impersonate authentication.k8s.io uids   7',
    'impersonate  groups   dev',
    'impersonate  groups   ops',
    'impersonate authentication.k8s.io userextras scopes  a',
    'impersonate authentication.k8s.io userextras scopes  b',
  ])
  expect(rightsOf('legacy', wanted('system:serviceaccount:web:app'))).toEqual(['impersonate  serviceaccounts  web app'])
  expect(rightsOf('user-info', wanted('anna', { groups: ['dev'] }))).toEqual([
    'impersonate-on:user-info:list  pods  web ',
    'impersonate:user-info authentication.k8s.io users   anna',
    'impersonate:user-info authentication.k8s.io groups   dev',
  ])
  expect(rightsOf('associated-node', wanted('system:node:one'))[1]).toBe('impersonate:associated-node authentication.k8s.io nodes   *')
  expect(rightsOf('arbitrary-node', wanted('system:node:one'))[1]).toBe('impersonate:arbitrary-node authentication.k8s.io nodes   one')
})

test('may take less where it is for some things alone', () => {
  const somebody = { name: 'somebody', groups: [] }
  const agent = { name: 'system:serviceaccount:web:agent', groups: [], extra: { 'authentication.kubernetes.io/node-name': ['one'] } }
  expect(modesFor(wanted('anna', { groups: ['dev'] }), somebody)).toEqual(['user-info', 'legacy'])
  expect(modesFor(wanted('system:serviceaccount:web:app'), somebody)).toEqual(['serviceaccount', 'legacy'])
  expect(modesFor(wanted('system:serviceaccount:web:app', { groups: ['dev'] }), somebody)).toEqual(['legacy'])
  expect(modesFor(wanted('system:node:one'), agent)).toEqual(['associated-node', 'arbitrary-node', 'legacy'])
  expect(modesFor(wanted('system:node:two'), agent)).toEqual(['arbitrary-node', 'legacy'])
  expect(modesFor(wanted('system:node:one', { groups: ['dev'] }), agent)).toEqual(['legacy'])
})

test.each([
  ['anna', [], ['system:authenticated']],
  ['anna', ['dev'], ['dev', 'system:authenticated']],
  ['anna', ['system:authenticated', 'dev'], ['system:authenticated', 'dev']],
  ['anna', ['system:unauthenticated'], ['system:unauthenticated']],
  ['system:anonymous', [], ['system:unauthenticated']],
  ['system:anonymous', ['dev'], ['dev', 'system:unauthenticated']],
  ['system:serviceaccount:web:app', [], ['system:serviceaccounts', 'system:serviceaccounts:web', 'system:authenticated']],
  ['system:serviceaccount:web:app', ['dev'], ['dev', 'system:authenticated']],
])('%s with %j is in %j', (user, groups, expected) => {
  expect(userOf('legacy', wanted(user, { groups }))).toEqual({ name: user, groups: expected })
})

test('a node is in its group where it is impersonated for some things alone', () => {
  expect(userOf('arbitrary-node', wanted('system:node:one')).groups).toEqual(['system:nodes', 'system:authenticated'])
})

describe('done for some things alone', () => {
  const may =
    (...rights: readonly string[]): Authorize =>
    (_, attributes) => {
      const isAllowed = attributes.type === 'resource' && rights.includes(`${attributes.verb} ${attributes.resource}`)
      return isAllowed ? { type: 'allow', reason: '' } : noOpinion
    }
  const sender = { name: 'clerk', groups: [] }
  const both = may('impersonate-on:user-info:list pods', 'impersonate:user-info users', 'impersonate:user-info groups')

  test('takes the right to the one and to the thing', async () => {
    expect(await impersonatedUser(both, sender, wanted('anna', { groups: ['dev'] }), pods)).toMatchObject({ name: 'anna' })
    const wrong = impersonatedUser(both, sender, wanted('anna'), { ...pods, verb: 'delete' })
    await expect(wrong).rejects.toThrow('pods is forbidden: User "clerk" cannot impersonate-on:user-info:delete resource "pods"')
    const another = impersonatedUser(may('impersonate-on:user-info:list pods'), sender, wanted('anna'), pods)
    await expect(another).rejects.toThrow('users.authentication.k8s.io "anna" is forbidden: User "clerk" cannot impersonate:user-info')
  })

  test('never makes anybody a master', async () => {
    const master = wanted('anna', { groups: ['system:masters'] })
    await expect(impersonatedUser(both, sender, master, pods)).rejects.toThrow('impersonating the system:masters group is not allowed')
    const all = may('impersonate users', 'impersonate groups')
    expect(await impersonatedUser(all, sender, master, pods)).toMatchObject({ groups: ['system:masters', 'system:authenticated'] })
  })
})

test('is done by who may, and only by those', async () => {
  const server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      authorizers: [
        // `boss` may be anybody but in the group `ops`, all others nobody else.
        () => (user, attributes) =>
          attributes.verb.startsWith('impersonate')
            ? {
                type: user.name === 'boss' && attributes.verb === 'impersonate' && nameOf(attributes) !== 'ops' ? 'allow' : 'no-opinion',
                reason: '',
              }
            : allowKnown(user, attributes),
      ],
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLog,
    },
    new AbortController().signal,
  )
  const whoAmI = async (sender: string, headers: Record<string, string>) => {
    const reply = await server.handle({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      query: '',
      headers,
      body: {},
      caller: { type: 'in-process', user: { name: sender, groups: ['system:authenticated'] } },
      signal: new AbortController().signal,
    })
    return reply.body.type === 'object' ? reply.body.object : {}
  }
  const anna = { 'impersonate-user': 'anna' }
  expect(await whoAmI('boss', anna)).toMatchObject({
    status: { userInfo: { username: 'anna', groups: ['system:authenticated'] } },
  })
  expect(await whoAmI('clerk', anna)).toMatchObject({
    code: 403,
    message:
      'selfsubjectreviews.authentication.k8s.io is forbidden: User "clerk" cannot impersonate-on:user-info:create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
  })
  expect(await whoAmI('boss', { ...anna, 'impersonate-group': 'ops' })).toMatchObject({
    code: 403,
  })
  expect(await whoAmI('boss', { 'impersonate-group': 'ops' })).toMatchObject({ code: 400 })
})

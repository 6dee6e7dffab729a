import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { allowKnown } from './authorization/authorizer.ts'
import { impersonatedIn, rightsFor, userOf } from './impersonation.ts'
import { createServer } from './server.ts'

const all = { user: 'anna', uid: '7', groups: ['dev', 'ops'], extra: { scopes: ['a', 'b'] } }

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

test('takes a right for each part', () => {
  const named = (impersonated: typeof all) =>
    [...rightsFor(impersonated)].map(({ verb, group, resource, subresource, namespace, name }) =>
      [verb, group, resource, subresource, namespace, name].join(' '),
    )
  expect(named(all)).toEqual([
    'impersonate  users   anna',
    'impersonate  groups   dev',
    'impersonate  groups   ops',
    'impersonate authentication.k8s.io userextras scopes  a',
    'impersonate authentication.k8s.io userextras scopes  b',
    'impersonate authentication.k8s.io uids   7',
  ])
  expect(named({ ...all, user: 'system:serviceaccount:web:app', groups: [], extra: { scopes: [] } })[0]).toBe(
    'impersonate  serviceaccounts  web app',
  )
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
  expect(userOf({ user, groups, uid: undefined, extra: {} })).toEqual({ name: user, groups: expected })
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
          attributes.verb === 'impersonate' && attributes.type === 'resource'
            ? { type: user.name === 'boss' && attributes.name !== 'ops' ? 'allow' : 'no-opinion', reason: '' }
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
    message: 'users "anna" is forbidden: User "clerk" cannot impersonate resource "users" in API group "" at the cluster scope',
  })
  expect(await whoAmI('boss', { ...anna, 'impersonate-group': 'ops' })).toMatchObject({
    code: 403,
    message: 'groups "ops" is forbidden: User "boss" cannot impersonate resource "groups" in API group "" at the cluster scope',
  })
  expect(await whoAmI('boss', { 'impersonate-group': 'ops' })).toMatchObject({ code: 500 })
})

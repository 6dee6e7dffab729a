import { beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../api/object.ts'
import { VirtualClock } from '../../base/clock.ts'
import { person, serverForAccess } from './access-fixture.ts'
import { roleBased } from './role-based.ts'
import { reviewSpec, type WebhookAuthorizerOptions, webhookAuthorizer } from './webhook-authorizer.ts'

let clock: VirtualClock
let asked: JsonObject[]
let answer: (review: JsonObject) => object

beforeEach(() => {
  clock = new VirtualClock()
  asked = []
  answer = () => ({ allowed: true, reason: 'the webhook says so' })
})

const server = (options: Partial<WebhookAuthorizerOptions> = {}) =>
  serverForAccess({
    clock,
    authorizers: [
      webhookAuthorizer({
        ask: async (review) => {
          asked.push(review as JsonObject)
          return { status: answer(review as JsonObject) } as JsonObject
        },
        ...options,
      }),
      roleBased,
    ],
    bootstrapPolicy: true,
  })
const url = '/api/v1/namespaces/default/configmaps'

describe('a webhook', () => {
  test('is asked who may do what, once for a while', async () => {
    const { send } = await server({ allowedMs: 1000 })
    expect((await send('GET', url, undefined, person('u', 'g'))).status).toBe(200)
    expect((await send('GET', url, undefined, person('u', 'g'))).status).toBe(200)
    expect(asked).toEqual([
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: {
          resourceAttributes: { verb: 'list', version: 'v1', resource: 'configmaps', namespace: 'default' },
          user: 'u',
          groups: ['g', 'system:authenticated'],
        },
      },
    ])
    await clock.advance(1000)
    await send('GET', url, undefined, person('u', 'g'))
    await send('GET', url, undefined, person('v', 'g'))
    expect(asked).toHaveLength(3)
  })

  test('is not asked about those who may do everything', async () => {
    const { send } = await server()
    await send('GET', url)
    expect(asked).toEqual([])
  })

  test('leaves to others what it does not know, and refuses what others allow', async () => {
    answer = () => ({ allowed: false, reason: 'who is that?' })
    const { send } = await server({ refusedMs: 0 })
    expect((await send('GET', url, undefined, person('u'))).object.message).toMatch(/in the namespace "default": who is that\?$/)
    expect((await send('GET', '/apis', undefined, person('u'))).status).toBe(200)
    answer = () => ({ allowed: false, denied: true, reason: 'never' })
    expect((await send('GET', '/apis', undefined, person('u'))).object.message).toBe('forbidden: User "u" cannot get path "/apis": never')
  })

  test.each<[WebhookAuthorizerOptions['onFailure'], number]>([
    ['no-opinion', 200],
    ['deny', 403],
  ])('that does not answer means %s', async (onFailure, status) => {
    answer = () => {
      throw new Error('connection refused')
    }
    const { send } = await server({ ...(onFailure && { onFailure }) })
    const pending = send('GET', '/apis', undefined, person('u'))
    for (let seconds = 0; seconds < 20; seconds++) await clock.advance(1000)
    expect((await pending).status).toBe(status)
    expect(asked).toHaveLength(5)
  })

  test('that says both is asked again', async () => {
    answer = () => (asked.length === 1 ? { allowed: true, denied: true } : { allowed: true })
    const { send } = await server()
    const pending = send('GET', url, undefined, person('u'))
    await clock.advance(1000)
    expect((await pending).status).toBe(200)
  })

  test.each([
    ['skip', 'no-opinion', 200],
    ['failed', 'no-opinion', 200],
    ['failed', 'deny', 403],
  ] as const)('is not asked where its conditions say %s, which means %s', async (verdict, onFailure, status) => {
    const { send } = await server({ matches: () => verdict, onFailure })
    expect((await send('GET', '/apis', undefined, person('u'))).status).toBe(status)
    expect(asked).toEqual([])
  })

  test('has no list of what somebody may do', async () => {
    const { send } = await server()
    const { object } = await send(
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      { spec: { namespace: 'a' } },
      person('u'),
    )
    expect(object.status).toMatchObject({ incomplete: true, evaluationError: 'webhook authorizer does not support user rule resolution' })
  })
})

test('a review says all that is known, in either version', () => {
  const user = { name: 'u', uid: '1', groups: ['g'], extra: { a: ['b'] } }
  expect(reviewSpec(user, { type: 'path', verb: 'get', path: '/x' }, 'v1beta1')).toEqual({
    nonResourceAttributes: { path: '/x', verb: 'get' },
    user: 'u',
    uid: '1',
    group: ['g'],
    extra: { a: ['b'] },
  })
  const attributes = { verb: 'list', group: 'apps', version: 'v1', resource: 'deployments', subresource: '', namespace: '', name: '' }
  const fieldSelector = [{ field: 'a', equal: false, value: 'b' }]
  const labelSelector = [
    { key: 'c', operator: 'In' as const, values: ['d'] },
    { key: 'e', operator: 'Gt' as const, values: ['1'] },
  ]
  expect(reviewSpec({ name: 'u', groups: [] }, { type: 'resource', ...attributes, fieldSelector, labelSelector }, 'v1')).toEqual({
    resourceAttributes: {
      verb: 'list',
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      fieldSelector: { requirements: [{ key: 'a', operator: 'NotIn', values: ['b'] }] },
      labelSelector: { requirements: [{ key: 'c', operator: 'In', values: ['d'] }] },
    },
    user: 'u',
  })
})

test('questions that are too long to keep are asked each time', async () => {
  const { send } = await server()
  const long = person('u', 'x'.repeat(10_000))
  for (let count = 0; count < 2; count++) await send('GET', url, undefined, long)
  expect(asked).toHaveLength(2)
})

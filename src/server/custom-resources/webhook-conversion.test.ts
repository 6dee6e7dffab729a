import { beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { ApiWatchEvent } from '../../api/exchange.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import type { Connector } from '../connector.ts'
import { createServer } from '../server.ts'

interface Review {
  readonly apiVersion: string
  readonly request: {
    readonly uid: string
    readonly desiredAPIVersion: string
    readonly objects: readonly (KubeObject & { spec: JsonObject })[]
  }
}

const catalog = builtinCatalog()
let handle: Awaited<ReturnType<typeof createServer>>['handle']
/** What the webhook answers; by its turn it may never. */
let respond: (review: Review) => JsonObject | Promise<JsonObject>
let reviews: Review[]

/** v1 has `spec.place` as `host:port`, v2 has both apart. */
function converted({ request: { objects, desiredAPIVersion } }: Review): JsonObject[] {
  return objects.map(({ spec, ...rest }) => {
    const [host = '', port = ''] = String(spec.place ?? '').split(':')
    const next = desiredAPIVersion.endsWith('/v2') ? { host, port } : { place: `${String(spec.host)}:${String(spec.port)}` }
    return { ...rest, apiVersion: desiredAPIVersion, spec: next }
  })
}

const success = (review: Review, convertedObjects: unknown = converted(review)): JsonObject => ({
  apiVersion: review.apiVersion,
  kind: 'ConversionReview',
  response: { uid: review.request.uid, result: { status: 'Success' }, convertedObjects },
})

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const connector: Connector = {
  async send(_, { body }) {
    const review = JSON.parse(Buffer.from(body ?? []).toString()) as Review
    reviews.push(review)
    const reply = Buffer.from(JSON.stringify(await respond(review)))
    return {
      type: 'reply',
      status: 200,
      headers: {},
      body: inOnePiece(reply),
    }
  },
  upgrade: () => Promise.reject(new Error('Nobody upgrades here')),
}

beforeEach(async () => {
  reviews = []
  respond = success
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
    verifyToken: async () => undefined,
  })
  const parts = { store: createMemoryStore(), clock: new VirtualClock(), random: seededRandom(1), log: silentLog }
  ;({ handle } = await createServer({ ...parts, catalog, authenticate, serverAddress: 'x:1', connector }, new AbortController().signal))
  expect((await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)).status).toBe(201)
})

async function request(method: string, url: string, body?: unknown, contentType = 'application/json') {
  const [path = '', query = ''] = url.split('?')
  return handle({
    method,
    path,
    query,
    headers: { authorization: 'Bearer secret', 'content-type': contentType },
    ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
}

async function send(
  ...parameters: Parameters<typeof request>
): Promise<{ status: number; object: JsonObject & { message: string; metadata: KubeObject['metadata'] } }> {
  const { status, body } = await request(...parameters)
  const text = Buffer.concat(body.type === 'object' ? body.encode() : body.type === 'bytes' ? body.chunks : []).toString()
  return { status, object: JSON.parse(text) }
}

const anySpec = {
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
}
const definition = {
  metadata: { name: 'places.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'places', kind: 'Place' },
    conversion: {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1', 'v1beta1'], clientConfig: { url: 'https://converter.example/convert' } },
    },
    versions: [
      { name: 'v1', served: true, storage: true, schema: anySpec },
      { name: 'v2', served: true, storage: false, schema: anySpec },
    ],
  },
}

const first = '/apis/example.org/v1/namespaces/default/places'
const second = '/apis/example.org/v2/namespaces/default/places'
const place = (name: string, version: string, spec: object) => ({
  apiVersion: `example.org/${version}`,
  kind: 'Place',
  metadata: { name },
  spec,
})

test('objects are asked for in one version and shown in the other', async () => {
  expect((await send('POST', second, place('a', 'v2', { host: 'h', port: '1' }))).object).toMatchObject({
    apiVersion: 'example.org/v2',
    spec: { host: 'h', port: '1' },
  })
  expect((await send('GET', `${first}/a`)).object).toMatchObject({ apiVersion: 'example.org/v1', spec: { place: 'h:1' } })
  await send('POST', first, place('b', 'v1', { place: 'k:2' }))
  const { object } = await send('GET', second)
  expect((object.items as { spec: object }[]).map(({ spec }) => spec)).toEqual([
    { host: 'h', port: '1' },
    { host: 'k', port: '2' },
  ])
  const patched = await send('PATCH', `${second}/b`, { spec: { port: '3' } }, 'application/merge-patch+json')
  expect(patched.object.spec).toEqual({ host: 'k', port: '3' })
  expect((await send('GET', `${first}/b`)).object.spec).toEqual({ place: 'k:3' })
  expect(reviews.every(({ apiVersion }) => apiVersion === 'apiextensions.k8s.io/v1')).toBe(true)
})

test('who works in the stored version alone needs no webhook', async () => {
  await send('POST', first, place('a', 'v1', { place: 'h:1' }))
  await send('GET', first)
  expect(reviews).toEqual([])
})

test('changes come in order, however long each conversion takes', async () => {
  const events: ApiWatchEvent<KubeObject & { spec: { port: string } }>[] = []
  const { body } = await request('GET', `${second}?watch=true`)
  if (body.type !== 'watch') throw new Error('no watch')
  body.open({ event: (event) => events.push(event as (typeof events)[number]) > 0, end() {} })
  const held: (() => void)[] = []
  respond = async (review) => {
    await new Promise<void>((resolve) => held.push(resolve))
    return success(review)
  }
  const { metadata } = (await send('POST', first, place('a', 'v1', { place: 'h:1' }))).object
  await send('PUT', `${first}/a`, { ...place('a', 'v1', { place: 'h:2' }), metadata })
  await send('POST', first, place('b', 'v1', { place: 'h:3' }))
  for (let turn = 0; turn < 20; turn++) {
    held.shift()?.()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  expect(events.map(({ type, object }) => [type, object.metadata.name, object.spec.port])).toEqual([
    ['ADDED', 'a', '1'],
    ['MODIFIED', 'a', '2'],
    ['ADDED', 'b', '3'],
  ])
})

test.each<[string, (review: Review) => JsonObject, string]>([
  [
    'refuses',
    (review) => ({ ...success(review), response: { uid: review.request.uid, result: { status: 'Failed', message: 'no way' } } }),
    'failed: no way',
  ],
  [
    'is another review',
    (review) => ({ ...success(review), apiVersion: 'x/v1' }),
    'failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got x/v1, Kind=ConversionReview',
  ],
  [
    'answers another request',
    (review) => success({ ...review, request: { ...review.request, uid: 'x' } }),
    'failed: expected response.uid=',
  ],
  ['loses objects', (review) => success(review, []), 'returned 0 objects, expected 1'],
  [
    'renames objects',
    (review) =>
      success(
        review,
        converted(review).map((object) => ({ ...object, metadata: { ...(object.metadata as object), name: 'z' } })),
      ),
    'returned invalid converted object: must have the same name: a != z',
  ],
])('a webhook that %s is told of', async (_, answer, why) => {
  await send('POST', first, place('a', 'v1', { place: 'h:1' }))
  respond = answer
  const { status, object } = await send('GET', `${second}/a`)
  expect(status).toBe(500)
  expect(object.message).toContain(`conversion webhook for example.org/v1, Kind=Place ${why}`)
  // The next one asks again.
  respond = success
  expect((await send('GET', `${second}/a`)).status).toBe(200)
})

test('a definition goes with its objects, though its webhook does not answer', async () => {
  await send('POST', first, place('a', 'v1', { place: 'h:1' }))
  respond = () => Promise.reject(new Error('down'))
  await send('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/places.example.org')
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  expect((await send('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/places.example.org')).status).toBe(404)
})

test('a watch ends when a change cannot be shown, and goes on from a list when it can', async () => {
  await send('POST', first, place('a', 'v1', { place: 'h:1' }))
  const { body } = await request('GET', `${second}?watch=true`)
  let isOver = false
  if (body.type !== 'watch') throw new Error('no watch')
  body.open({ event: () => true, end: () => (isOver = true) })
  respond = () => Promise.reject(new Error('down'))
  const { metadata } = (await send('GET', `${first}/a`)).object
  expect((await send('PUT', `${first}/a`, { ...place('a', 'v1', { place: 'h:2' }), metadata })).status).toBe(200)
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  expect(isOver).toBe(true)
  respond = success
  expect((await send('GET', `${second}/a`)).object.spec).toEqual({ host: 'h', port: '2' })
})

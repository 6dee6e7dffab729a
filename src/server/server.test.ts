import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiReply, ApiWatchEvent } from '../api/exchange.ts'
import type { JsonObject, KubeList, KubeObject } from '../api/object.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { type ApiServer, createServer } from './server.ts'

const catalog = builtinCatalog()
let server: ApiServer
let clock: VirtualClock

beforeEach(async () => {
  clock = new VirtualClock()
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: [] }]]),
    verifyToken: async () => undefined,
  })
  server = await createServer(
    { store: createMemoryStore(), catalog, authenticate, serverAddress: 'x:1', clock, random: seededRandom(1), log: silentLog },
    new AbortController().signal,
  )
})

interface Sent {
  status: number
  headers: ApiReply['headers']
  // Replies are read by many tests, each by its own shape.
  object: JsonObject & { metadata: KubeObject['metadata']; items: KubeObject[] }
  text: string
}

async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Sent> {
  const [path = '', query = ''] = url.split('?')
  const reply = await server.handle({
    method,
    path,
    query,
    headers: { authorization: 'Bearer secret', 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
  const chunks = reply.body.type === 'object' ? reply.body.encode() : reply.body.type === 'bytes' ? reply.body.chunks : []
  const text = Buffer.concat(chunks).toString()
  return { status: reply.status, headers: reply.headers, text, object: (text.startsWith('{') ? JSON.parse(text) : {}) as Sent['object'] }
}

const configMaps = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
})

async function watch(url: string): Promise<ApiWatchEvent<KubeObject>[]> {
  const [path = '', query = ''] = url.split('?')
  const reply = await server.handle({
    method: 'GET',
    path,
    query,
    headers: { authorization: 'Bearer secret' },
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
  const events: ApiWatchEvent<KubeObject>[] = []
  if (reply.body.type !== 'watch') throw new Error('no watch')
  reply.body.open({ event: (event) => events.push(event as ApiWatchEvent<KubeObject>) > 0, end() {} })
  return events
}

describe('objects', () => {
  test('are created with uid, time and revision, and read back as they were', async () => {
    const created = await send('POST', configMaps, configMap('a', { k: 'v' }))
    expect(created.status).toBe(201)
    expect(created.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      data: { k: 'v' },
      metadata: { name: 'a', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    })
    expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect((await send('GET', `${configMaps}/a`)).object).toEqual(created.object)
  })

  test('that exist already are refused, generated names are not', async () => {
    await send('POST', configMaps, configMap('a'))
    expect((await send('POST', configMaps, configMap('a'))).object).toMatchObject({
      reason: 'AlreadyExists',
      code: 409,
      message: 'configmaps "a" already exists',
    })
    const generated = await send('POST', configMaps, { metadata: { generateName: 'a-' } })
    expect(generated.object.metadata.name).toMatch(/^a-[a-z0-9]{5}$/)
  })

  test('are not made in a namespace that is not there or is going', async () => {
    expect((await send('POST', '/api/v1/namespaces/none/configmaps', configMap('a'))).object).toMatchObject({
      code: 404,
      message: 'namespaces "none" not found',
    })
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'going' } })
    expect((await send('DELETE', '/api/v1/namespaces/going')).object).toMatchObject({ status: { phase: 'Terminating' } })
    expect((await send('POST', '/api/v1/namespaces/going/configmaps', configMap('a'))).object).toMatchObject({
      code: 403,
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    })
  })

  test('are updated only from the revision that was read', async () => {
    const { object } = await send('POST', configMaps, configMap('a', { k: '1' }))
    const second = await send('PUT', `${configMaps}/a`, { ...object, data: { k: '2' } })
    expect(second.status).toBe(200)
    const stale = await send('PUT', `${configMaps}/a`, { ...object, data: { k: '3' } })
    expect(stale.object).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringContaining('the object has been modified; please apply your changes'),
    })
    expect((await send('GET', `${configMaps}/a`)).object).toEqual(second.object)
  })

  test('that do not change keep their revision', async () => {
    const { object } = await send('POST', configMaps, configMap('a', { k: '1' }))
    expect((await send('PUT', `${configMaps}/a`, object)).object.metadata.resourceVersion).toBe(object.metadata.resourceVersion)
  })

  test('are patched by merge and by JSON patch, each of many at once', async () => {
    await send('POST', configMaps, configMap('a', { k: '1' }))
    const patches = Array.from({ length: 10 }, (_, index) =>
      send('PATCH', `${configMaps}/a`, { data: { [`k${index}`]: 'x' } }, { 'content-type': 'application/merge-patch+json' }),
    )
    expect((await Promise.all(patches)).map(({ status }) => status)).toEqual(Array(10).fill(200))
    const json = await send('PATCH', `${configMaps}/a`, [{ op: 'remove', path: '/data/k' }], {
      'content-type': 'application/json-patch+json',
    })
    expect(Object.keys(json.object.data as JsonObject)).toHaveLength(10)
    expect((await send('PATCH', `${configMaps}/a`, {}, { 'content-type': 'text/plain' })).status).toBe(415)
  })

  test('dry run answers and changes nothing', async () => {
    expect((await send('POST', `${configMaps}?dryRun=All`, configMap('a'))).status).toBe(201)
    expect((await send('GET', `${configMaps}/a`)).status).toBe(404)
  })

  test('count generations when the spec changes, and status has its own path', async () => {
    const path = '/apis/apps/v1/namespaces/default/statefulsets'
    const spec = {
      serviceName: 's',
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    }
    const { object } = await send('POST', path, { metadata: { name: 'a' }, spec, status: { replicas: 7 } })
    expect(object).toMatchObject({ metadata: { generation: 1 } })
    expect(object).not.toMatchObject({ status: { replicas: 7 } })
    const status = await send('PUT', `${path}/a/status`, { ...object, spec: { ...spec, replicas: 9 }, status: { replicas: 1 } })
    expect(status.object).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 1 } })
    const main = await send('PUT', `${path}/a`, { ...status.object, spec: { ...spec, replicas: 2 }, status: { replicas: 5 } })
    expect(main.object).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 2 }, status: { replicas: 1 } })
  })
})

describe('deletion', () => {
  test('removes, and tells what was removed', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    expect((await send('DELETE', `${configMaps}/a`)).object).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid: object.metadata.uid },
    })
    expect((await send('GET', `${configMaps}/a`)).object).toMatchObject({ code: 404, message: 'configmaps "a" not found' })
  })

  test('waits for finalizers', async () => {
    await send('POST', configMaps, { metadata: { name: 'a', finalizers: ['example.com/hold'] } })
    const { object } = await send('DELETE', `${configMaps}/a`)
    expect(object.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z')
    const released = await send(
      'PATCH',
      `${configMaps}/a`,
      { metadata: { finalizers: null } },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect(released.status).toBe(200)
    expect((await send('GET', `${configMaps}/a`)).status).toBe(404)
  })

  test('honours preconditions and propagation', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    expect((await send('DELETE', `${configMaps}/a`, { preconditions: { uid: 'other' } })).object).toMatchObject({ code: 409 })
    const foreground = await send('DELETE', `${configMaps}/a`, {
      propagationPolicy: 'Foreground',
      preconditions: { uid: object.metadata.uid },
    })
    expect(foreground.object.metadata.finalizers).toEqual(['foregroundDeletion'])
  })

  test('of a collection follows the selector', async () => {
    await Promise.all([send('POST', configMaps, configMap('a', {}, { x: '1' })), send('POST', configMaps, configMap('b', {}, { x: '2' }))])
    const removed = await send('DELETE', `${configMaps}?labelSelector=x%3D1`)
    expect(removed.object.kind).toBe('ConfigMapList')
    expect(removed.object.items.map((item) => item.metadata.name)).toEqual(['a'])
    expect((await send('GET', configMaps)).object.items.map((item) => item.metadata.name)).toEqual(['b'])
  })
})

describe('lists', () => {
  test('are in order, selected, and paged over one snapshot', async () => {
    for (const name of ['d', 'b', 'a', 'c'])
      await send('POST', configMaps, configMap(name, {}, { even: String(name === 'b' || name === 'd') }))
    expect((await send('GET', `${configMaps}?labelSelector=even%3Dtrue`)).object.items.map((item) => item.metadata.name)).toEqual([
      'b',
      'd',
    ])
    expect((await send('GET', `${configMaps}?fieldSelector=metadata.name%3Dc`)).object.items).toHaveLength(1)
    const first = await send('GET', `${configMaps}?limit=3`)
    expect(first.object.metadata).toMatchObject({ remainingItemCount: 1 })
    await send('DELETE', `${configMaps}/d`)
    const token = (first.object.metadata as unknown as { continue: string }).continue
    const rest = (await send('GET', `${configMaps}?limit=3&continue=${token}`)).object as unknown as KubeList
    expect(rest.items.map((item) => item.metadata.name)).toEqual(['d'])
    expect(rest.metadata.resourceVersion).toBe(first.object.metadata.resourceVersion)
  })

  test('are read at a revision', async () => {
    const first = await send('POST', configMaps, configMap('a', { k: '1' }))
    const at = first.object.metadata.resourceVersion
    await send('PUT', `${configMaps}/a`, configMap('a', { k: '2' }))
    await send('POST', configMaps, configMap('b'))
    const dataOf = async (query: string) =>
      (await send('GET', `${configMaps}?${query}`)).object.items.map((item) => (item as KubeObject & { data?: object }).data)
    expect(await dataOf(`resourceVersion=${at}&resourceVersionMatch=Exact`)).toEqual([{ k: '1' }])
    expect(await dataOf(`resourceVersion=${at}&limit=5`)).toEqual([{ k: '1' }])
    expect(await dataOf(`resourceVersion=${at}&resourceVersionMatch=NotOlderThan`)).toHaveLength(2)
    expect(await dataOf('resourceVersion=0')).toHaveLength(2)
  })

  test('wait for a revision that is still to come, for three seconds', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    const next = Number(object.metadata.resourceVersion) + 1
    const waiting = send('GET', `${configMaps}?resourceVersion=${next}&resourceVersionMatch=NotOlderThan`)
    await send('POST', configMaps, configMap('b'))
    expect((await waiting).object.items).toHaveLength(2)
    const inVain = send('GET', `${configMaps}/a?resourceVersion=${next + 100}`)
    await clock.advance(4000)
    expect((await inVain).object).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${next + 100}, current: ${next}`,
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
    })
  })

  test('of what was compacted away are refused', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    await send('POST', configMaps, configMap('b'))
    const token = ((await send('GET', `${configMaps}?limit=1`)).object.metadata as unknown as { continue: string }).continue
    await send('POST', configMaps, configMap('c'))
    // Ten minutes later nothing of it is kept.
    await clock.advance(600_000)
    await send('POST', configMaps, configMap('d'))
    await clock.advance(600_000)
    const expired = (await send('GET', `${configMaps}?continue=${token}&limit=1`)).object
    expect(expired).toMatchObject({ code: 410, reason: 'Expired' })
    // What is left can be had, as it is now.
    const goOn = (expired.metadata as unknown as { continue: string }).continue
    expect((await send('GET', `${configMaps}?continue=${goOn}`)).object.items.map((item) => item.metadata.name)).toEqual(['b', 'c', 'd'])
    const exact = `resourceVersion=${object.metadata.resourceVersion}&resourceVersionMatch=Exact`
    expect((await send('GET', `${configMaps}?${exact}`)).object).toMatchObject({
      code: 410,
      message: 'The resourceVersion for the provided list is too old.',
    })
  })

  test('do not follow a token into the future, or to a key that cannot be', async () => {
    await send('POST', configMaps, configMap('a'))
    const tokenOf = (position: object) => Buffer.from(JSON.stringify(position)).toString('base64url')
    const after = '/registry/core/configmaps/default/'
    const ahead = await send('GET', `${configMaps}?continue=${tokenOf({ revision: 1_000_000, after: `${after}a` })}`)
    expect(ahead.object).toMatchObject({ code: 400, message: 'invalid continue token: continue key is not valid' })
    expect((await send('GET', `${configMaps}?continue=${tokenOf({ revision: 2, after: after + 'x'.repeat(5000) })}`)).status).toBe(200)
  })

  test('of many objects are selected and shown, page by page', async () => {
    await Promise.all(
      Array.from({ length: 250 }, (_, index) =>
        send('POST', configMaps, configMap(`c${String(index).padStart(3, '0')}`, {}, { odd: String(index % 2) })),
      ),
    )
    const names: string[] = []
    let token = ''
    for (;;) {
      const { object } = await send('GET', `${configMaps}?limit=30&labelSelector=odd%3D1${token && `&continue=${token}`}`)
      names.push(...object.items.map((item) => item.metadata.name))
      token = (object.metadata as unknown as { continue?: string }).continue ?? ''
      if (token === '') break
    }
    expect(names).toHaveLength(125)
    expect(new Set(names).size).toBe(125)
    const table = await send('GET', `${configMaps}?labelSelector=odd%3D1`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    expect((table.object.rows as object[]).length).toBe(125)
    const metadata = await send('GET', configMaps, undefined, {
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    })
    expect(metadata.object).toMatchObject({ kind: 'PartialObjectMetadataList' })
    expect(metadata.object.items).toHaveLength(250)
  })

  test('come as tables when asked', async () => {
    await send('POST', configMaps, configMap('a'))
    await clock.advance(5000)
    const { object } = await send('GET', '/api/v1/namespaces', undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    })
    expect(object).toMatchObject({
      kind: 'Table',
      rows: expect.arrayContaining([expect.objectContaining({ cells: ['default', 'Active', '5s'] })]),
    })
  })
})

describe('watches', () => {
  test('begin with what is there and go on with what happens', async () => {
    await send('POST', configMaps, configMap('a'))
    const events = await watch(`${configMaps}?watch=1`)
    await send('PATCH', `${configMaps}/a`, { data: { k: 'v' } }, { 'content-type': 'application/merge-patch+json' })
    await send('DELETE', `${configMaps}/a`)
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    const revisions = events.map(({ object }) => Number(object.metadata.resourceVersion))
    expect(revisions).toEqual([...revisions].sort((left, right) => left - right))
    expect(new Set(revisions).size).toBe(3)
    expect(JSON.parse(Buffer.from(events[2]?.bytes() ?? []).toString())).toMatchObject({
      type: 'DELETED',
      object: { metadata: { name: 'a' } },
    })
  })

  test('resume after a revision', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    await send('POST', configMaps, configMap('b'))
    const events = await watch(`${configMaps}?watch=1&resourceVersion=${object.metadata.resourceVersion}`)
    expect(events.map((event) => event.object.metadata.name)).toEqual(['b'])
  })

  test('of many objects see each once, and what happens meanwhile', async () => {
    await Promise.all(Array.from({ length: 1200 }, (_, index) => send('POST', configMaps, configMap(`c${index}`))))
    const events = await watch(`${configMaps}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`)
    expect(events.length).toBeLessThan(1200)
    await send('DELETE', `${configMaps}/c1199`)
    await clock.advance(0)
    await clock.advance(0)
    expect(events.slice(0, 1200).every(({ type }) => type === 'ADDED')).toBe(true)
    expect(new Set(events.slice(0, 1200).map(({ object }) => object.metadata.name)).size).toBe(1200)
    expect(events.slice(1200).map(({ type }) => type)).toEqual(['BOOKMARK', 'DELETED'])
  })

  test('begin now when no first objects are asked for', async () => {
    await send('POST', configMaps, configMap('a'))
    const events = await watch(`${configMaps}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`)
    await send('POST', configMaps, configMap('b'))
    expect(events.map(({ object }) => object.metadata.name)).toEqual(['b'])
  })

  test('last as long as they are asked to, else for half an hour to an hour', async () => {
    const endOf = async (query: string) => {
      const reply = await server.handle({
        method: 'GET',
        path: configMaps,
        query: `watch=1${query}`,
        headers: { authorization: 'Bearer secret' },
        caller: { type: 'socket', address: '' },
        signal: new AbortController().signal,
      })
      let isOver = false
      if (reply.body.type === 'watch') reply.body.open({ event: () => true, end: () => (isOver = true) })
      return { status: reply.status, isOver: () => isOver }
    }
    const [short, long] = [await endOf('&timeoutSeconds=5'), await endOf('')]
    await clock.advance(5000)
    expect([short.isOver(), long.isOver()]).toEqual([true, false])
    await clock.advance(1_790_000)
    expect(long.isOver()).toBe(false)
    await clock.advance(1_810_000)
    expect(long.isOver()).toBe(true)
    expect((await endOf('&timeoutSeconds=long')).status).toBe(400)
  })

  test('from a revision that is still to come skip what is before it', async () => {
    const { object } = await send('POST', configMaps, configMap('a'))
    const events = await watch(`${configMaps}?watch=1&resourceVersion=${Number(object.metadata.resourceVersion) + 1}`)
    await send('POST', configMaps, configMap('b'))
    await send('POST', configMaps, configMap('c'))
    expect(events.map((event) => event.object.metadata.name)).toEqual(['c'])
  })

  test('see an object leave and enter their selector', async () => {
    await send('POST', configMaps, configMap('a', {}, { x: '1' }))
    const events = await watch(`${configMaps}?watch=1&labelSelector=x%3D1`)
    const label = (value: string) =>
      send('PATCH', `${configMaps}/a`, { metadata: { labels: { x: value } } }, { 'content-type': 'application/merge-patch+json' })
    await label('2')
    await label('3')
    await label('1')
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED', 'ADDED'])
  })

  test('end their first part with a bookmark and go on with bookmarks', async () => {
    const events = await watch(`${configMaps}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`)
    expect(events.at(-1)).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    await clock.advance(61_000)
    expect(events.filter(({ type }) => type === 'BOOKMARK')).toHaveLength(2)
  })
})

describe('bad input', () => {
  test.each([
    ['no JSON', 'POST', configMaps, '{', 400, 'json parse error'],
    ['another kind', 'POST', configMaps, { kind: 'Secret' }, 400, 'converting (v1.Secret) to (core.ConfigMap): unknown conversion'],
    ['another version', 'POST', configMaps, { apiVersion: 'v2' }, 400, 'is registered for version'],
    [
      'a wrong type',
      'POST',
      configMaps,
      { metadata: { name: 'a' }, data: { k: 5 } },
      400,
      'cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ],
    ['no name', 'POST', configMaps, {}, 422, 'metadata.name: Required value'],
    ['a bad name', 'POST', configMaps, configMap('A_b'), 422, 'a lowercase RFC 1123 subdomain'],
    ['a bad label', 'POST', configMaps, configMap('a', {}, { x: '-' }), 422, 'a valid label must be'],
    [
      'another namespace',
      'POST',
      configMaps,
      { metadata: { name: 'a', namespace: 'b' } },
      400,
      'does not match the namespace sent on the request',
    ],
    [
      'a revision on create',
      'POST',
      configMaps,
      { metadata: { name: 'a', resourceVersion: '1' } },
      400,
      'resourceVersion should not be set',
    ],
    [
      'unknown fields, strictly',
      'POST',
      `${configMaps}?fieldValidation=Strict`,
      { ...configMap('a'), dat: {} },
      400,
      'strict decoding error: unknown field \\"dat\\"',
    ],
    ['a method that is not there', 'POST', `${configMaps}/a`, {}, 405, 'does not allow this method'],
    [
      'a resource that is not there',
      'GET',
      '/api/v1/namespaces/default/things',
      undefined,
      404,
      'the server could not find the requested resource',
    ],
    ['a subresource that is not there', 'GET', `${configMaps}/a/status`, undefined, 404, 'could not find the requested resource'],
    ['a bad selector', 'GET', `${configMaps}?labelSelector=a%3D%3D%3D`, undefined, 400, 'unable to parse requirement'],
    ['a field that cannot be selected', 'GET', `${configMaps}?fieldSelector=data%3Dx`, undefined, 400, 'field label not supported: data'],
    [
      'a match without a revision',
      'GET',
      `${configMaps}?resourceVersionMatch=Exact`,
      undefined,
      422,
      'resourceVersionMatch is forbidden unless',
    ],
    ['another match', 'GET', `${configMaps}?resourceVersionMatch=X&resourceVersion=1`, undefined, 422, 'Unsupported value: \\"X\\"'],
    ['first events of a list', 'GET', `${configMaps}?sendInitialEvents=true`, undefined, 422, 'sendInitialEvents is forbidden for list'],
    [
      'first events without a match',
      'GET',
      `${configMaps}?watch=1&sendInitialEvents=true`,
      undefined,
      422,
      'sendInitialEvents requires setting',
    ],
    ['no revision', 'GET', `${configMaps}?resourceVersion=x`, undefined, 400, 'invalid resource version'],
    ['a bad token', 'GET', `${configMaps}?continue=xyz`, undefined, 400, 'continue key is not valid'],
  ])('%s', async (_, method, url, body, status, message) => {
    const reply = await send(method, url, body)
    expect(reply.text).toContain(message)
    expect(reply.status).toBe(status)
    expect((await send('GET', configMaps)).object.items).toEqual([])
  })

  test('unknown fields are warned about', async () => {
    const reply = await send('POST', configMaps, { ...configMap('a'), dat: {} })
    expect(reply.headers.warning).toBe('299 - "unknown field \\"dat\\""')
  })

  test('warnings come with every view of an object', async () => {
    for (const view of ['Table;v=v1', 'PartialObjectMetadata;v=v1']) {
      const accept = `application/json;as=${view};g=meta.k8s.io`
      const { headers } = await send('POST', `${configMaps}?dryRun=All`, { ...configMap('a'), none: 1 }, { accept })
      expect(headers.warning).toBe('299 - "unknown field \\"none\\""')
    }
  })

  test('unknown fields, however many, are warned about within what clients take', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`${'x'.repeat(300)}${index}`, 1]))
    const { headers, status } = await send('POST', configMaps, { ...configMap('a'), ...many })
    expect(status).toBe(201)
    expect(headers.warning?.length).toBeLessThan(5000)
    expect(headers.warning).toMatch(/^299 - "unknown field \\"xxx/)
  })

  test('strangers get nothing but health and version', async () => {
    // What is no bearer token is no credential: upstream's anonymous user may ask for the version.
    expect((await send('GET', '/version', undefined, { authorization: '' })).status).toBe(200)
    expect((await send('GET', configMaps, undefined, { authorization: 'Basic YTpi' })).object).toMatchObject({
      code: 403,
      message:
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    })
    expect((await send('GET', configMaps, undefined, { authorization: 'Bearer wrong' })).object).toMatchObject({
      code: 401,
      reason: 'Unauthorized',
    })
  })
})

test('YAML is read like JSON', async () => {
  const reply = await send('POST', configMaps, 'metadata: {name: a}\ndata:\n  k: "yes"\n', { 'content-type': 'application/yaml' })
  expect(reply.object).toMatchObject({ data: { k: 'yes' } })
})

test('discovery names what is served', async () => {
  expect((await send('GET', '/api/v1')).object).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' })
  expect((await send('GET', '/apis/apps/v1')).text).toContain('"deployments/scale"')
  expect(
    (await send('GET', '/apis', undefined, { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })).object,
  ).toMatchObject({ kind: 'APIGroupDiscoveryList' })
})

import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { ApiReply, ApiWatchEvent } from '../../api/exchange.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { createServer } from '../server.ts'

const builtin = builtinCatalog()
let handle: Awaited<ReturnType<typeof createServer>>['handle']
let clock: VirtualClock

beforeEach(async () => {
  clock = new VirtualClock()
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
    verifyToken: async () => undefined,
  })
  const options = {
    store: createMemoryStore(),
    catalog: builtin,
    authenticate,
    serverAddress: 'x:1',
    clock,
    random: seededRandom(1),
    log: silentLog,
  }
  ;({ handle } = await createServer(options, new AbortController().signal))
})

interface Answer {
  readonly status: number
  readonly headers: ApiReply['headers']
  // Replies are read by many tests, each by its own shape.
  readonly object: JsonObject & { metadata: KubeObject['metadata']; message: string }
}

async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const [path = '', query = ''] = url.split('?')
  const reply = await handle({
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
  return { status: reply.status, headers: reply.headers, object: (text.startsWith('{') ? JSON.parse(text) : { text }) as Answer['object'] }
}

async function watch(url: string): Promise<{ events: ApiWatchEvent<KubeObject>[]; isOver: () => boolean }> {
  const [path = '', query = ''] = url.split('?')
  const reply = await handle({
    method: 'GET',
    path,
    query,
    headers: { authorization: 'Bearer secret' },
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
  const events: ApiWatchEvent<KubeObject>[] = []
  let isOver = false
  if (reply.body.type !== 'watch') throw new Error('no watch')
  reply.body.open({ event: (event) => events.push(event as ApiWatchEvent<KubeObject>) > 0, end: () => (isOver = true) })
  return { events, isOver: () => isOver }
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const widgets = '/apis/example.org/v1/namespaces/default/widgets'
const patchType = { 'content-type': 'application/merge-patch+json' }

const specSchema = {
  type: 'object',
  properties: {
    size: { type: 'integer', minimum: 1, default: 3 },
    colour: { type: 'string', enum: ['red', 'blue'] },
    replicas: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  },
}
const statusSchema = {
  type: 'object',
  properties: { phase: { type: 'string' }, replicas: { type: 'integer' }, selector: { type: 'string' } },
}

function definition({
  plural = 'widgets',
  kind = 'Widget',
  scope = 'Namespaced',
  names = {},
  spec = specSchema as object,
  version = {},
}: {
  plural?: string
  kind?: string
  scope?: string
  names?: object
  spec?: object
  version?: object
} = {}) {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status: statusSchema } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.org` },
    spec: {
      group: 'example.org',
      scope,
      names: { plural, kind, ...names },
      versions: [{ name: 'v1', served: true, storage: true, schema, ...version }],
    },
  }
}

const widget = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'example.org/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
})
const conditionsOf = ({ object }: Answer) =>
  Object.fromEntries(
    ((object.status as JsonObject).conditions as { type: string; status: string; reason: string }[]).map(({ type, status, reason }) => [
      type,
      [status, reason],
    ]),
  )

describe('a definition', () => {
  test('is established and served to whoever read the reply', async () => {
    expect((await send('POST', definitions, definition({ names: { shortNames: ['wg'], categories: ['all'] } }))).status).toBe(201)
    const { status, object } = await send('POST', widgets, widget('a', { gone: 1 }))
    expect(status).toBe(201)
    expect(object).toMatchObject({ metadata: { name: 'a', namespace: 'default', generation: 1 }, spec: { size: 3 } })
    expect(object.spec).toEqual({ size: 3 })
    const served = await send('GET', `${definitions}/widgets.example.org`)
    expect(conditionsOf(served)).toEqual({ NamesAccepted: ['True', 'NoConflicts'], Established: ['True', 'InitialNamesAccepted'] })
    expect(served.object.status).toMatchObject({
      acceptedNames: {
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        listKind: 'WidgetList',
        shortNames: ['wg'],
        categories: ['all'],
      },
      storedVersions: ['v1'],
    })
  })

  test('is in discovery as long as it is there', async () => {
    expect((await send('GET', '/apis/example.org/v1')).status).toBe(404)
    await send('POST', definitions, definition({ names: { shortNames: ['wg'] }, version: { subresources: { status: {} } } }))
    await send('GET', widgets)
    const { object } = await send('GET', '/apis/example.org/v1')
    expect(object.resources).toEqual([
      expect.objectContaining({ name: 'widgets', singularName: 'widget', namespaced: true, kind: 'Widget', shortNames: ['wg'] }),
      { name: 'widgets/status', singularName: '', namespaced: true, kind: 'Widget', verbs: ['get', 'patch', 'update'] },
    ])
    expect(JSON.stringify((await send('GET', '/apis')).object)).toContain('example.org/v1')
    const aggregated = await send('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    })
    expect(JSON.stringify(aggregated.object)).toContain('"resource":"widgets"')
    await send('DELETE', `${definitions}/widgets.example.org`)
    await eventually(async () => expect((await send('GET', widgets)).status).toBe(404))
    expect((await send('GET', '/apis/example.org')).status).toBe(404)
  })

  test('that wants names which another has waits until they are free', async () => {
    await send('POST', definitions, definition({ names: { shortNames: ['wg'] } }))
    await send('POST', definitions, definition({ plural: 'wheels', kind: 'Widget', names: { shortNames: ['wg'] } }))
    expect((await send('GET', '/apis/example.org/v1/wheels')).status).toBe(404)
    const waiting = await send('GET', `${definitions}/wheels.example.org`)
    expect(conditionsOf(waiting)).toEqual({ NamesAccepted: ['False', 'ListKindConflict'], Established: ['False', 'NotAccepted'] })
    await send('DELETE', `${definitions}/widgets.example.org`)
    await eventually(async () => expect((await send('GET', '/apis/example.org/v1/wheels')).status).toBe(200))
  })

  test('takes its objects along when it goes, and waits for their finalizers', async () => {
    await send('POST', definitions, definition())
    await send('POST', widgets, widget('a'))
    await send('POST', widgets, { ...widget('b'), metadata: { name: 'b', finalizers: ['example.org/hold'] } })
    const { events, isOver } = await watch(`${widgets}?watch=true&resourceVersion=0`)
    const deleted = await send('DELETE', `${definitions}/widgets.example.org`)
    expect(deleted.object.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
    expect(conditionsOf(deleted).Terminating).toEqual(['True', 'InstanceDeletionPending'])
    const refused = await send('POST', widgets, widget('c'))
    expect([refused.status, refused.object.message]).toEqual([405, 'create not allowed while custom resource definition is terminating'])
    await eventually(async () => expect((await send('GET', `${widgets}/a`)).status).toBe(404))
    expect((await send('GET', `${widgets}/b`)).object.metadata.deletionTimestamp).toBeDefined()
    expect(conditionsOf(await send('GET', `${definitions}/widgets.example.org`)).Terminating).toEqual([
      'True',
      'InstanceDeletionInProgress',
    ])
    expect((await send('PATCH', `${widgets}/b`, { metadata: { finalizers: null } }, patchType)).status).toBe(200)
    await eventually(async () => expect((await send('GET', `${definitions}/widgets.example.org`)).status).toBe(404))
    expect(events.filter(({ type }) => type === 'DELETED').map(({ object }) => object.metadata.name)).toEqual(['a', 'b'])
    expect(isOver()).toBe(true)
    // Nothing of it comes back with a definition of the same name.
    await send('POST', definitions, definition())
    expect((await send('GET', widgets)).object.items).toEqual([])
  })

  test('of cluster scope is not reached through a namespace, nor the other way round', async () => {
    await send('POST', definitions, definition({ scope: 'Cluster' }))
    expect((await send('POST', '/apis/example.org/v1/widgets', widget('a'))).status).toBe(201)
    expect((await send('GET', `${widgets}/a`)).status).toBe(404)
    expect((await send('GET', widgets)).status).toBe(404)
    expect((await send('DELETE', `${widgets}/a`)).status).toBe(404)
    await send('POST', definitions, definition({ plural: 'gears', kind: 'Gear' }))
    expect((await send('GET', '/apis/example.org/v1/gears/a')).status).toBe(404)
    expect((await send('GET', '/apis/example.org/v1/gears')).status).toBe(200)
  })
})

/** Waits for what happens in later turns of the loop. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    try {
      return await check()
    } catch {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  await check()
}

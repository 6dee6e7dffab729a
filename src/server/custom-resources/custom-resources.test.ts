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

  test('that is deleted at once goes at once, whatever is being decided about it', async () => {
    await Promise.all([
      send('POST', definitions, definition()),
      eventually(async () => expect((await send('DELETE', `${definitions}/widgets.example.org`)).status).toBe(200)),
    ])
    await eventually(async () => expect((await send('GET', `${definitions}/widgets.example.org`)).status).toBe(404))
    await eventually(async () => expect((await send('GET', widgets)).status).toBe(404))
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

describe('objects', () => {
  const parts = {
    version: {
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
      },
      additionalPrinterColumns: [
        { name: 'Colour', type: 'string', jsonPath: '.spec.colour' },
        { name: 'Size', type: 'integer', jsonPath: '.spec.size', description: 'How big.' },
        { name: 'Tags', type: 'string', jsonPath: '.spec.tags', priority: 1 },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
      selectableFields: [{ jsonPath: '.spec.colour' }],
    },
  }

  beforeEach(async () => {
    expect((await send('POST', definitions, definition(parts))).status).toBe(201)
  })

  test('keep status apart, and count generations of the rest', async () => {
    await send('POST', widgets, { ...widget('a'), status: { phase: 'x' } })
    const first = await send('GET', `${widgets}/a`)
    expect(first.object).not.toHaveProperty('status')
    const changed = await send(
      'PATCH',
      `${widgets}/a/status`,
      { metadata: { labels: { a: 'b' } }, spec: { size: 9 }, status: { phase: 'Ready' } },
      patchType,
    )
    expect(changed.object).toMatchObject({ metadata: { generation: 1 }, spec: { size: 3 }, status: { phase: 'Ready' } })
    expect(changed.object.metadata.labels).toBeUndefined()
    const next = await send('PATCH', `${widgets}/a`, { spec: { size: 4 }, status: { phase: 'y' } }, patchType)
    expect(next.object).toMatchObject({ metadata: { generation: 2 }, spec: { size: 4 }, status: { phase: 'Ready' } })
  })

  test('are scaled where their definition says', async () => {
    await send('POST', widgets, widget('a', { replicas: 2 }))
    await send('PATCH', `${widgets}/a/status`, { status: { replicas: 1, selector: 'x=y' } }, patchType)
    const scale = await send('GET', `${widgets}/a/scale`)
    expect(scale.object).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'x=y' },
    })
    expect((await send('PUT', `${widgets}/a/scale`, { ...scale.object, spec: { replicas: 5 } })).object.spec).toEqual({ replicas: 5 })
    expect((await send('GET', `${widgets}/a`)).object).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } })
    await send('POST', widgets, widget('b'))
    expect((await send('GET', `${widgets}/b/scale`)).object.message).toBe(
      'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    )
    expect((await send('POST', widgets, widget('c', { replicas: -1 }))).object.message).toContain(
      '.spec.replicas: Invalid value: -1: should be a non-negative integer',
    )
  })

  test('are shown as the definition says', async () => {
    await send('POST', widgets, widget('a', { colour: 'red', tags: ['x', 'y'] }))
    await clock.advance(65_000)
    const { object } = await send('GET', widgets, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
    const columns = object.columnDefinitions as { name: string; type: string; priority: number; description: string }[]
    expect(columns.map(({ name, type, priority }) => [name, type, priority])).toEqual([
      ['Name', 'string', 0],
      ['Colour', 'string', 0],
      ['Size', 'integer', 0],
      ['Tags', 'string', 1],
      ['Age', 'date', 0],
    ])
    expect(columns[1]?.description).toBe('Custom resource definition column (in JSONPath format): .spec.colour')
    expect((object.rows as { cells: unknown[] }[])[0]?.cells).toEqual(['a', 'red', 3, '["x","y"]', '65s'])
  })

  test('are selected by the fields that the definition names', async () => {
    await send('POST', widgets, widget('a', { colour: 'red' }))
    await send('POST', widgets, widget('b', { colour: 'blue' }))
    const { object } = await send('GET', `${widgets}?fieldSelector=spec.colour%3Dred`)
    expect((object.items as KubeObject[]).map(({ metadata }) => metadata.name)).toEqual(['a'])
    expect((await send('GET', `${widgets}?fieldSelector=spec.size%3D3`)).object.message).toBe('field label not supported: spec.size')
  })

  test('are refused in upstream’s words', async () => {
    const { status, object } = await send('POST', widgets, widget('a', { size: 'x', colour: 'green', tags: ['a', 'a'] }))
    expect(status).toBe(422)
    expect(object.message).toBe(
      'Widget.example.org "a" is invalid: [spec.size: Invalid value: "string": spec.size in body must be of type integer: "string", ' +
        'spec.colour: Unsupported value: "green": supported values: "red", "blue", spec.tags[1]: Duplicate value: "a"]',
    )
  })

  test('have unknown fields told, refused or dropped', async () => {
    const body = widget('a', { gone: 1 }, { more: true })
    const told = await send('POST', `${widgets}?dryRun=All`, body)
    expect(told.headers.warning).toBe('299 - "unknown field \\"spec.gone\\"", 299 - "unknown field \\"more\\""')
    const refused = await send('POST', `${widgets}?fieldValidation=Strict`, body)
    expect(refused.object.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.gone", unknown field "more"',
    )
    const dropped = await send('POST', `${widgets}?fieldValidation=Ignore`, body)
    expect([dropped.status, dropped.headers.warning]).toEqual([201, undefined])
    expect(dropped.object).not.toHaveProperty('more')
  })

  test('of another type are refused', async () => {
    const other = await send('POST', widgets, { ...widget('a'), kind: 'Gadget' })
    expect([other.status, other.object.message]).toEqual([
      422,
      'Widget.example.org "a" is invalid: kind: Invalid value: "Gadget": must be Widget',
    ])
    const older = await send('POST', widgets, { ...widget('a'), apiVersion: 'example.org/v0' })
    expect([older.status, older.object.message]).toEqual([
      400,
      'the API version in the data (example.org/v0) does not match the expected API version (example.org/v1)',
    ])
  })

  test('take no strategic merge patches', async () => {
    await send('POST', widgets, widget('a'))
    const { status, object } = await send('PATCH', `${widgets}/a`, {}, { 'content-type': 'application/strategic-merge-patch+json' })
    expect(status).toBe(415)
    expect(object.message).toContain('application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml')
  })

  test('are applied by the keys of their lists', async () => {
    const apply = (manager: string, spec: object) =>
      send('PATCH', `${widgets}/a?fieldManager=${manager}`, widget('a', spec), { 'content-type': 'application/apply-patch+yaml' })
    expect((await apply('one', { colour: 'red', tags: ['x'] })).status).toBe(201)
    const { object } = await apply('two', { tags: ['y'] })
    expect(object.spec).toEqual({ size: 3, colour: 'red', tags: ['x', 'y'] })
    const conflict = await apply('two', { colour: 'blue', tags: ['y'] })
    expect([conflict.status, conflict.object.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "one": .spec.colour'])
    expect((await apply('one', { colour: 'red' })).object.spec).toEqual({ size: 3, colour: 'red', tags: ['y'] })
  })

  test('may be written as they are, though their schema has become stricter', async () => {
    await send('POST', widgets, widget('a', { size: 7, colour: 'red' }))
    const stricter = { ...specSchema, properties: { ...specSchema.properties, size: { type: 'integer', maximum: 5 } } }
    const { events, isOver } = await watch(`${widgets}?watch=true`)
    expect(
      (await send('PATCH', `${definitions}/widgets.example.org`, { spec: definition({ ...parts, spec: stricter }).spec }, patchType))
        .status,
    ).toBe(200)
    expect((await send('PATCH', `${widgets}/a`, { spec: { colour: 'blue' } }, patchType)).status).toBe(200)
    const refused = await send('PATCH', `${widgets}/a`, { spec: { size: 6 } }, patchType)
    expect(refused.object.message).toContain('spec.size: Invalid value: 6: spec.size in body should be less than or equal to 5')
    expect(events.map(({ type }) => type)).toEqual(['ADDED'])
    expect(isOver()).toBe(true)
  })

  test('get new defaults when they are read', async () => {
    await send('POST', widgets, widget('a'))
    const richer = { ...specSchema, properties: { ...specSchema.properties, colour: { type: 'string', default: 'red' } } }
    await send('PATCH', `${definitions}/widgets.example.org`, { spec: definition({ ...parts, spec: richer }).spec }, patchType)
    expect((await send('GET', `${widgets}/a`)).object.spec).toEqual({ size: 3, colour: 'red' })
    const { object } = await send('GET', widgets)
    expect((object.items as { spec: object }[])[0]?.spec).toEqual({ size: 3, colour: 'red' })
  })
})

describe('values', () => {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { n: { type: 'integer', format: 'int64' } } }

  test('keep keys that are none of JavaScript’s business, and whole numbers', async () => {
    await send('POST', definitions, definition({ spec: open }))
    const spec = '{"n":9007199254740991,"__proto__":{"a":1},"constructor":{"prototype":{"x":1}},"toString":null}'
    const body = `{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"a"},"spec":${spec}}`
    expect((await send('POST', widgets, body)).status).toBe(201)
    const { object } = await send('GET', `${widgets}/a`)
    expect(JSON.stringify(object.spec)).toBe(spec)
    expect({}).not.toHaveProperty('x')
  })

  test('that are null go where null is no value', async () => {
    const spec = {
      type: 'object',
      properties: {
        a: { type: 'string' },
        b: { type: 'string', nullable: true },
        c: { type: 'string', default: 'd' },
        e: { type: 'array', items: { type: 'string' } },
      },
    }
    await send('POST', definitions, definition({ spec }))
    expect((await send('POST', widgets, widget('a', { a: null, b: null, c: null }))).object.spec).toEqual({ b: null, c: 'd' })
    expect((await send('POST', widgets, widget('b', { e: [null] }))).object.message).toContain(
      'spec.e[0]: Invalid value: "null": spec.e[0] in body must be of type string: "null"',
    )
  })

  test('that are objects of the API say what they are', async () => {
    const spec = {
      type: 'object',
      properties: { object: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true } },
    }
    await send('POST', definitions, definition({ spec }))
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', nonsense: 1 }, data: { a: 'b' } }
    expect((await send('POST', widgets, widget('a', { object }))).object.spec).toEqual({ object: { ...object, metadata: { name: 'x' } } })
    expect((await send('POST', widgets, widget('b', { object: { data: {} } }))).object.message).toContain(
      'spec.object.apiVersion: Required value: must not be empty, spec.object.kind: Required value: must not be empty',
    )
  })
})

describe('versions', () => {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: specSchema } } }
  const second = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { ...specSchema, properties: { ...specSchema.properties, extra: { type: 'string', default: 'new' } } } },
    },
  }
  const two = (v1: object = {}, v2: object = {}) => {
    const whole = definition()
    return {
      ...whole,
      spec: {
        ...whole.spec,
        versions: [
          { name: 'v1', served: true, storage: true, schema, ...v1 },
          { name: 'v2', served: true, storage: false, schema: second, ...v2 },
        ],
      },
    }
  }
  const others = widgets.replace('/v1/', '/v2/')

  test('show the same objects, each as it has them', async () => {
    await send('POST', definitions, two())
    await send('POST', widgets, widget('a', { colour: 'red' }))
    const { events } = await watch(`${others}?watch=true`)
    expect((await send('GET', `${others}/a`)).object).toMatchObject({
      apiVersion: 'example.org/v2',
      spec: { size: 3, colour: 'red', extra: 'new' },
    })
    expect((await send('GET', `${widgets}/a`)).object.spec).toEqual({ size: 3, colour: 'red' })
    expect((await send('PATCH', `${widgets}/a`, { spec: { colour: 'blue' } }, patchType)).object.apiVersion).toBe('example.org/v1')
    expect((await send('PATCH', `${others}/a`, { spec: { size: 5 } }, patchType)).object).toMatchObject({
      apiVersion: 'example.org/v2',
      spec: { size: 5, colour: 'blue' },
    })
    expect((await send('GET', `${widgets}/a`)).object.spec).toMatchObject({ size: 5, colour: 'blue' })
    expect(events.map(({ type, object }) => [type, object.apiVersion])).toEqual([
      ['ADDED', 'example.org/v2'],
      ['MODIFIED', 'example.org/v2'],
      ['MODIFIED', 'example.org/v2'],
    ])
  })

  test('lose what the stored version does not know', async () => {
    const { properties } = specSchema
    const more = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties: { ...properties, only: { type: 'string' } } } },
      },
    }
    await send('POST', definitions, two({}, { schema: more }))
    const created = await send('POST', others, { ...widget('a', { colour: 'red', only: 'here' }), apiVersion: 'example.org/v2' })
    expect(created.object).toMatchObject({ apiVersion: 'example.org/v2', spec: { colour: 'red' } })
    expect(created.object.spec).not.toHaveProperty('only')
    expect((await send('GET', `${others}/a`)).object.spec).not.toHaveProperty('only')
  })

  test('stay in storedVersions until they are taken out', async () => {
    await send('POST', definitions, two())
    await send('POST', widgets, widget('a'))
    await send('PUT', `${definitions}/widgets.example.org`, {
      ...two({ storage: false }, { storage: true }),
      metadata: (await send('GET', `${definitions}/widgets.example.org`)).object.metadata,
    })
    expect((await send('GET', `${definitions}/widgets.example.org`)).object.status).toMatchObject({ storedVersions: ['v1', 'v2'] })
    expect((await send('GET', `${others}/a`)).object.spec).toMatchObject({ size: 3, extra: 'new' })
    const refused = await send(
      'PATCH',
      `${definitions}/widgets.example.org`,
      { spec: { versions: [{ ...two().spec.versions[1], storage: true }] } },
      patchType,
    )
    expect(refused.object.message).toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions')
  })

  test('that are served no longer are gone, and those that will go say so', async () => {
    await send('POST', definitions, two({ deprecated: true }, { deprecated: true, deprecationWarning: 'use v3' }))
    expect((await send('GET', widgets)).headers.warning).toBe('299 - "example.org/v1 Widget is deprecated"')
    expect((await send('GET', others)).headers.warning).toBe('299 - "use v3"')
    const { isOver } = await watch(`${others}?watch=true`)
    await send('PATCH', `${definitions}/widgets.example.org`, { spec: { versions: two({}, { served: false }).spec.versions } }, patchType)
    await eventually(async () => expect((await send('GET', others)).status).toBe(404))
    expect(isOver()).toBe(true)
    expect((await send('GET', widgets)).headers.warning).toBeUndefined()
  })
})

test('OpenAPI documents tell of what is served, and the index of what has changed', async () => {
  expect((await send('GET', '/openapi/v3/apis/example.org/v1')).status).toBe(404)
  await send('POST', definitions, definition())
  await send('GET', widgets)
  const urlOf = async () =>
    ((await send('GET', '/openapi/v3')).object.paths as Record<string, { serverRelativeURL: string }>)['apis/example.org/v1']
      ?.serverRelativeURL
  const before = await urlOf()
  const { object } = await send('GET', '/openapi/v3/apis/example.org/v1')
  const schemas = (object.components as { schemas: Record<string, JsonObject> }).schemas
  expect(schemas['org.example.v1.Widget']).toMatchObject({
    'x-kubernetes-group-version-kind': [{ group: 'example.org', version: 'v1', kind: 'Widget' }],
    properties: {
      metadata: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] },
      spec: { properties: { size: { default: 3, minimum: 1 } } },
    },
  })
  expect(schemas['org.example.v1.WidgetList']).toBeDefined()
  expect(Object.keys(object.paths as object)).toContain('/apis/example.org/v1/namespaces/{namespace}/widgets/{name}')
  const plain = (await send('GET', '/openapi/v2')).object.definitions as Record<string, JsonObject>
  expect(plain['org.example.v1.Widget']).toMatchObject({ properties: { spec: { properties: { size: { type: 'integer' } } } } })
  const old = await send('GET', '/openapi/v2', undefined, { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' })
  expect(old.status).toBe(200)
  await send(
    'PATCH',
    `${definitions}/widgets.example.org`,
    { spec: definition({ spec: { type: 'object', description: 'Other.' } }).spec },
    patchType,
  )
  await eventually(async () => expect(await urlOf()).not.toBe(before))
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

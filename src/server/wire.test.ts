import { gzipSync } from 'node:zlib'
import { beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { builtinCatalog } from '../api/catalog.ts'
import { decodeCbor, encodeCbor } from '../api/cbor.ts'
import type { ApiReply, ApiWatchEvent } from '../api/exchange.ts'
import type { JsonObject } from '../api/object.ts'
import { protobufCodec } from '../api/protobuf/envelope.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { type ApiServer, createServer } from './server.ts'

const protobufType = 'application/vnd.kubernetes.protobuf'
const catalog = builtinCatalog()
const codec = protobufCodec(catalog.definitions, catalog.messages)
let server: ApiServer

beforeEach(async () => {
  const authenticate = async () => ({ name: 'admin', groups: ['system:masters'] })
  const options = {
    store: createMemoryStore(),
    catalog,
    authenticate,
    serverAddress: 'x:1',
    clock: new VirtualClock(),
    random: seededRandom(1),
    log: silentLog,
  }
  server = await createServer(options, new AbortController().signal)
})

const send = (method: string, url: string, headers: Record<string, string>, body?: Uint8Array): Promise<ApiReply> => {
  const [path = '', query = ''] = url.split('?')
  return server.handle({
    method,
    path,
    query,
    headers,
    ...(body && { body }),
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
}

async function bytesOf({ body }: ApiReply): Promise<Buffer> {
  if (body.type === 'bytes') return Buffer.concat(body.chunks)
  if (body.type === 'object') return Buffer.concat(body.encode())
  const chunks: Uint8Array[] = []
  if (body.type === 'stream') for await (const chunk of body.stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const configMaps = '/api/v1/namespaces/default/configmaps'
const encoded = (object: JsonObject) => codec.encode(object) ?? Buffer.alloc(0)
const both = { 'content-type': protobufType, accept: `${protobufType},application/json` }
const create = (name: string) =>
  send('POST', configMaps, both, encoded({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } }))

test('objects go in and out in protobuf; in JSON the same are seen', async () => {
  const created = await create('one')
  expect(created.status).toBe(201)
  expect(created.headers['content-type']).toBe(protobufType)
  expect(codec.decode(await bytesOf(created))).toMatchObject({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one' },
    data: { a: 'b' },
  })
  const shown = await send('GET', `${configMaps}/one`, {})
  expect(shown.headers['content-type']).toBe('application/json')
  expect(JSON.parse((await bytesOf(shown)).toString())).toMatchObject({ data: { a: 'b' } })
  const listed = codec.decode(await bytesOf(await send('GET', `${configMaps}?fieldSelector=metadata.name=one`, both)))
  expect(listed).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'one' } }] })
})

test('options of a delete and errors are in protobuf too', async () => {
  await create('one')
  const options = (uid: string) => encoded({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } })
  const refused = await send('DELETE', `${configMaps}/one`, both, options('another'))
  expect(refused.status).toBe(409)
  expect(codec.decode(await bytesOf(refused))).toMatchObject({ kind: 'Status', reason: 'Conflict', code: 409 })
  const { metadata } = codec.decode(await bytesOf(await send('GET', `${configMaps}/one`, both))) as { metadata: { uid: string } }
  expect((await send('DELETE', `${configMaps}/one`, both, options(metadata.uid))).status).toBe(200)
})

test('a watch in protobuf is a stream of frames', async () => {
  await create('one')
  const reply = await send('GET', `${configMaps}?watch=true&fieldSelector=metadata.name=one`, both)
  expect(reply.headers['content-type']).toBe(`${protobufType};stream=watch`)
  const events: ApiWatchEvent<unknown>[] = []
  if (reply.body.type === 'watch') reply.body.open({ event: (event) => events.push(event) > 0, end() {} })
  const frame = Buffer.from(events[0]?.bytes() ?? [])
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4)
  expect(codec.decode(frame.subarray(frame.indexOf('k8s\0')))).toMatchObject({ metadata: { name: 'one' } })
})

test('a reply may be YAML', async () => {
  await create('one')
  const one = await send('GET', `${configMaps}/one`, { accept: 'application/yaml' })
  expect(one.headers['content-type']).toBe('application/yaml')
  expect(parse((await bytesOf(one)).toString())).toMatchObject({ data: { a: 'b' } })
  const list = parse((await bytesOf(await send('GET', configMaps, { accept: 'application/yaml' }))).toString()) as { items: unknown[] }
  expect(list.items).toContainEqual(expect.objectContaining({ data: { a: 'b' } }))
  for (const item of list.items) expect(item).not.toHaveProperty('kind')
})

test('objects go in and out in CBOR, an apply too', async () => {
  const cbor = { 'content-type': 'application/cbor', accept: 'application/cbor' }
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { a: 'b' } }
  const created = await send('POST', configMaps, cbor, encodeCbor(object))
  expect(created.status).toBe(201)
  expect(created.headers['content-type']).toBe('application/cbor')
  expect(decodeCbor(await bytesOf(created))).toMatchObject(object)
  const applied = await send(
    'PATCH',
    `${configMaps}/two?fieldManager=me`,
    { ...cbor, 'content-type': 'application/apply-patch+cbor' },
    encodeCbor({ ...object, metadata: { name: 'two' } }),
  )
  expect(applied.status).toBe(201)
  const listed = decodeCbor(await bytesOf(await send('GET', configMaps, cbor)))
  expect(listed).toMatchObject({
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    items: [{ metadata: { name: 'one' } }, { metadata: { name: 'two' } }],
  })
  const refused = await send('POST', configMaps, cbor, Buffer.from('ff', 'hex'))
  expect(refused.status).toBe(400)
  expect(decodeCbor(await bytesOf(refused))).toMatchObject({ kind: 'Status', reason: 'BadRequest' })
})

test('a watch in CBOR is a sequence of events', async () => {
  await create('one')
  const reply = await send('GET', `${configMaps}?watch=true&fieldSelector=metadata.name=one`, { accept: 'application/cbor-seq' })
  expect(reply.headers['content-type']).toBe('application/cbor-seq')
  const [first] = eventsOf(reply)
  expect(decodeCbor(first?.bytes() ?? Buffer.alloc(0))).toMatchObject({
    type: 'ADDED',
    object: { kind: 'ConfigMap', metadata: { name: 'one' } },
  })
})

const metadataAlone = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

test('metadata alone is got, listed and watched in protobuf, bookmarks too', async () => {
  await create('one')
  const accept = { accept: `${protobufType};${metadataAlone}` }
  const one = codec.decode(await bytesOf(await send('GET', `${configMaps}/one`, accept)))
  expect(one).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'one' } })
  expect(one).not.toHaveProperty('data')
  const listed = codec.decode(await bytesOf(await send('GET', configMaps, accept)))
  expect(listed).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'one' } }] })
  const query = 'watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
  const events = eventsOf(await send('GET', `${configMaps}?${query}`, accept)).map(({ type, bytes }) => {
    const frame = Buffer.from(bytes())
    return { type, object: codec.decode(frame.subarray(frame.indexOf('k8s\0'))) }
  })
  expect(events).toMatchObject([
    { type: 'ADDED', object: { kind: 'PartialObjectMetadata', metadata: { name: 'one' } } },
    { type: 'BOOKMARK', object: { kind: 'PartialObjectMetadata', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } },
  ])
})

test('a long list in protobuf is what its objects are', async () => {
  for (let index = 0; index < 250; index++) await create(`a${index}`)
  const list = codec.decode(await bytesOf(await send('GET', configMaps, both))) as { items: JsonObject[] }
  const json = JSON.parse((await bytesOf(await send('GET', configMaps, {}))).toString()) as { items: JsonObject[] }
  expect(list).toEqual({ ...json, items: json.items })
})

test.each([
  [
    '',
    `application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1`,
    'application/json, application/yaml, application/vnd.kubernetes.protobuf',
  ],
  ['?watch=true', 'application/yaml', 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch'],
])('%s as %s is not to be had', async (query, accept, types) => {
  const reply = await send('GET', `${configMaps}${query}`, { accept })
  expect(reply.status).toBe(406)
  // JSON is YAML too.
  expect(parse((await bytesOf(reply)).toString())).toMatchObject({
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${types}`,
  })
})

function eventsOf({ body }: ApiReply): readonly ApiWatchEvent<unknown>[] {
  const events: ApiWatchEvent<unknown>[] = []
  if (body.type === 'watch') body.open({ event: (event) => events.push(event) > 0, end() {} })
  return events
}

test('what Content-Encoding says of a body is nothing, as upstream', async () => {
  const body = encoded({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' } })
  expect((await send('POST', configMaps, { ...both, 'content-encoding': 'gzip' }, body)).status).toBe(201)
})

test.each([
  ['a body that is no protobuf', both, Buffer.from('{}'), 400],
  ['a body cut short', both, encoded({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'abc' } }).subarray(0, 20), 400],
  [
    'a compressed body',
    { ...both, 'content-encoding': 'gzip' },
    gzipSync(encoded({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'abc' } })),
    400,
  ],
  ['nothing that resources are written in', { accept: 'text/html' }, Buffer.from('{}'), 406],
])('%s is refused', async (_, headers, body, status) => {
  expect((await send('POST', configMaps, headers, body)).status).toBe(status)
})

import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { type ApiServer, createServer } from './server.ts'

const catalog = builtinCatalog()
let server: ApiServer
let clock: VirtualClock

beforeEach(async () => {
  clock = new VirtualClock()
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      clock,
      // Always the same: every generated name is the one before.
      random: { fraction: () => 0, uuid: () => crypto.randomUUID() },
      log: silentLog,
    },
    new AbortController().signal,
  )
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(
  method: string,
  url: string,
  body?: object,
  contentType = 'application/json',
): Promise<{ status: number; object: Loose }> {
  const [path = '', query = ''] = url.split('?')
  const reply = await server.handle({
    method,
    path,
    query,
    headers: { 'content-type': contentType },
    ...(body && { body: Buffer.from(JSON.stringify(body)) }),
    caller: { type: 'in-process', user: { name: 'test', groups: ['system:masters'] } },
    signal: new AbortController().signal,
  })
  return { status: reply.status, object: reply.body.type === 'object' ? JSON.parse(Buffer.concat(reply.body.encode()).toString()) : {} }
}

const maps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const pod = (metadata: object = {}, spec: object = {}) =>
  send('POST', pods, { metadata: { name: 'a', ...metadata }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], ...spec } })

describe('a dry run', () => {
  test('is refused what is there already, and has no revision', async () => {
    const made = await send('POST', `${maps}?dryRun=All`, { metadata: { name: 'a' } })
    expect(made.status).toBe(201)
    expect(made.object.metadata).not.toHaveProperty('resourceVersion')
    await send('POST', maps, { metadata: { name: 'a' } })
    expect((await send('POST', `${maps}?dryRun=All`, { metadata: { name: 'a' } })).status).toBe(409)
  })
})

describe('names', () => {
  test('that are generated are tried eight times', async () => {
    expect((await send('POST', maps, { metadata: { generateName: 'a-' } })).status).toBe(201)
    const { object } = await send('POST', maps, { metadata: { generateName: 'a-' } })
    expect(object).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: expect.stringMatching(/already exists, the server was not able to generate a unique name for the object$/),
      details: { retryAfterSeconds: 1 },
    })
  })

  test('of objects on their way out are told so', async () => {
    await send('POST', maps, { metadata: { name: 'a', finalizers: ['x/y'] } })
    await send('DELETE', `${maps}/a`)
    expect((await send('POST', maps, { metadata: { name: 'a' } })).object.message).toBe(
      'object is being deleted: configmaps "a" already exists',
    )
  })
})

describe('an update', () => {
  test('says which object it is about', async () => {
    await send('POST', maps, { metadata: { name: 'a' } })
    expect((await send('PUT', `${maps}/a`, { metadata: {} })).object.message).toBe(
      'the name of the object (a based on URL) was undeterminable: name must be provided',
    )
    expect((await send('PUT', `${maps}/a`, { metadata: { name: 'a', namespace: 'other' } })).object).toMatchObject({
      code: 400,
      message: 'the namespace of the object (other) does not match the namespace on the request (default)',
    })
    const patched = await send('PATCH', `${maps}/a`, { metadata: { namespace: 'other' } }, 'application/merge-patch+json')
    expect(patched.status).toBe(400)
  })

  test('of an object without namespace gives it none', async () => {
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'x' } })
    const { object } = await send('PUT', '/api/v1/namespaces/x', { metadata: { name: 'x', namespace: 'default', labels: { a: 'b' } } })
    expect(object.metadata).toMatchObject({ name: 'x', labels: { a: 'b' } })
    expect(object.metadata).not.toHaveProperty('namespace')
  })

  test('of version 0 is of any', async () => {
    await send('POST', maps, { metadata: { name: 'a' } })
    expect((await send('PUT', `${maps}/a`, { metadata: { name: 'a', resourceVersion: '0' }, data: { a: 'b' } })).status).toBe(200)
  })

  test('does not let an object grow without bound', async () => {
    await send('POST', maps, { metadata: { name: 'a' } })
    const patch = (key: string) =>
      send(
        'PATCH',
        `${maps}/a`,
        { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'x'.repeat(1 << 20), name: key, uid: key }] } },
        'application/strategic-merge-patch+json',
      )
    for (const key of ['1', '2']) expect((await patch(key)).status).toBe(200)
    expect((await patch('3')).object).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' })
    expect((await send('GET', `${maps}/a`)).object.metadata.ownerReferences).toHaveLength(2)
  })
})

test('a status does not say whose a pod is', async () => {
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: '1' }
  await pod({ ownerReferences: [owner] })
  const { object } = await send('GET', `${pods}/a`)
  const asked = { ...object, metadata: { ...object.metadata, ownerReferences: [] }, status: { phase: 'Running' } }
  const { metadata, status } = (await send('PUT', `${pods}/a/status`, asked)).object
  expect(metadata.ownerReferences).toEqual([owner])
  expect(status.phase).toBe('Running')
})

describe('a delete of a pod', () => {
  const graceOf = async () => {
    const { metadata } = (await send('GET', `${pods}/a`)).object
    return [metadata.deletionGracePeriodSeconds, metadata.deletionTimestamp]
  }

  test('on its way out only hurries it, counted from when it began', async () => {
    await pod()
    await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 300 })
    expect(await graceOf()).toEqual([300, '2026-01-01T00:05:00Z'])
    await clock.advance(10_000)
    await send('DELETE', `${pods}/a`)
    expect(await graceOf()).toEqual([300, '2026-01-01T00:05:00Z'])
    await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 60 })
    expect(await graceOf()).toEqual([60, '2026-01-01T00:01:00Z'])
    await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 90, propagationPolicy: 'Orphan' })
    expect((await send('GET', `${pods}/a`)).object.metadata).not.toHaveProperty('finalizers')
    expect((await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 0 })).status).toBe(200)
    expect((await send('GET', `${pods}/a`)).status).toBe(404)
  })

  test('with less than no time waits a second', async () => {
    await pod()
    await send('DELETE', `${pods}/a`, { gracePeriodSeconds: -5 })
    expect(await graceOf()).toEqual([1, '2026-01-01T00:00:01Z'])
  })

  test('with more time than there is ends with it', async () => {
    await pod()
    expect((await send('DELETE', `${pods}/a`, { gracePeriodSeconds: Number.MAX_SAFE_INTEGER })).status).toBe(200)
    expect(await graceOf()).toEqual([Number.MAX_SAFE_INTEGER, '9999-12-31T23:59:59Z'])
    await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 30 })
    expect((await graceOf())[0]).toBe(30)
  })
})

describe('dependents', () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const job = (name: string, finalizers: string[] = []) =>
    send('POST', jobs, {
      metadata: { name, finalizers },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
    })
  const finalizersAfter = async (name: string, options?: object) => {
    await send('DELETE', `${jobs}/${name}`, options)
    return (await send('GET', `${jobs}/${name}`)).object.metadata.finalizers
  }

  test('of a job stay unless the delete or its finalizers say otherwise', async () => {
    for (const [name, finalizers] of Object.entries({ a: [], b: ['x/y'], c: ['foregroundDeletion'], d: ['x/y'] }))
      await job(name, finalizers)
    expect(await finalizersAfter('a')).toEqual(['orphan'])
    expect(await finalizersAfter('b', { propagationPolicy: 'Background' })).toEqual(['x/y'])
    expect(await finalizersAfter('c')).toEqual(['foregroundDeletion'])
    expect(await finalizersAfter('d', { orphanDependents: false })).toEqual(['x/y'])
  })

  test('are spoken of in one way only', async () => {
    await job('a')
    expect((await send('DELETE', `${jobs}/a`, { orphanDependents: true, propagationPolicy: 'Orphan' })).object).toMatchObject({
      code: 422,
      message: expect.stringContaining('orphanDependents and deletionPropagation cannot be both set'),
    })
  })
})

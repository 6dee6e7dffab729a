import { beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiWatchEvent } from '../api/exchange.ts'
import type { KubeObject } from '../api/object.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { type ApiServer, createServer } from './server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLog,
    },
    new AbortController().signal,
  )
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function ask(method: string, url: string, body?: object, contentType = 'application/json') {
  const [path = '', query = ''] = url.split('?')
  return server.handle({
    method,
    path,
    query,
    headers: { 'content-type': contentType },
    ...(body && { body }),
    caller: { type: 'in-process', user: { name: 'test', groups: ['system:masters'] } },
    signal: new AbortController().signal,
  })
}

async function send(...request: Parameters<typeof ask>): Promise<Loose> {
  const { body } = await ask(...request)
  if (body.type !== 'object') throw new Error(`no object but ${body.type}`)
  // What crosses in process and what is written to a socket are the same, but for the type that a list says for all.
  const written = JSON.parse(Buffer.concat(body.encode()).toString())
  if (Array.isArray(written.items)) {
    const type = { apiVersion: written.apiVersion, kind: written.kind.replace(/List$/, '') }
    for (const item of written.items) expect(Object.keys(item)).not.toContain('kind')
    written.items = written.items.map((item: object) => ({ ...item, ...type }))
  }
  expect(written).toEqual(JSON.parse(JSON.stringify(body.object)))
  return body.object
}

async function watch(url: string): Promise<ApiWatchEvent<KubeObject>[]> {
  const { body } = await ask('GET', url)
  const events: ApiWatchEvent<KubeObject>[] = []
  if (body.type !== 'watch') throw new Error('no watch')
  body.open({ event: (event) => events.push(event as ApiWatchEvent<KubeObject>) > 0, end() {} })
  return events
}

const core = '/api/v1/namespaces/default/events'
const events = '/apis/events.k8s.io/v1/namespaces/default/events'

test('events are one thing under two names', async () => {
  const watched = await watch(`${events}?watch=1&allowWatchBookmarks=true`)
  const made = await send('POST', core, {
    metadata: { name: 'a' },
    involvedObject: { kind: 'Pod', name: 'x', namespace: 'default' },
    message: 'hello',
    reason: 'R',
    type: 'Normal',
    count: 3,
    source: { component: 'kubelet' },
  })
  const shown = await send('GET', `${events}/a`)
  expect(shown).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion },
    regarding: { name: 'x' },
    note: 'hello',
    deprecatedCount: 3,
    deprecatedSource: { component: 'kubelet' },
  })
  expect(shown).not.toHaveProperty('message')
  expect((await send('GET', events)).items).toEqual([shown])
  expect(watched.map(({ type, object }) => [type, object.apiVersion])).toEqual([['ADDED', 'events.k8s.io/v1']])
  expect(JSON.parse(Buffer.from(watched[0]?.bytes() ?? []).toString())).toMatchObject({ type: 'ADDED', object: { note: 'hello' } })
  await send('PATCH', `${events}/a`, { note: 'again' }, 'application/merge-patch+json')
  expect(await send('GET', `${core}/a`)).toMatchObject({ apiVersion: 'v1', message: 'again', count: 3 })
})

test('autoscalers of the first version are kept as the second', async () => {
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers'
  const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  await send('POST', v1, { metadata: { name: 'a' }, spec: { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 70 } })
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }
  const second = await send('GET', `${v2}/a`)
  expect(second).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { scaleTargetRef, maxReplicas: 5, metrics: [cpu] } })
  const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } }
  await send('PUT', `${v2}/a`, { ...second, spec: { ...second.spec, metrics: [cpu, memory] } })
  const first = await send('GET', `${v1}/a`)
  expect(first.spec).toMatchObject({ targetCPUUtilizationPercentage: 70 })
  // Nothing is lost on the way through the first version.
  await send('PUT', `${v1}/a`, { ...first, spec: { ...first.spec, targetCPUUtilizationPercentage: 80 } })
  expect((await send('GET', `${v2}/a`)).spec.metrics).toMatchObject([{ resource: { target: { averageUtilization: 80 } } }, memory])
})

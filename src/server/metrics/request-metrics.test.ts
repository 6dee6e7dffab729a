import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'

const catalog = builtinCatalog()
let server: ApiServer
let ended: AbortController

beforeEach(async () => {
  ended = new AbortController()
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: [] }]]),
    verifyToken: async () => undefined,
  })
  const parts = { clock: new VirtualClock(), random: seededRandom(1), log: silentLog }
  server = await createServer({ store: createMemoryStore(), catalog, authenticate, serverAddress: 'x:1', ...parts }, ended.signal)
})

async function send(method: string, url: string, body?: object, headers: Record<string, string> = {}): Promise<ApiReply> {
  const [path = '', query = ''] = url.split('?')
  return server.handle({
    method,
    path,
    query,
    headers: { authorization: 'Bearer secret', 'content-type': 'application/json', ...headers },
    ...(body && { body: Buffer.from(JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: ended.signal,
  })
}

async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { body } = await send('GET', '/metrics')
  if (body.type !== 'stream') throw new Error('no stream')
  const chunks: Uint8Array[] = []
  for await (const chunk of body.stream) chunks.push(chunk)
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n')
  return new Map(
    lines
      .filter((line) => !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

const maps = '/api/v1/namespaces/default/configmaps'
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
const labels = (verb: string, scope: string, more = '', dryRun = '') =>
  `verb="${verb}",dry_run="${dryRun}",group="",version="v1",resource="configmaps",subresource="",scope="${scope}",component="apiserver"${more}`

describe('requests are counted', () => {
  test('by verb, scope, dry run and code', async () => {
    await send('POST', maps, map)
    await send('POST', maps, map)
    await send('POST', `${maps}?dryRun=All`, { ...map, metadata: { name: 'b' } })
    await send('GET', maps)
    await send('GET', '/api/v1/configmaps')
    await send('PATCH', `${maps}/a?fieldManager=x`, map, { 'content-type': 'application/apply-patch+yaml' })
    await send('GET', `${maps}/a`, undefined, { authorization: 'Bearer wrong' })
    const found = await metrics()
    const total = (...args: Parameters<typeof labels>) => found.get(`apiserver_request_total{${labels(...args)}}`)
    expect(total('POST', 'namespace', ',code="201"')).toBe(1)
    expect(total('POST', 'namespace', ',code="409"')).toBe(1)
    expect(total('POST', 'namespace', ',code="201"', 'All')).toBe(1)
    expect(total('LIST', 'namespace', ',code="200"')).toBe(1)
    expect(total('LIST', 'cluster', ',code="200"')).toBe(1)
    expect(total('APPLY', 'namespace', ',code="200"')).toBe(1)
    expect(total('GET', 'namespace', ',code="401"')).toBe(1)
    expect(found.get(`apiserver_request_duration_seconds_count{${labels('POST', 'namespace')}}`)).toBe(2)
    expect(found.get(`apiserver_response_sizes_count{${labels('LIST', 'cluster').replace('dry_run="",', '')}}`)).toBe(1)
  })

  test('under no name that nobody serves', async () => {
    for (const path of ['/api/v1/widgets/x', '/apis/no.such/v1/things', '/some/page', '/x1', '/x2']) await send('GET', path)
    await send('BREW', '/x3')
    const found = [...(await metrics()).keys()].filter((key) => key.startsWith('apiserver_request_total'))
    expect(found.filter((key) => /widgets|no\.such|page|x\d|BREW/.test(key))).toEqual([])
    expect(found).toContainEqual(expect.stringContaining('verb="OTHER"'))
  })

  test('while a watch is open it counts as that, and as a request when it ends', async () => {
    const open = `apiserver_longrunning_requests{${labels('WATCH', 'namespace').replace('dry_run="",', '')}}`
    const done = `apiserver_request_total{${labels('WATCH', 'namespace', ',code="200"')}}`
    const { body } = await send('GET', `${maps}?watch=1&resourceVersion=0`)
    if (body.type !== 'watch') throw new Error('no watch')
    body.open({ event: () => true, end() {} })
    await send('POST', maps, map)
    let found = await metrics()
    expect([found.get(open), found.get(done)]).toEqual([1, undefined])
    expect(found.get('apiserver_watch_events_total{group="",version="v1",resource="configmaps"}')).toBe(1)
    expect(found.get('apiserver_watch_events_sizes_count{group="",version="v1",resource="configmaps"}')).toBe(1)
    ended.abort()
    found = await metrics()
    expect([found.get(open), found.get(done)]).toEqual([0, 1])
  })
})

test('senders, what they may do, and admission plug-ins are counted', async () => {
  const before = await metrics()
  await send('POST', maps, map)
  await send('GET', maps, undefined, { authorization: 'Bearer wrong' })
  await send('POST', maps, map, { authorization: '' })
  const found = await metrics()
  const more = (name: string) => (found.get(name) ?? 0) - (before.get(name) ?? 0)
  // Looking at the metrics is a request too.
  expect(more('authentication_attempts{result="success"}')).toBe(2 + 1)
  expect(more('authentication_attempts{result="failure"}')).toBe(1)
  expect(more('authenticated_user_requests{username="admin"}')).toBe(1 + 1)
  expect(more('authorization_attempts_total{result="allowed"}')).toBe(1 + 1)
  expect(more('authorization_attempts_total{result="no-opinion"}')).toBe(1)
  const plugin = 'apiserver_admission_controller_admission_duration_seconds_count'
  expect(found.get(`${plugin}{name="NamespaceLifecycle",type="admit",operation="CREATE",rejected="false"}`)).toBeGreaterThan(0)
  await send('POST', '/api/v1/namespaces/none/configmaps', map)
  expect((await metrics()).get(`${plugin}{name="NamespaceLifecycle",type="admit",operation="CREATE",rejected="true"}`)).toBe(1)
})

test('objects and the operations of the store are counted by resource', async () => {
  await send('POST', maps, map)
  await send('DELETE', `${maps}/a`)
  await send('POST', maps, map)
  const found = await metrics()
  expect(found.get('apiserver_storage_objects{resource="configmaps"}')).toBe(1)
  expect(found.get('apiserver_storage_objects{resource="priorityclasses.scheduling.k8s.io"}')).toBe(2)
  expect(found.get('apiserver_resource_objects{group="scheduling.k8s.io",resource="priorityclasses"}')).toBe(2)
  expect(found.get('etcd_request_duration_seconds_count{operation="create",group="",resource="configmaps"}')).toBe(2)
  expect(found.get('etcd_request_duration_seconds_count{operation="delete",group="",resource="configmaps"}')).toBe(1)
  expect(found.get('apiserver_current_inflight_requests{request_kind="mutating"}')).toBe(1)
})

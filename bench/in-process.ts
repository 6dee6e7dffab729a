// The API server in this process on a store in memory: what applies, selections, many watchers and stored pods cost. Times are
// processor time of its thread, which other work on the machine does not change.
//   node --expose-gc bench/in-process.ts
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtinCatalog } from '../src/api/catalog.ts'
import type { ApiReply } from '../src/api/exchange.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/base/random.ts'
import { createServer } from '../src/server/server.ts'
import { createMemoryStore } from '../src/store/memory.ts'

const stop = new AbortController()
const server = await createServer(
  {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    authenticate: async () => ({ name: 'admin', groups: ['system:masters'] }),
    serverAddress: 'localhost:1',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  },
  stop.signal,
)

async function send(method: string, url: string, body?: object, type = 'application/json'): Promise<ApiReply> {
  const [path = '', query = ''] = url.split('?')
  const reply = await server.handle({
    method,
    path,
    query,
    headers: { 'content-type': type, 'user-agent': 'bench/1.0' },
    ...(body && { body: Buffer.from(JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: stop.signal,
  })
  if (reply.status > 299) throw new Error(`${method} ${url} was answered with ${reply.status}`)
  return reply
}

const lengthOf = ({ body }: ApiReply): number =>
  (body.type === 'bytes' ? body.chunks : body.type === 'object' ? body.encode() : []).reduce((length, chunk) => length + chunk.length, 0)

const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.threadCpuUsage(since)
  return (user + system) / 1000
}
const percentile = (sorted: readonly number[], part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

async function applies(): Promise<void> {
  const deployment = (name: string, image: string) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'web',
              image,
              ports: [{ containerPort: 8080, name: 'http' }],
              env: [
                { name: 'A', value: '1' },
                { name: 'B', value: '2' },
              ],
              resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
              readinessProbe: { httpGet: { path: '/', port: 8080 } },
            },
          ],
        },
      },
    },
  })
  const round = async (count: number, image: string) => {
    for (let index = 0; index < count; index++) {
      const name = `d${index % 100}`
      const url = `/apis/apps/v1/namespaces/default/deployments/${name}?fieldManager=bench&force=true`
      await send('PATCH', url, deployment(name, `${image}${index}`), 'application/apply-patch+yaml')
    }
  }
  await round(2000, 'warm')
  const before = process.threadCpuUsage()
  await round(3000, 'image')
  console.log(`Server-side apply of a Deployment: ${Math.round(3000 / (cpuMs(before) / 1000))} per second of processor time`)
}

async function watchers(): Promise<void> {
  const [count, changes] = [1000, 500]
  const url = '/api/v1/namespaces/default/configmaps'
  await send('POST', url, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'watched' } })
  const taken: number[] = []
  let written = 0
  for (let index = 0; index < count; index++) {
    const reply = await send('GET', `${url}?watch=true&resourceVersion=0`)
    let isFirst = true
    if (reply.body.type === 'watch')
      reply.body.open({
        event(event) {
          event.bytes()
          if (!isFirst) taken.push(performance.now() - written)
          isFirst = false
          return true
        },
        end() {},
      })
  }
  const before = process.threadCpuUsage()
  for (let index = 0; index < changes; index++) {
    written = performance.now()
    await send('PATCH', `${url}/watched`, { data: { index: String(index) } }, 'application/merge-patch+json')
  }
  const each = cpuMs(before) / changes
  taken.sort((left, right) => left - right)
  console.log(
    `${count} watchers: ${each.toFixed(2)} ms of processor time per change (${Math.round(each * 10)} % of a core at 100 a second); at all watchers within ${percentile(taken, 0.99).toFixed(1)} ms p99 of the request, sockets apart (${taken.length} events)`,
  )
}

async function selections(): Promise<void> {
  const count = 100_000
  const template = JSON.parse(readFileSync(join(import.meta.dirname, 'pod.json'), 'utf8')) as { metadata: object; spec: object }
  const url = '/api/v1/namespaces/default/pods'
  globalThis.gc?.()
  const before = process.memoryUsage()
  // A pod of two kilobytes, as those of a real cluster are.
  const annotations = { 'example.org/text': 'x'.repeat(500) }
  let stored = 0
  for (let index = 0; index < count; index++) {
    const labels = { app: `app-${index % 1000}`, tier: `t${index % 16}` }
    const reply = await send('POST', url, {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: template.spec,
      metadata: { name: `p${index}`, labels, annotations },
    })
    if (index === 0) stored = lengthOf(reply)
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  globalThis.gc?.()
  const after = process.memoryUsage()
  const grown = (after.heapUsed + after.external - before.heapUsed - before.external) / count / 1024
  console.log(
    `Memory: ${grown.toFixed(1)} KB for a stored pod of ${(stored / 1024).toFixed(1)} KB, the store's own copy in memory included`,
  )
  for (const query of [
    'labelSelector=app=app-7',
    'labelSelector=app!=app-7,tier=t3',
    'labelSelector=tier notin (t1,t2),app in (app-1,app-2)',
    'fieldSelector=spec.nodeName=node-1',
  ]) {
    const times: number[] = []
    let found = 0
    for (let round = 0; round < 12; round++) {
      const start = process.threadCpuUsage()
      found = lengthOf(await send('GET', `${url}?${encodeURI(query)}`))
      if (round > 1) times.push(cpuMs(start))
    }
    times.sort((left, right) => left - right)
    console.log(
      `LIST of 100,000 pods by ${query}: p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms (${(found / 1024).toFixed(0)} KB)`,
    )
  }
}

await applies()
await watchers()
await selections()
stop.abort()
process.exit(0)

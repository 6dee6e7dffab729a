// Pod start-up through the API: POST to the first watch event that says Ready, one at a time and many at once, and what
// the agent spent on it.   node bench/pods.ts CLUSTER COUNT PARALLEL
import { existsSync, readFileSync, watch } from 'node:fs'
import { basename } from 'node:path'
import { pods } from '../src/api/resources.ts'
import type { Pod } from '../src/api/types/core-v1.ts'
import { adminClient } from '../src/cli/admin-client.ts'
import { placesOf, readCluster } from '../src/cli/cluster.ts'
import type { Measured } from '../src/main/measure.ts'

const [name = 'bench', count = '20', parallel = '1'] = process.argv.slice(2)
const places = placesOf(name, '/var/lib/sampan', '/run/sampan')
const cluster = readCluster(places)
if (!cluster) throw new Error(`There is no cluster ${name}`)
const agentPid = existsSync(places.readyFile('agent')) ? Number(readFileSync(places.readyFile('agent'), 'utf8')) : notRunning()
const resource = adminClient(places, cluster).resource(pods)

interface Run {
  readonly postedMs: number
  readyMs: number
  removedMs: number
  deletedMs: number
  onReady: () => void
  onDeleted: () => void
}

const isReady = (pod: Pod) => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

const runs = new Map<string, Run>()
const stop = new AbortController()
const { metadata } = await resource.list({ namespace: 'default', limit: 1 })
const watching = (async () => {
  const events = resource.watch({ namespace: 'default', resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal })
  for await (const event of events) {
    if (event.type === 'BOOKMARK') continue
    const run = runs.get(event.object.metadata.name)
    if (!run) continue
    if (event.type === 'DELETED') {
      run.deletedMs = performance.now()
      run.onDeleted()
    } else if (run.readyMs === 0 && isReady(event.object)) {
      run.readyMs = performance.now()
      run.onReady()
    }
  }
})()

function notRunning(): never {
  throw new Error(`The agent of cluster ${name} does not run`)
}

/** What the agent (started with SAMPAN_MEASURE=1) did since it was last asked. */
function agentMeasured(): Promise<Measured> {
  const file = `${places.run}/agent.measured`
  return new Promise((resolve) => {
    const watcher = watch(places.run, (_, changed) => {
      if (changed !== basename(file) || !existsSync(file)) return
      watcher.close()
      resolve(JSON.parse(readFileSync(file, 'utf8')) as Measured)
    })
    process.kill(agentPid, 'SIGUSR2')
  })
}

async function start(podName: string): Promise<Run> {
  const run: Run = { postedMs: performance.now(), readyMs: 0, removedMs: 0, deletedMs: 0, onReady: () => {}, onDeleted: () => {} }
  const ready = new Promise<void>((resolve) => (run.onReady = resolve))
  runs.set(podName, run)
  await resource.create({
    metadata: { name: podName, namespace: 'default' },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'Never', command: ['sleep', '3600'] }],
    },
  })
  await ready
  return run
}

async function remove(podName: string, run: Run): Promise<void> {
  const deleted = new Promise<void>((resolve) => (run.onDeleted = resolve))
  run.removedMs = performance.now()
  await resource.delete('default', podName)
  await deleted
}

await agentMeasured()
const began = performance.now()
const prefix = `bench-${Date.now().toString(36)}`
const names = Array.from({ length: Number(count) }, (_, index) => `${prefix}-${index}`)
for (let index = 0; index < names.length; index += Number(parallel)) {
  const batch = names.slice(index, index + Number(parallel))
  const started = await Promise.all(batch.map(start))
  await Promise.all(batch.map((podName, at) => remove(podName, started[at] as Run)))
}
const wallMs = performance.now() - began
stop.abort()
await watching

const quantile = (values: readonly number[], part: number) => {
  const sorted = [...values].sort((left, right) => left - right)
  return (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(0)
}
const all = [...runs.values()]
const ready = all.map((run) => run.readyMs - run.postedMs)
const gone = all.map((run) => run.deletedMs - run.removedMs)
console.log(`${count} pods, ${parallel} at a time, in ${(wallMs / 1000).toFixed(2)} s`)
console.log(`  POST to Ready       p50 ${quantile(ready, 0.5)} ms, p99 ${quantile(ready, 0.99)} ms, all within ${quantile(ready, 1)} ms`)
console.log(`  DELETE to gone      p50 ${quantile(gone, 0.5)} ms, p99 ${quantile(gone, 0.99)} ms`)
const { spawns, loopDelayP99Ms, cpuMs } = await agentMeasured()
const each = (value: number) => (value / names.length).toFixed(1)
console.log(
  `  agent, per pod      ${each(spawns)} spawns from Node, ${each(cpuMs)} ms CPU; event-loop delay p99 ${loopDelayP99Ms.toFixed(1)} ms`,
)

import { expect, test } from 'vitest'
import type { ContainerStats } from '../cri/types.ts'
import { resourceMetrics, statsSummary } from './stats-summary.ts'

const startedMs = Date.parse('2026-01-01T00:00:00Z')
const labels = (container: string) => ({
  'io.kubernetes.pod.name': 'web',
  'io.kubernetes.pod.namespace': 'shop',
  'io.kubernetes.pod.uid': 'u',
  'io.kubernetes.container.name': container,
})
const stats = (container: string, cores: number): ContainerStats => ({
  attributes: { id: `${container}-id`, labels: labels(container) },
  cpu: { usageCoreNanoSeconds: { value: 2_500_000_000 }, usageNanoCores: { value: cores } },
  memory: { workingSetBytes: { value: 1024 } },
})
const source = {
  runtime: { listContainerStats: async () => ({ stats: [stats('main', 3), stats('side', 4)] }) },
  startedAtMs: (id: string) => (id === 'main-id' ? startedMs : undefined),
  nowMs: startedMs + 60_000,
}

test('the summary tells what each container uses, since when it runs, and what the pod uses together', async () => {
  expect(await statsSummary(source, 'node')).toMatchObject({
    node: { nodeName: 'node' },
    pods: [
      {
        podRef: { name: 'web', namespace: 'shop', uid: 'u' },
        cpu: { usageNanoCores: 7, usageCoreNanoSeconds: 5_000_000_000 },
        memory: { workingSetBytes: 2048 },
        containers: [
          { name: 'main', startTime: '2026-01-01T00:00:00.000Z', cpu: { time: '2026-01-01T00:01:00.000Z', usageNanoCores: 3 } },
          { name: 'side', cpu: { usageNanoCores: 4 } },
        ],
      },
    ],
  })
})

test('what the machine uses is told of the node', async () => {
  const machine = { bootedAtMs: startedMs, cpuNanoseconds: 9e9, workingSetBytes: 4096, availableBytes: 8192, cores: 150_000_000 }
  expect(await statsSummary({ ...source, machine }, 'node')).toMatchObject({
    node: {
      nodeName: 'node',
      startTime: '2026-01-01T00:00:00.000Z',
      cpu: { usageNanoCores: 150_000_000, usageCoreNanoSeconds: 9e9 },
      memory: { workingSetBytes: 4096, availableBytes: 8192 },
    },
  })
  expect(await resourceMetrics({ ...source, machine })).toContain(`node_cpu_usage_seconds_total 9 ${source.nowMs}\n`)
})

test('before a rate is known, it is what was used since the start', async () => {
  const first = { ...stats('main', 0), cpu: { usageCoreNanoSeconds: { value: 6_000_000_000 } } }
  const runtime = { listContainerStats: async () => ({ stats: [first] }) }
  expect(await statsSummary({ ...source, runtime }, 'node')).toMatchObject({
    pods: [{ containers: [{ cpu: { usageNanoCores: 100_000_000 } }] }],
  })
})

test('the metrics are a line for each container', async () => {
  const lines = (await resourceMetrics(source)).split('\n').filter((line) => line.includes('container="main"'))
  const name = '{container="main",namespace="shop",pod="web"}'
  expect(lines).toEqual([
    `container_cpu_usage_seconds_total${name} 2.5 ${source.nowMs}`,
    `container_memory_working_set_bytes${name} 1024 ${source.nowMs}`,
    `container_start_time_seconds${name} ${startedMs / 1000}`,
  ])
})

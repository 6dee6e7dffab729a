import { readdirSync, readFileSync } from 'node:fs'
import type { MetricRegistry } from '../base/metrics/metric-registry.ts'

/** What every exporter tells of its process, looked up when somebody asks. */
export function countProcess(metrics: MetricRegistry): void {
  const cpu = metrics.counter('process_cpu_seconds_total', 'Processor time that was used.').of()
  const memory = metrics.gauge('process_resident_memory_bytes', 'Memory that is held.').of()
  const virtual = metrics.gauge('process_virtual_memory_bytes', 'Address space that is taken.').of()
  const start = metrics.gauge('process_start_time_seconds', 'When the process began, since the epoch.').of()
  const open = metrics.gauge('process_open_fds', 'Files and sockets that are open.').of()
  const most = metrics.gauge('process_max_fds', 'How many may be open.').of()
  const heap = metrics.gauge('nodejs_heap_size_used_bytes', 'Memory of the JavaScript heap that is used.').of()
  start.set(Math.round(Date.now() - process.uptime() * 1000) / 1000)
  let counted = 0
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage()
    const seconds = (user + system) / 1e6
    cpu.add(seconds - counted)
    counted = seconds
    const { rss, heapUsed } = process.memoryUsage()
    memory.set(rss)
    heap.set(heapUsed)
    // Files of /proc are made when they are read, so nothing waits for a disk here.
    virtual.set(Number(/^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024)
    most.set(Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0))
    open.set(readdirSync('/proc/self/fd').length)
  })
}

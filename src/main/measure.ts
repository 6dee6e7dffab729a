import { subscribe } from 'node:diagnostics_channel'
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a process did since it was last asked. */
export interface Measured {
  /** Processes that Node started itself. */
  readonly spawns: number
  /** How late timers ran, in milliseconds. */
  readonly loopDelayP99Ms: number
  readonly cpuMs: number
}

/** For the benchmark: SIGUSR2 writes what was measured since the last one into `file`, whole. */
export function measure(file: string): void {
  const delays = monitorEventLoopDelay({ resolution: 5 })
  delays.enable()
  let spawns = 0
  let cpu = process.cpuUsage()
  subscribe('child_process', () => {
    spawns++
  })
  process.on('SIGUSR2', () => {
    const { user, system } = process.cpuUsage(cpu)
    const measured: Measured = { spawns, loopDelayP99Ms: delays.percentile(99) / 1e6 - 5, cpuMs: (user + system) / 1000 }
    spawns = 0
    cpu = process.cpuUsage()
    delays.reset()
    writeFileSync(`${file}.new`, JSON.stringify(measured))
    renameSync(`${file}.new`, file)
  })
}

import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import type { MachineFacts, MachineUsage } from '../kubelet/kubelet-options.ts'

/** What this machine is, for the node's status. `directory` is where pods' data lies. */
export function machineFacts(directory: string): MachineFacts {
  const disk = statfsSync(directory)
  return {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf('/etc/os-release'))?.[1] ?? 'Linux',
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    machineId: textOf('/etc/machine-id'),
    systemUuid: textOf('/sys/class/dmi/id/product_uuid'),
  }
}

/** The kernel counts processor time in hundredths of a second towards programs (USER_HZ). */
const tickNanoseconds = 10_000_000
/** Of a `cpu` line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
const idleColumns = new Set([3, 4])

/** What this machine uses now (proc(5)). */
export async function machineUsage(): Promise<MachineUsage> {
  const [stat, memory] = await Promise.all([readFile('/proc/stat', 'utf8'), readFile('/proc/meminfo', 'utf8')])
  const times = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number)
  const ticks = times.reduce((sum, time, column) => (idleColumns.has(column) ? sum : sum + time), 0)
  const bytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(memory)?.[1] ?? 0) * 1024
  return {
    bootedAtMs: Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000,
    cpuNanoseconds: ticks * tickNanoseconds,
    workingSetBytes: Math.max(0, bytes('MemTotal') - bytes('MemFree') - bytes('Inactive\\(file\\)')),
    availableBytes: bytes('MemAvailable'),
  }
}

/** Containers and small systems lack some of these files. */
const textOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')

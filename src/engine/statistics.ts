import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onErrorCode } from '../base/error-code.ts'
import type { ContainerStats, CpuUsage, FilesystemUsage, MemoryUsage, NetworkInterfaceUsage, PodSandboxStats } from '../cri/types.ts'
import { type CgroupUsage, cgroupUsage } from './cgroups.ts'
import { containersOf, type EngineParts } from './parts.ts'
import type { ContainerRecord, SandboxRecord } from './records.ts'
import { absentIs } from './state-files.ts'
import { nanoseconds } from './views.ts'

/** Walking a writable layer takes a system call per file; its size is counted anew at most this often. */
const diskUsageAgeMs = 30_000

interface CpuSample {
  readonly atMs: number
  readonly nanosecondsUsed: number
  readonly rate: number | undefined
}

interface DiskSample {
  readonly atMs: number
  readonly usage: Promise<{ bytes: number; inodes: number }>
}

/** Figures of containers and pods, read from the kernel when asked. A rate needs two questions. */
export function createStatistics(parts: EngineParts) {
  const { clock, cgroups, roots } = parts
  const cpuSamples = new Map<string, CpuSample>()
  const diskSamples = new Map<string, DiskSample>()

  const forgetGone = () => {
    for (const id of cpuSamples.keys()) if (!parts.containers.get(id) && !parts.sandboxes.get(id)) cpuSamples.delete(id)
    for (const id of diskSamples.keys()) if (!parts.containers.get(id)) diskSamples.delete(id)
  }

  const cpuOf = (id: string, usage: CgroupUsage): CpuUsage => {
    const atMs = clock.now()
    const before = cpuSamples.get(id)
    const elapsedMs = before ? atMs - before.atMs : 0
    const rate = before && elapsedMs > 0 ? ((usage.cpuNanoseconds - before.nanosecondsUsed) / elapsedMs) * 1000 : before?.rate
    if (!before || elapsedMs > 0) cpuSamples.set(id, { atMs, nanosecondsUsed: usage.cpuNanoseconds, rate })
    return {
      timestamp: nanoseconds(atMs),
      usageCoreNanoSeconds: { value: usage.cpuNanoseconds },
      ...(rate !== undefined && { usageNanoCores: { value: Math.max(0, Math.round(rate)) } }),
    }
  }

  const memoryOf = (usage: CgroupUsage): MemoryUsage => ({
    timestamp: nanoseconds(clock.now()),
    workingSetBytes: { value: usage.workingSetBytes },
    usageBytes: { value: usage.memoryBytes },
    rssBytes: { value: usage.rssBytes },
    pageFaults: { value: usage.pageFaults },
    majorPageFaults: { value: usage.majorPageFaults },
    ...(usage.memoryLimitBytes !== undefined && { availableBytes: { value: Math.max(0, usage.memoryLimitBytes - usage.workingSetBytes) } }),
  })

  const writableLayerOf = async (id: string): Promise<FilesystemUsage> => {
    let sample = diskSamples.get(id)
    if (!sample || clock.now() - sample.atMs >= diskUsageAgeMs) {
      sample = { atMs: clock.now(), usage: diskUsage(roots.upper(id)) }
      diskSamples.set(id, sample)
    }
    const { bytes, inodes } = await sample.usage
    return {
      timestamp: nanoseconds(sample.atMs),
      fsId: { mountpoint: roots.directory },
      usedBytes: { value: bytes },
      inodesUsed: { value: inodes },
    }
  }

  const ofContainer = async (record: ContainerRecord): Promise<ContainerStats | undefined> => {
    const [usage, writableLayer] = await Promise.all([cgroupUsage(cgroups, record.cgroupsPath), writableLayerOf(record.id)])
    forgetGone()
    if (!usage) return undefined
    const { metadata, labels = {}, annotations = {} } = record.config
    return {
      attributes: { id: record.id, metadata, labels, annotations },
      cpu: cpuOf(record.id, usage),
      memory: memoryOf(usage),
      writableLayer,
    }
  }

  const ofSandbox = async (record: SandboxRecord): Promise<PodSandboxStats> => {
    const { metadata, labels = {}, annotations = {} } = record.config
    const running = containersOf(parts, record.id).filter(({ phase }) => phase === 'running')
    const [usage, containers, interfaces] = await Promise.all([
      cgroupUsage(cgroups, record.cgroupParent),
      Promise.all(running.map(ofContainer)),
      record.infra ? interfacesOf(record.infra.pid) : [],
    ])
    const timestamp = nanoseconds(clock.now())
    const [defaultInterface] = interfaces
    return {
      attributes: { id: record.id, metadata, labels, annotations },
      linux: {
        ...(usage && {
          cpu: cpuOf(record.id, usage),
          memory: memoryOf(usage),
          process: { timestamp, processCount: { value: usage.processes } },
        }),
        ...(defaultInterface && { network: { timestamp, defaultInterface, interfaces } }),
        containers: containers.filter((stats) => stats !== undefined),
      },
    }
  }

  return { ofContainer, ofSandbox }
}

async function interfacesOf(pid: number): Promise<NetworkInterfaceUsage[]> {
  return parseInterfaces(await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(absentIs('')))
}

/** See proc_pid_net(5): two lines of headings, then eight columns received and eight sent. The loopback is left out. */
export function parseInterfaces(text: string): NetworkInterfaceUsage[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name = '', numbers = ''] = line.trim().split(/:\s*/)
      if (name === '' || name === 'lo') return []
      const columns = numbers.split(/\s+/).map(Number)
      const at = (index: number) => ({ value: columns[index] ?? 0 })
      return [{ name, rxBytes: at(0), rxErrors: at(2), txBytes: at(8), txErrors: at(10) }]
    })
}

/** Gone meanwhile, or so deep that it cannot be named. */
const uncounted = onErrorCode(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'], undefined)

/** What a directory and all below it take on disk. */
export async function diskUsage(directory: string): Promise<{ bytes: number; inodes: number }> {
  let bytes = 0
  let inodes = 0
  const pending = [directory]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const status = await lstat(path).catch(uncounted)
    if (!status) continue
    bytes += status.blocks * 512
    inodes++
    if (status.isDirectory()) for (const name of (await readdir(path).catch(uncounted)) ?? []) pending.push(join(path, name))
  }
  return { bytes, inodes }
}

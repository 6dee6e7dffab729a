import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type CgroupHierarchies, cgroupHierarchies } from '../base/cgroup-hierarchies.ts'
import { hasErrorCode, onErrorCode } from '../base/error-code.ts'
import { absentIs } from './state-files.ts'

/** The directories of cgroups in the hierarchies of this machine. */
export interface Cgroups {
  readonly mode: CgroupHierarchies['mode']
  /** The directory of a cgroup in every hierarchy that containers use. */
  directories(path: string): readonly string[]
  /** Those, and in the v2 half of a hybrid machine, where runc makes the same cgroups. */
  everyDirectory(path: string): readonly string[]
  /** The directory that carries a controller, or undefined where the machine lacks it. */
  directory(controller: string, path: string): string | undefined
}

export async function detectCgroups(): Promise<Cgroups> {
  const { mode, of, mounts, unified } = await cgroupHierarchies()
  const every = unified === undefined ? mounts : [...mounts, unified]
  return {
    mode,
    directories: (path) => mounts.map((mount) => join(mount, path)),
    everyDirectory: (path) => every.map((mount) => join(mount, path)),
    directory(controller, path) {
      const mount = of(controller)
      return mount && join(mount, path)
    },
  }
}

/** How often the kernel's OOM killer has struck in the cgroup; 0 where the cgroup is gone. */
export async function oomKills(cgroups: Cgroups, path: string): Promise<number> {
  const directory = cgroups.directory('memory', path)
  if (!directory) return 0
  const file = cgroups.mode === 'v2' ? 'memory.events' : 'memory.oom_control'
  return (await readCounters(join(directory, file))).get('oom_kill') ?? 0
}

const killTimeoutMs = 5000

/** Kills every process of a cgroup and of those below it; resolves once none is left, or after some seconds. */
export async function killCgroup(cgroups: Cgroups, path: string): Promise<void> {
  const directory = cgroups.mode === 'v2' ? cgroups.directory('', path) : (cgroups.directory('pids', path) ?? cgroups.directories(path)[0])
  if (!directory) return
  // v1 has neither a way to kill a whole cgroup (a fork may outrun a pass) nor an event for an empty one.
  for (let waitMs = 1, waitedMs = 0; waitedMs < killTimeoutMs; waitedMs += waitMs, waitMs = Math.min(waitMs * 2, 50)) {
    const pids = await processesOf(directory)
    if (pids.length === 0) return
    if (cgroups.mode !== 'v2' || !(await killAtOnce(directory))) for (const pid of pids) killQuietly(pid)
    await setTimeout(waitMs)
  }
}

/** Linux 5.14 and later. */
async function killAtOnce(directory: string): Promise<boolean> {
  // Without O_CREAT: where the file is absent it cannot be made either.
  const file = await open(join(directory, 'cgroup.kill'), constants.O_WRONLY).catch(absentIs(undefined))
  if (!file) return false
  try {
    await file.write('1')
    return true
  } finally {
    await file.close()
  }
}

async function processesOf(directory: string): Promise<number[]> {
  const names = await readdir(directory, { withFileTypes: true }).catch(absentIs([]))
  const text = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(absentIs(''))
  const below = await Promise.all(names.filter((name) => name.isDirectory()).map((name) => processesOf(join(directory, name.name))))
  // A process that this one's PID namespace does not have is 0 here, which kill(2) takes for the caller's own group.
  const own = text.split('\n').map(Number)
  return [...own.filter((pid) => pid > 0), ...below.flat()]
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error
  }
}

/** Removes a cgroup and those below it from every hierarchy. One that still holds a process stays (EBUSY). */
export async function removeCgroup(cgroups: Cgroups, path: string): Promise<void> {
  await Promise.all(cgroups.everyDirectory(path).map(removeTree))
}

/** Those above a cgroup that nobody needs: without processes and other cgroups below them. */
export async function removeEmptyAncestors(cgroups: Cgroups, path: string): Promise<void> {
  for (let above = dirname(path); above !== '/'; above = dirname(above))
    await Promise.all(cgroups.everyDirectory(above).map((directory) => rmdir(directory).catch(onErrorCode(['ENOENT', 'EBUSY'], undefined))))
}

async function removeTree(directory: string): Promise<void> {
  const names = await readdir(directory, { withFileTypes: true }).catch(absentIs([]))
  for (const name of names) if (name.isDirectory()) await removeTree(join(directory, name.name))
  await rmdir(directory).catch(onErrorCode(['ENOENT', 'EBUSY'], undefined))
}

export interface CgroupUsage {
  readonly cpuNanoseconds: number
  readonly memoryBytes: number
  /** Without the page cache that can go at once, as kubelet counts it. */
  readonly workingSetBytes: number
  readonly rssBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  readonly memoryLimitBytes: number | undefined
  readonly processes: number
}

export async function cgroupUsage(cgroups: Cgroups, path: string): Promise<CgroupUsage | undefined> {
  const memory = cgroups.directory('memory', path)
  if (!memory) return undefined
  const v2 = cgroups.mode === 'v2'
  const [usage, statistics, limit, cpu, pids] = await Promise.all([
    readNumber(join(memory, v2 ? 'memory.current' : 'memory.usage_in_bytes')),
    readCounters(join(memory, 'memory.stat')),
    readNumber(join(memory, v2 ? 'memory.max' : 'memory.limit_in_bytes')),
    cpuNanoseconds(cgroups, path),
    readNumber(join(cgroups.directory('pids', path) ?? '', 'pids.current')),
  ])
  if (usage === undefined) return undefined
  const counter = (name: string) => statistics.get(v2 ? name : `total_${name}`) ?? 0
  return {
    cpuNanoseconds: cpu,
    memoryBytes: usage,
    workingSetBytes: Math.max(0, usage - counter('inactive_file')),
    rssBytes: v2 ? counter('anon') : counter('rss'),
    pageFaults: counter('pgfault'),
    majorPageFaults: counter('pgmajfault'),
    // v1 tells "no limit" by the largest multiple of a page.
    memoryLimitBytes: limit !== undefined && Number.isFinite(limit) && limit < 2 ** 62 ? limit : undefined,
    processes: pids ?? 0,
  }
}

async function cpuNanoseconds(cgroups: Cgroups, path: string): Promise<number> {
  if (cgroups.mode === 'v2')
    return ((await readCounters(join(cgroups.directory('cpu', path) ?? '', 'cpu.stat'))).get('usage_usec') ?? 0) * 1000
  return (await readNumber(join(cgroups.directory('cpuacct', path) ?? '', 'cpuacct.usage'))) ?? 0
}

async function readNumber(file: string): Promise<number | undefined> {
  const text = (await readFile(file, 'utf8').catch(absentIs(''))).trim()
  if (text === '') return undefined
  return text === 'max' ? Number.POSITIVE_INFINITY : Number(text)
}

async function readCounters(file: string): Promise<Map<string, number>> {
  const text = await readFile(file, 'utf8').catch(absentIs(''))
  return new Map(text.split('\n').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]))
}

/** Makes the cgroup in every hierarchy; v1's cpuset begins with nothing allowed and takes its parent's. */
export async function makeCgroup(cgroups: Cgroups, path: string): Promise<readonly string[]> {
  const directories = cgroups.everyDirectory(path)
  await Promise.all(directories.map((directory) => mkdir(directory, { recursive: true })))
  const cpuset = cgroups.mode === 'v2' ? undefined : cgroups.directory('cpuset', '/')
  if (cpuset) await inheritCpuset(cpuset, path)
  return directories
}

async function inheritCpuset(mount: string, path: string): Promise<void> {
  let directory = mount
  for (const part of path.split('/').filter(Boolean)) {
    const parent = directory
    directory = join(directory, part)
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if ((await readFile(join(directory, file), 'utf8')).trim() !== '') continue
      await writeFile(join(directory, file), (await readFile(join(parent, file), 'utf8')).trim())
    }
  }
}

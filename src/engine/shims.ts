import { open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import { mkfifo } from '../base/mount.ts'
import { type Cgroups, killCgroup, removeCgroup } from './cgroups.ts'
import { lifePipe } from './infra-lives.ts'
import type { OciSpec } from './oci-spec.ts'
import { identify, isAlive, type ProcessIdentity, parseProcessStat } from './process-identity.ts'
import { hideUnifiedPrefix, type Spawner } from './spawner.ts'
import { absentIs } from './state-files.ts'

/** An OCI runtime on this machine. */
export interface OciRuntime {
  readonly name: string
  /** Of the executable, absolute. */
  readonly path: string
  /** Refuses to run where a v2 hierarchy stands beside v1 controllers. */
  readonly refusesHybrid: boolean
}

export interface ShimTask {
  readonly id: string
  readonly runtime: OciRuntime
  readonly cgroupsPath: string
}

export interface ShimOptions {
  readonly logPath: string | undefined
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdinOnce: boolean
  /** Whether all that it mounts lies below directories whose mounts every namespace sees. */
  readonly mountsShared: boolean
}

/** What went wrong when a container was created or started, in the runtime's words. */
export class StartFailure extends Error {}

export interface ShimPlaces {
  readonly bundles: string
  readonly exits: string
  /** Of attach sockets. */
  readonly sockets: string
  /** Where the runtimes keep their own state, a directory each. */
  readonly runtimes: string
}

/** How a start goes that an earlier engine began. */
export type EarlierStart =
  | { readonly state: 'never begun' }
  | { readonly state: 'under way' }
  | { readonly state: 'started'; readonly process: ProcessIdentity }
  | { readonly state: 'failed'; readonly error: StartFailure }

export type Shims = ReturnType<typeof createShims>

/** A shim (conmon) per container: the container's parent, which holds its output and terminal and outlives the engine. */
export function createShims({ places, spawner, cgroups, clock }: { places: ShimPlaces; spawner: Spawner; cgroups: Cgroups; clock: Clock }) {
  const bundleOf = (id: string) => join(places.bundles, id)
  const rootOf = (runtime: OciRuntime) => join(places.runtimes, runtime.name)

  const resultOf = async (id: string): Promise<ProcessIdentity> => {
    const bundle = bundleOf(id)
    const [answer = '', code = ''] = (await readFile(join(bundle, 'result'), 'utf8').catch(absentIs(''))).split('\n')
    const { data = -1, message = '' } = answer ? (JSON.parse(answer) as { data?: number; message?: string }) : {}
    if (data > 0 && code === '0') return (await identify(data)) ?? { pid: data, startTicks: endedAlready }
    const files = data > 0 ? ['start.err'] : ['conmon.err', 'start.err']
    const words = data > 0 ? '' : message.trim()
    throw new StartFailure(words || (await firstWords(files.map((file) => join(bundle, file)))) || 'the runtime ended without a word')
  }

  const runtimeJob = async (task: ShimTask, name: string, args: readonly string[]): Promise<void> => {
    const output = join(bundleOf(task.id), `${name}.result`)
    await rm(output, { force: true })
    await spawner.run({
      kind: 'runtime',
      namespace: hidesUnified(cgroups, task.runtime) ? 'hidden' : 'host',
      args: [task.runtime.path, output, `--root=${rootOf(task.runtime)}`, ...args],
    })
    const code = (await readFile(output, 'utf8').catch(absentIs(''))).trim()
    if (code !== '0') throw new Error(`Cannot ${name} container ${task.id}: ${await wordsOf(`${output}.err`)}`)
  }

  const shimOf = async (id: string): Promise<ProcessIdentity | undefined> => {
    const pid = Number(await readFile(join(bundleOf(id), 'conmon.pid'), 'utf8').catch(absentIs('0')))
    if (!(pid > 0)) return undefined
    const identity = await identify(pid)
    // A later process may have its number; a shim bears the container's id among its words.
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(onErrorCode(['ENOENT', 'ESRCH'], ''))
    return words.split('\0').includes(id) ? identity : undefined
  }

  return {
    bundleOf,
    rootOf,
    specOf: async (id: string): Promise<OciSpec> => JSON.parse(await readFile(join(bundleOf(id), 'config.json'), 'utf8')),
    attachSocket: (id: string) => join(places.sockets, id, 'attach'),

    /** Creates and starts what the bundle's config.json says; fails with StartFailure. */
    async start(task: ShimTask, options: ShimOptions): Promise<ProcessIdentity> {
      const hides = hidesUnified(cgroups, task.runtime)
      await spawner.run({
        kind: 'start',
        namespace: !hides ? 'host' : options.mountsShared ? 'hidden' : 'fresh',
        bundle: bundleOf(task.id),
        args: [
          task.id,
          task.runtime.path,
          rootOf(task.runtime),
          bundleOf(task.id),
          places.exits,
          places.sockets,
          options.logPath ? `k8s-file:${options.logPath}` : 'none',
          '--no-sync-log',
          ...(options.tty ? ['-t'] : []),
          ...(options.stdin ? ['-i'] : []),
          ...(options.stdin && !options.stdinOnce ? ['--leave-stdin-open'] : []),
        ],
      })
      return resultOf(task.id)
    },

    /** Starts a sandbox's infra container, which has no shim and whose end its pipe tells; fails with StartFailure. */
    async startInfra(task: ShimTask): Promise<ProcessIdentity> {
      const bundle = bundleOf(task.id)
      await mkfifo(lifePipe(bundle), 0o600)
      await spawner.run({
        kind: 'infra',
        namespace: hidesUnified(cgroups, task.runtime) ? 'hidden' : 'host',
        bundle,
        args: [task.id, task.runtime.path, rootOf(task.runtime), bundle],
      })
      return resultOf(task.id)
    },

    /** Only after the earlier engine's shells have ended: until then one may still begin. */
    async earlierStart(id: string): Promise<EarlierStart> {
      const bundle = bundleOf(id)
      const file = join(bundle, 'job')
      const [text, status] = await Promise.all([readFile(file, 'utf8').catch(absentIs(undefined)), stat(file).catch(absentIs(undefined))])
      if (text === undefined || !status) return { state: 'never begun' }
      const job = parseProcessStat(text)
      if (!job && clock.now() - status.mtimeMs < firstWordsMs) return { state: 'under way' }
      // Looked at before the result, which a job that has ended has written.
      const underWay = await isAlive(job)
      const result = await readFile(join(bundle, 'result'), 'utf8').catch(absentIs(''))
      if (result.split('\n').length < 3)
        return underWay ? { state: 'under way' } : { state: 'failed', error: new StartFailure('the start was interrupted') }
      try {
        return { state: 'started', process: await resultOf(id) }
      } catch (error) {
        if (error instanceof StartFailure) return { state: 'failed', error }
        throw error
      }
    },

    /** Kills what is left of the container and takes its traces from runtime and kernel, without asking the runtime. Idempotent. */
    async delete(task: ShimTask): Promise<void> {
      await killCgroup(cgroups, task.cgroupsPath)
      await Promise.all([
        removeCgroup(cgroups, task.cgroupsPath),
        rm(join(rootOf(task.runtime), task.id), { recursive: true, force: true }),
        rm(join(places.sockets, task.id), { force: true }),
      ])
    },

    async update(task: ShimTask, resources: object): Promise<void> {
      const file = join(bundleOf(task.id), 'resources.json')
      await writeFile(file, JSON.stringify(resources), { mode: 0o600 })
      await runtimeJob(task, 'update', ['update', '--resources', file, task.id])
    },

    /** The command that runs a process in the container, where the machine allows it: beside the container's shim. */
    async execCommand(task: ShimTask, args: readonly string[]): Promise<readonly string[]> {
      const command = [task.runtime.path, `--root=${rootOf(task.runtime)}`, 'exec', ...args]
      if (!hidesUnified(cgroups, task.runtime)) return command
      const shim = await shimOf(task.id)
      return shim ? ['nsenter', `--mount=/proc/${shim.pid}/ns/mnt`, '--', ...command] : [...hideUnifiedPrefix, ...command]
    },

    shimOf,
    resize: (id: string, rows: number, columns: number) => tell(join(bundleOf(id), 'ctl'), `1 ${rows} ${columns}\n`),
    reopenLog: (id: string) => tell(join(bundleOf(id), 'ctl'), '2 0 0\n'),
  }
}

/** How long a job may take to say which process it is; one that has not was killed before. */
const firstWordsMs = 5000

/** The start of a process that was gone before it was looked at: no process has it. */
const endedAlready = -1

export const hidesUnified = (cgroups: Cgroups, runtime: OciRuntime): boolean => cgroups.mode === 'hybrid' && runtime.refusesHybrid

/** Without a reader the open fails (ENXIO): the shim is gone. */
async function tell(fifo: string, message: string): Promise<void> {
  const file = await open(fifo, 0o4001 /* O_WRONLY | O_NONBLOCK */)
  try {
    await file.write(message)
  } finally {
    await file.close()
  }
}

async function firstWords(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const words = await wordsOf(file)
    if (words !== '') return words
  }
  return ''
}

async function wordsOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(absentIs(''))).trim().slice(0, 4000)
}

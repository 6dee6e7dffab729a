import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { assert } from '../base/assert.ts'
import { searchPath } from '../base/find-program.ts'
import type { Log } from '../base/log.ts'
import { identify } from './process-identity.ts'

/**
 * Starts shims and runs the runtime through long-lived shells, because each spawn from Node blocks its loop for a
 * millisecond. A shell sits in the shims' cgroup, which its children inherit; jobs run side by side and end with a line
 * that names them. The shell ends with this process, its jobs do not: what they found out is in the bundle's files. A dead
 * shell is replaced at the next job.
 */
export interface Spawner {
  /** Resolves when the job has ended, whatever came of it. */
  run(job: Job): Promise<void>
  close(): void
}

/**
 * Where a job's processes see mounts. Some runtimes refuse to run where an empty v2 hierarchy stands beside v1
 * controllers, and see none in a mount namespace of their own:
 *   host    the engine's own
 *   hidden  one for all jobs of a shell, born with the shell: of later mounts it sees those below shared directories
 *   fresh   one for this job alone, made some milliseconds later than now; mounts inside reach the host if they are shared
 */
export type JobNamespace = 'host' | 'hidden' | 'fresh'

/** No word may hold a newline. */
export type Job =
  | { readonly kind: 'start'; readonly namespace: JobNamespace; readonly bundle: string; readonly args: readonly string[] }
  | {
      readonly kind: 'infra'
      readonly namespace: Exclude<JobNamespace, 'fresh'>
      readonly bundle: string
      readonly args: readonly string[]
    }
  | { readonly kind: 'runtime'; readonly namespace: Exclude<JobNamespace, 'fresh'>; readonly args: readonly string[] }

/**
 * What jobs call, in the shell's own words. Forks cost more than all else here, so that there are two for a start: one
 * becomes the shim, which forks away once it runs; the other waits for the line it writes when the container is created.
 * What came of it is one file of two lines: the shim's answer and the exit code of "start".
 */
const functions = `
start() {
id=$1 runtime=$2 root=$3 bundle=$4 exits=$5 sockets=$6 log=$7; shift 7
cd "$bundle" || exit
exec conmon --api-version 1 -c "$id" -u "$id" -n "$id" -r "$runtime" --runtime-arg --root="$root" -b "$bundle" \\
  -p "$bundle/pid" -P "$bundle/conmon.pid" --exit-dir "$exits" --socket-dir-path "$sockets" -l "$log" "$@" \\
  3>&1 >/dev/null 2>conmon.err </dev/null
}
finish() {
id=$1 runtime=$2 root=$3 bundle=$4
cd "$bundle" || exit
read -r stat </proc/self/stat
echo "$stat" >job
read -r line
code=1
case $line in
*'"data": -1'*|'') ;;
*) "$runtime" --root="$root" start "$id" >/dev/null 2>start.err; code=$? ;;
esac
printf '%s\\n%s\\n' "$line" "$code" >result
}
# An infra container has no input, output or terminal that a shim would have to hold: its output is the pipe that ends with
# it. The result is written as that of a start.
infra() {
id=$1 runtime=$2 root=$3 bundle=$4
cd "$bundle" || exit
read -r stat </proc/self/stat
echo "$stat" >job
"$runtime" --root="$root" run --detach --bundle "$bundle" --pid-file "$bundle/pid" "$id" 1<>life 2>start.err </dev/null
code=$? pid=-1
[ $code -ne 0 ] || read -r pid <pid
printf '{"data": %s}\\n%s\\n' "$pid" "$code" >result
}
# Runs the runtime with its words and exit code in files named after the second argument.
runtime() {
runtime=$1 output=$2; shift 2
"$runtime" "$@" >/dev/null 2>"$output.err"
echo $? >"$output"
}`

/**
 * Covers the v2 hierarchy, since crun refuses to work where there is one, by one of the others: crun makes its cgroups in
 * whatever it finds there, so that they are the same ones, which are removed in the end.
 */
const hide = 'mount --bind /sys/fs/cgroup/pids /sys/fs/cgroup/unified || exit'

/** For a single command, whose mounts reach the host where they are shared. */
const hideForOne = `mount --make-private /sys/fs/cgroup/unified && ${hide}`

/** Makes a private mount namespace without the v2 hierarchy and executes a command in it. */
export const hideUnifiedPrefix = ['unshare', '-m', '--propagation', 'unchanged', 'sh', '-c', `${hideForOne}; exec "$@"`, 'sh'] as const

/** Before anything is hidden: a shell's cgroups are all of the shims', so that whatever supervises the engine has no part in them. */
const joinCgroups = 'functions=$1; shift; for directory in "$@"; do echo 0 >"$directory/cgroup.procs"; done'

/** "jobs" collects those that have ended. */
const mainScript = `eval "$functions"
started() { number=$1; shift; finish "$@"; echo $number; }
ran() { number=$1; shift; runtime "$@"; echo $number; }
paused() { number=$1; shift; infra "$@"; echo $number; }
fresh() { number=$1; shift; unshare -m --propagation unchanged sh -c '${hideForOne}; eval "$1"; shift; start "$@" | finish "$@"' sh "$functions" "$@"; echo $number; }
export _OCI_SYNCPIPE=3
while IFS= read -r line; do eval "$line"; jobs >/dev/null; done`

type ShellKind = Exclude<JobNamespace, 'fresh'>

interface Shell {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly pending: Map<string, { resolve(): void; reject(error: Error): void }>
}

export interface SpawnerOptions {
  /** Of the shims' cgroup, in every hierarchy. */
  readonly cgroupDirectories: readonly string[]
  /** Where a shell's pid and start are written, so that the next engine can wait for the shell's end. */
  readonly identityFile: (kind: ShellKind) => string
  readonly log: Log
}

export function createSpawner({ cgroupDirectories, identityFile, log }: SpawnerOptions): Spawner {
  const shells = new Map<ShellKind, Promise<Shell>>()
  let sequence = 0
  let closed = false

  const begin = async (kind: ShellKind): Promise<Shell> => {
    const script = [joinCgroups, ...(kind === 'hidden' ? [hide] : []), mainScript].join('\n')
    const command = ['/bin/sh', '-c', script, 'sh']
    const words = kind === 'hidden' ? ['unshare', '-m', '--propagation', 'slave', ...command] : command
    const [program = '', ...args] = [...words, functions, ...cgroupDirectories]
    // Its own session: a signal to the terminal's group is not for the shims.
    const started = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      env: { PATH: searchPath },
    })
    const pending: Shell['pending'] = new Map()
    createInterface({ input: started.stdout }).on('line', (line) => {
      pending.get(line)?.resolve()
      pending.delete(line)
      // An empty job, so that it is collected when none follows.
      if (pending.size === 0 && !closed) started.stdin.write('\n')
    })
    createInterface({ input: started.stderr }).on('line', (line) => log.warn('A spawner says', { line }))
    started.stdin.on('error', (error) => log.warn('A spawner does not listen', { error }))
    let end: Error | undefined
    const gone = (error: Error) => {
      end = error
      shells.delete(kind)
      for (const job of pending.values()) job.reject(error)
      pending.clear()
      if (!closed) log.error('A spawner ended', { error })
    }
    started.on('error', gone)
    started.on('exit', (code, signal) => gone(new Error(`Cannot start containers: the spawner ended (${signal ?? code})`)))
    try {
      const identity = started.pid === undefined ? undefined : await identify(started.pid)
      if (identity) await writeFile(identityFile(kind), JSON.stringify(identity))
    } catch (error) {
      // The next job tries another one.
      started.stdin.end()
      shells.delete(kind)
      throw error
    }
    if (end) throw end
    return { process: started, pending }
  }

  const shellOf = (kind: ShellKind): Promise<Shell> => {
    const shell = shells.get(kind) ?? begin(kind)
    shells.set(kind, shell)
    return shell
  }

  return {
    async run(job) {
      if (closed) throw new Error('Cannot start containers: the engine is closed')
      const shell = await shellOf(job.namespace === 'hidden' ? 'hidden' : 'host')
      const number = String(++sequence)
      await new Promise<void>((resolve, reject) => {
        shell.pending.set(number, { resolve, reject })
        shell.process.stdin.write(`${lineOf(job, number)}\n`)
      })
    },
    close() {
      closed = true
      for (const shell of shells.values()) shell.then(({ process }) => process.stdin.end()).catch(() => {})
    },
  }
}

/** That a start begins is on disk before its processes are: the file `job`, which then tells which one finishes it. */
function lineOf(job: Job, number: string): string {
  const args = job.args.map(quoted).join(' ')
  switch (job.kind) {
    case 'start': {
      const begun = `: >${quoted(`${job.bundle}/job`)}`
      return job.namespace === 'fresh' ? `${begun}; fresh ${number} ${args} &` : `${begun}; start ${args} | started ${number} ${args} &`
    }
    case 'infra':
      return `: >${quoted(`${job.bundle}/job`)}; paused ${number} ${args} &`
    case 'runtime':
      return `ran ${number} ${args} &`
  }
}

/** Newlines end a job's line. */
function quoted(word: string): string {
  assert(!word.includes('\n'), 'the words of a job have no newlines')
  return `'${word.replaceAll("'", "'\\''")}'`
}

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { type CliContext, CliError } from './context.ts'

export const processNames = ['server', 'agent'] as const
export type ProcessName = (typeof processNames)[number]

/** The processes that a cluster runs. */
export const processesOf = ({ apiOnly }: Cluster): readonly ProcessName[] => (apiOnly ? ['server'] : processNames)

/**
 * Buffers live in glibc's heap, and a page fault costs a virtual machine as much as encoding an object: huge pages, where
 * the kernel gives them to who asks, leave a tenth of the faults of a list and two thirds of those of a create.
 */
const memorySettings = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }

/**
 * Starts a process under the machine's supervisor, unless it runs. `ready` fails when it takes longer than `deadlineMs`, and
 * when it ends, which stops it: it would only end again.
 */
export async function ensureProcess(context: CliContext, which: ProcessName): Promise<{ ready(deadlineMs: number): Promise<void> }> {
  const { supervisor, places, nodePath, bundle, name, processEnvironment } = context
  mkdirSync(places.run, { recursive: true, mode: 0o711 })
  mkdirSync(places.logs, { recursive: true })
  const [readyFile, endFile, logFile] = [places.readyFile(which), places.endFile(which), logOf(context, which)]
  const logStart = existsSync(logFile) ? statSync(logFile).size : 0
  const { kind } = await supervisor.state(which)
  if (kind === 'restarting') await supervisor.stop(which)
  rmSync(endFile, { force: true })
  if (kind !== 'running') {
    rmSync(readyFile, { force: true })
    await supervisor.start({
      name: which,
      command: [nodePath, '--max-semi-space-size=16', join(bundle, `${which}.js`), name],
      environment: { ...memorySettings, ...processEnvironment },
      logFile,
      endFile,
    })
  }
  return { ready: (deadlineMs) => untilReady(context, which, logStart, deadlineMs) }
}

/** The process writes one file once it answers, its supervisor another when it ended before. */
function untilReady(context: CliContext, which: ProcessName, logStart: number, deadlineMs: number): Promise<void> {
  const { places, clock, supervisor } = context
  const where = `see ${logOf(context, which)}`
  return new Promise((resolve, reject) => {
    const watcher = watch(places.run, () => look())
    const finish = (settle: () => void) => {
      watcher.close()
      cancel()
      settle()
    }
    const cancel = clock.after(deadlineMs, () =>
      finish(() => reject(new CliError(`The ${which} is not ready after ${deadlineMs / 1000} s; ${where}`))),
    )
    const look = () => {
      if (existsSync(places.readyFile(which))) finish(resolve)
      else if (existsSync(places.endFile(which))) {
        const words =
          lastError(logAfter(logOf(context, which), logStart)) ?? `it ended with ${readFileSync(places.endFile(which), 'utf8').trim()}`
        const error = new CliError(`The ${which} cannot start: ${words}; ${where}`)
        finish(() => void supervisor.stop(which).then(() => reject(error), reject))
      }
    }
    watcher.on('error', (error) => finish(() => reject(error)))
    look()
  })
}

const logOf = ({ places }: CliContext, which: ProcessName) => join(places.logs, `${which}.log`)

/** What was written since; a log that was moved aside meanwhile is new from its beginning. */
function logAfter(file: string, start: number): string {
  const bytes = readFileSync(file)
  return bytes.subarray(bytes.length < start ? 0 : start).toString()
}

/** The last error that a log tells of: one of its JSON lines, or how Node names what nobody caught. */
export function lastError(log: string): string | undefined {
  const errors = log.split('\n').flatMap((line) => {
    if (/^\w*Error\b.*: /.test(line)) return [line.replace(/^(\w*Error)( \[\w+\])?: /, '')]
    // A line may have been cut off by the end.
    if (!/^\{"level":"(error|fatal)".*\}$/.test(line)) return []
    const { msg, error } = JSON.parse(line) as { msg?: string; error?: { message?: string } }
    return [[msg, error?.message].filter(Boolean).join(': ')]
  })
  return errors.at(-1)
}

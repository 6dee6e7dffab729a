import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, watch } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import { hasErrorCode } from '../base/error-code.ts'
import type { Cluster } from './cluster.ts'
import { type CliContext, CliError } from './context.ts'

export const processNames = ['server', 'agent'] as const
export type ProcessName = (typeof processNames)[number]

/** The processes that a cluster runs. */
export const processesOf = ({ apiOnly }: Cluster): readonly ProcessName[] => (apiOnly ? ['server'] : processNames)

/** Starts a process under its supervisor (scripts/supervise.sh), apart from the caller's session. */
export function startProcess({ places, nodePath, bundle, home, name }: CliContext, which: ProcessName): void {
  mkdirSync(places.run, { recursive: true, mode: 0o711 })
  mkdirSync(places.logs, { recursive: true })
  rmSync(places.readyFile(which), { force: true })
  const logFile = join(places.logs, `${which}.log`)
  const log = openSync(logFile, 'a')
  const child = spawn(
    'sh',
    [
      join(home, 'scripts/supervise.sh'),
      pidFile(places.run, which),
      logFile,
      nodePath,
      '--max-semi-space-size=16',
      join(bundle, `${which}.js`),
      name,
    ],
    { detached: true, stdio: ['ignore', log, log], cwd: '/' },
  )
  child.unref()
}

/** Resolves when the process has said that it is ready; fails after `deadlineMs` with where to look. */
export function untilReady({ places, clock }: CliContext, which: ProcessName, deadlineMs: number): Promise<void> {
  const file = places.readyFile(which)
  return new Promise((resolve, reject) => {
    const watcher = watch(places.run, (_, name) => {
      if (name === basename(file)) look()
    })
    const cancel = clock.after(deadlineMs, () => {
      watcher.close()
      reject(new CliError(`The ${which} is not ready after ${deadlineMs / 1000} s; see ${join(places.logs, `${which}.log`)}`))
    })
    const look = () => {
      if (!existsSync(file)) return
      cancel()
      watcher.close()
      resolve()
    }
    look()
  })
}

/** The pid of the supervisor, when it runs. */
export function supervisorPid(run: string, which: ProcessName): number | undefined {
  return livePid(pidFile(run, which), /supervise\.sh/)
}

/** The pid of the process itself, when it runs. */
export function processPid(run: string, which: ProcessName): number | undefined {
  return livePid(`${pidFile(run, which)}.child`, new RegExp(`${which}\\.js`))
}

/** Ends a process and its supervisor, and waits until both are gone. */
export async function stopProcess(run: string, which: ProcessName, clock: Clock): Promise<void> {
  const pids = [supervisorPid(run, which), processPid(run, which)].filter((pid) => pid !== undefined)
  for (const pid of pids) signal(pid, 'SIGTERM')
  const deadlineMs = clock.now() + 15_000
  // Neither is a child of this process: nothing tells when they end.
  while (pids.some(isAlive)) {
    if (clock.now() > deadlineMs) for (const pid of pids) signal(pid, 'SIGKILL')
    await sleep(clock, 20)
  }
  rmSync(pidFile(run, which), { force: true })
  rmSync(`${pidFile(run, which)}.child`, { force: true })
}

const pidFile = (run: string, which: ProcessName) => join(run, `${which}.pid`)

/** A pid file that outlived its process may name somebody else's: the command line tells. */
function livePid(file: string, command: RegExp): number | undefined {
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8').trim())
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  try {
    return command.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readStat(pid))
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return '0 () Z'
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended by itself meanwhile.
    if (!hasErrorCode(error, 'ESRCH')) throw error
  }
}

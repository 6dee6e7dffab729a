import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import type { CliContext } from './context.ts'

export const processNames = ['server'] as const
export type ProcessName = (typeof processNames)[number]

/** Starts a process under its supervisor (scripts/supervise.sh), apart from the caller's session. */
export function startProcess({ places, nodePath, bundle, home, name }: CliContext, which: ProcessName): void {
  mkdirSync(places.run, { recursive: true, mode: 0o700 })
  mkdirSync(places.logs, { recursive: true })
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

/** The pid of the supervisor, when it runs. */
export function supervisorPid(run: string, which: ProcessName): number | undefined {
  return livePid(pidFile(run, which))
}

/** The pid of the process itself, when it runs. */
export function processPid(run: string, which: ProcessName): number | undefined {
  return livePid(`${pidFile(run, which)}.child`)
}

/** Ends a process and its supervisor, and waits until both are gone. */
export async function stopProcess(run: string, which: ProcessName, clock: Clock): Promise<void> {
  const pids = [supervisorPid(run, which), processPid(run, which)].filter((pid) => pid !== undefined)
  for (const pid of pids) signal(pid, 'SIGTERM')
  const deadlineMs = clock.now() + 15_000
  while (pids.some(isAlive)) {
    if (clock.now() > deadlineMs) for (const pid of pids) signal(pid, 'SIGKILL')
    await sleep(clock, 20)
  }
  rmSync(pidFile(run, which), { force: true })
  rmSync(`${pidFile(run, which)}.child`, { force: true })
}

const pidFile = (run: string, which: ProcessName) => join(run, `${which}.pid`)

/** A pid file that outlived its process may name somebody else's: the command line tells. */
function livePid(file: string): number | undefined {
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8').trim())
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return /supervise\.sh|server\.js/.test(command) ? pid : undefined
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
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

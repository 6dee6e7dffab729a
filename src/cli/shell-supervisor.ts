import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import { isAlive, type ProcessIdentity, parseProcessStat, signalProcess } from '../engine/process-identity.ts'
import type { Supervisor } from './supervisor.ts'

const patienceMs = 15_000

/** Supervision by a shell that waits for the process (scripts/supervise.sh), where nothing else on the machine does it. */
export function shellSupervisor({ run, scripts, clock }: { run: string; scripts: string; clock: Clock }): Supervisor {
  const loopFile = (name: string) => join(run, `${name}.pid`)
  const childFile = (name: string) => join(run, `${name}.pid.child`)
  const loopOf = (name: string) => liveIn(loopFile(name))
  const childOf = (name: string) => liveIn(childFile(name))

  const stop = async (name: string) => {
    const processes = (await Promise.all([loopOf(name), childOf(name)])).filter((process) => process !== undefined)
    for (const process of processes) await signalProcess(process, 'SIGTERM')
    const deadlineMs = clock.now() + patienceMs
    // Neither is a child of this process: nothing tells when they end.
    while ((await Promise.all(processes.map(isAlive))).includes(true)) {
      if (clock.now() > deadlineMs) for (const process of processes) await signalProcess(process, 'SIGKILL')
      await sleep(clock, 20)
    }
    for (const file of [loopFile(name), childFile(name)]) await rm(file, { force: true })
  }

  return {
    description: 'a shell that starts again what ends',
    async start({ name, command, environment, logFile, endFile }) {
      // A process whose shell was killed would be in the new one's way.
      await stop(name)
      mkdirSync(run, { recursive: true, mode: 0o711 })
      const log = openSync(logFile, 'a')
      const words = [join(scripts, 'supervise.sh'), loopFile(name), logFile, endFile, ...command]
      const shell = spawn('/bin/sh', words, { detached: true, stdio: ['ignore', log, log, 'pipe'], cwd: '/', env: environment })
      closeSync(log)
      // It closes the pipe once it has written who it and the process are.
      const begun = shell.stdio[3]
      begun?.on('data', () => {})
      await Promise.all([once(shell, 'spawn'), begun && once(begun, 'close')])
      shell.unref()
    },
    stop,
    async state(name) {
      const [loop, child] = await Promise.all([loopOf(name), childOf(name)])
      if (!loop) return { kind: 'stopped' }
      return child ? { kind: 'running', pid: child.pid } : { kind: 'restarting' }
    },
  }
}

/** The process whose line of /proc/PID/stat stands in the file, if it still lives: a later one with its number is another. */
async function liveIn(file: string): Promise<ProcessIdentity | undefined> {
  const process = parseProcessStat((await readFile(file, 'utf8').catch(onErrorCode(['ENOENT'], ''))).trim())
  return (await isAlive(process)) ? process : undefined
}

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CriError } from '../cri/cri-error.ts'
import { execProcess } from './oci-spec.ts'
import { containerTask, type EngineParts } from './parts.ts'
import { identify, type ProcessIdentity, signalProcess } from './process-identity.ts'
import type { ContainerRecord } from './records.ts'
import { absentIs } from './state-files.ts'

/** A further process for a running container, ready to be started by executing `command`. */
export interface PreparedExec {
  readonly command: readonly string[]
  /** Whether the process came to be: the runtime writes its number only then. Until `cleanUp`. */
  process(): Promise<ProcessIdentity | undefined>
  /** Ends the process in the container; the runtime that waits for it then ends too. */
  kill(): Promise<void>
  cleanUp(): Promise<void>
}

export function runningContainer(parts: EngineParts, id: string | undefined): ContainerRecord {
  const record = parts.containers.find(id)
  if (record.phase !== 'running') throw new CriError('FAILED_PRECONDITION', `container ${record.id} is not running`)
  return record
}

export async function prepareExec(
  parts: EngineParts,
  record: ContainerRecord,
  args: readonly string[],
  terminal: boolean,
): Promise<PreparedExec> {
  if (args.length === 0) throw new CriError('INVALID_ARGUMENT', 'no command specified')
  const directory = join(parts.shims.bundleOf(record.id), 'execs', parts.random.uuid())
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const specFile = join(directory, 'process.json')
  const pidFile = join(directory, 'pid')
  await writeFile(specFile, JSON.stringify(execProcess(await parts.shims.specOf(record.id), args, terminal)), { mode: 0o600 })
  const command = await parts.shims.execCommand(containerTask(parts, record), ['--process', specFile, '--pid-file', pidFile, record.id])
  let known: ProcessIdentity | undefined
  const process = async () => {
    const pid = Number(await readFile(pidFile, 'utf8').catch(absentIs('')))
    known ??= pid > 0 ? ((await identify(pid)) ?? { pid, startTicks: -1 }) : undefined
    return known
  }
  return {
    command,
    process,
    async kill() {
      const target = await process()
      if (target) await signalProcess(target, 'SIGKILL')
    },
    cleanUp: () => rm(directory, { recursive: true, force: true }),
  }
}

/** In containerd's words, which clients look for. */
export function execStartError(words: string): CriError {
  return new CriError(
    'UNKNOWN',
    `failed to exec in container: failed to start exec: OCI runtime exec failed: ${words.trim() || 'the runtime gave no reason'}`,
  )
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { CriError } from '../cri/cri-error.ts'
import type { ExecSyncResponse } from '../cri/types.ts'
import { execStartError, prepareExec, runningContainer } from './exec.ts'
import type { EngineParts } from './parts.ts'

/** Per stream, as containerd and CRI-O bound it; what comes after is read and dropped. */
const maxOutputBytes = 16 * 1024 * 1024

/** Runs a command in a container to its end. `timeoutMs` 0 waits for ever. */
export async function execSync(
  parts: EngineParts,
  containerId: string | undefined,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ExecSyncResponse> {
  signal?.throwIfAborted()
  const record = runningContainer(parts, containerId)
  const exec = await prepareExec(parts, record, args, false)
  const [program = '', ...words] = exec.command
  let overdue = false
  let stopping: Promise<void> | undefined
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' })
  const stop = () => {
    stopping ??= exec
      .kill()
      .catch((error: unknown) => parts.log.warn('An exec could not be killed', { containerId: record.id, error }))
      .then(() => {
        // The runtime itself may hang before the process exists, and what the command left behind may hold its output.
        child.kill('SIGKILL')
        child.stdout.destroy()
        child.stderr.destroy()
      })
  }
  const cancel =
    timeoutMs > 0
      ? parts.clock.after(timeoutMs, () => {
          overdue = true
          stop()
        })
      : () => {}
  signal?.addEventListener('abort', stop, { once: true })
  // While the command was prepared.
  if (signal?.aborted) stop()
  try {
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'exit') as Promise<[number | null]>,
      collect(child.stdout),
      collect(child.stderr),
    ])
    if (overdue) throw new CriError('DEADLINE_EXCEEDED', `command ${JSON.stringify(args.join(' '))} timed out`)
    signal?.throwIfAborted()
    if (!(await exec.process())) throw execStartError(stderr.toString())
    return { stdout, stderr, exitCode: code ?? 255 }
  } finally {
    cancel()
    signal?.removeEventListener('abort', stop)
    await stopping
    await exec.cleanUp()
  }
}

/** To the stream's end, which may come after that of the command: what it started holds the stream too. */
async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size >= maxOutputBytes) return
    chunks.push(chunk.subarray(0, maxOutputBytes - size))
    size += chunk.length
  })
  await new Promise<void>((resolve, reject) => {
    stream.once('close', resolve)
    stream.once('error', reject)
  })
  return Buffer.concat(chunks)
}

import { CriError } from '../../cri/cri-error.ts'
import type { RuntimeService } from '../../cri/types.ts'
import { type CheckResult, failure, maxOutputLength, success } from './check.ts'

/** A command inside the container that must end with 0 in time. */
export async function checkExec(
  runtime: RuntimeService,
  containerId: string,
  cmd: readonly string[],
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<CheckResult> {
  try {
    const { exitCode = 0, stdout, stderr } = await runtime.execSync({ containerId, cmd, timeout: timeoutSeconds }, signal)
    if (exitCode === 0) return success
    return failure(
      Buffer.concat([stdout ?? new Uint8Array(), stderr ?? new Uint8Array()])
        .subarray(0, maxOutputLength)
        .toString(),
    )
  } catch (error) {
    if (signal.aborted) return { type: 'unknown', message: 'aborted' }
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof CriError && error.code === 'DEADLINE_EXCEEDED') return failure(`command timed out: ${message}`)
    return { type: 'unknown', message }
  }
}

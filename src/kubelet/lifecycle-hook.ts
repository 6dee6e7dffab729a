import type { Container, LifecycleHandler } from '../api/types/core-v1.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { RuntimeService } from '../cri/types.ts'
import { type CheckResult, failure, success } from './checks/check.ts'
import { checkExec } from './checks/exec-check.ts'
import { handlerPort } from './checks/handler-port.ts'
import { checkHttp, httpTarget } from './checks/http-check.ts'

interface HookTarget {
  readonly container: Container
  readonly containerId: string
  /** Undefined while the pod has none. */
  readonly podAddress: string | undefined
}

/** Longer than any grace: hooks have no time-out of their own, they end with the signal. */
const hookTimeoutMs = 2_147_483_647

/** Runs a postStart or preStop hook to its end. Over HTTP any answer will do, as upstream has it: that it was asked is what counts. */
export async function runHook(
  { runtime, clock }: { runtime: RuntimeService; clock: Clock },
  { exec, httpGet, sleep: pause }: LifecycleHandler,
  { container, containerId, podAddress }: HookTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  if (exec) return checkExec(runtime, containerId, exec.command ?? [], 0, signal)
  if (httpGet) {
    const address = httpGet.host || podAddress
    if (!address) return failure(`the pod of container ${container.name} has no address`)
    try {
      const target = httpTarget(httpGet, address, handlerPort(httpGet.port, container), 'kube-lifecycle/1.36')
      return await checkHttp(target, hookTimeoutMs, signal, () => true)
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error))
    }
  }
  if (pause) {
    await sleep(clock, pause.seconds * 1000, signal)
    return success
  }
  // The API lets tcpSocket pass, and says that it fails here.
  return failure('invalid handler')
}

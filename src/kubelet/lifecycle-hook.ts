import type { Container, LifecycleHandler } from '../api/types/core-v1.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { RuntimeService } from '../cri/types.ts'
import { type CheckResult, success } from './checks/check.ts'
import { checkExec } from './checks/exec-check.ts'
import { handlerPort } from './checks/handler-port.ts'
import { checkHttp, httpTarget } from './checks/http-check.ts'
import { checkTcp } from './checks/tcp-check.ts'

interface HookTarget {
  readonly container: Container
  readonly containerId: string
  readonly podAddress: string
}

/** Longer than any grace: hooks have no time-out of their own, they end with the signal. */
const hookTimeoutMs = 2_147_483_647

/** Runs a postStart or preStop hook to its end. */
export async function runHook(
  { runtime, clock }: { runtime: RuntimeService; clock: Clock },
  handler: LifecycleHandler,
  { container, containerId, podAddress }: HookTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  if (handler.exec) return checkExec(runtime, containerId, handler.exec.command ?? [], 0, signal)
  try {
    if (handler.httpGet)
      return await checkHttp(httpTarget(handler.httpGet, podAddress, handlerPort(handler.httpGet.port, container)), hookTimeoutMs, signal)
    if (handler.tcpSocket)
      return await checkTcp(handler.tcpSocket.host || podAddress, handlerPort(handler.tcpSocket.port, container), hookTimeoutMs, signal)
  } catch (error) {
    return { type: 'failure', message: error instanceof Error ? error.message : String(error) }
  }
  if (handler.sleep) await sleep(clock, handler.sleep.seconds * 1000, signal)
  return success
}

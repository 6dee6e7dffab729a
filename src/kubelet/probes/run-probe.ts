import type { Container, Probe } from '../../api/types/core-v1.ts'
import type { RuntimeService } from '../../cri/types.ts'
import type { CheckResult } from '../checks/check.ts'
import { checkExec } from '../checks/exec-check.ts'
import { checkGrpc } from '../checks/grpc-check.ts'
import { handlerPort } from '../checks/handler-port.ts'
import { checkHttp, httpTarget } from '../checks/http-check.ts'
import { checkTcp } from '../checks/tcp-check.ts'

export interface ProbeTarget {
  readonly container: Container
  readonly containerId: string
  /** Undefined while the pod has none. */
  readonly podAddress: string | undefined
}

/** One look by a probe's handler. */
export async function runProbe(runtime: RuntimeService, probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<CheckResult> {
  const { container, containerId, podAddress } = target
  const seconds = probe.timeoutSeconds ?? 1
  const { exec, httpGet, tcpSocket, grpc } = probe
  const addressFor = (host?: string) => {
    const found = host || podAddress
    if (!found) throw new Error(`the pod of container ${container.name} has no address`)
    return found
  }
  try {
    if (exec) return await checkExec(runtime, containerId, exec.command ?? [], seconds, signal)
    if (httpGet)
      return await checkHttp(httpTarget(httpGet, addressFor(httpGet.host), handlerPort(httpGet.port, container)), seconds * 1000, signal)
    if (tcpSocket) return await checkTcp(addressFor(tcpSocket.host), handlerPort(tcpSocket.port, container), seconds * 1000, signal)
    if (grpc) return await checkGrpc(addressFor(), grpc.port, grpc.service ?? '', seconds * 1000, signal)
    return { type: 'unknown', message: `missing probe handler for container ${container.name}` }
  } catch (error) {
    return { type: 'unknown', message: error instanceof Error ? error.message : String(error) }
  }
}

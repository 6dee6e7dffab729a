import { connect } from 'node:net'
import { type CheckResult, failure, success } from './check.ts'

/** Whether somebody accepts connections there. */
export function checkTcp(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const socket = connect({ host, port })
    const finish = (result: CheckResult) => {
      timeout.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(result)
    }
    const onAbort = () =>
      finish(signal.aborted ? { type: 'unknown', message: 'aborted' } : failure(`dial tcp ${host}:${port}: i/o timeout`))
    socket.on('connect', () => finish(success))
    socket.on('error', (error) => finish(failure(`dial tcp ${host}:${port}: ${error.message}`)))
    timeout.addEventListener('abort', onAbort, { once: true })
    if (timeout.aborted) onAbort()
  })
}

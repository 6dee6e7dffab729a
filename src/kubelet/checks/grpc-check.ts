import { connect, constants } from 'node:http2'
import { type CheckResult, failure, success } from './check.ts'

/** A frame's head, the field's tag and its value. */
const verdictBytes = 7

/** grpc.health.v1.Health/Check, spoken without a generated client: a request of one string, an answer of one enum. */
export function checkGrpc(host: string, port: number, service: string, timeoutMs: number, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const session = connect(`http://${address}`)
    const finish = (result: CheckResult) => {
      timeout.removeEventListener('abort', onAbort)
      session.destroy()
      resolve(result)
    }
    const onAbort = () =>
      finish(
        signal.aborted
          ? { type: 'unknown', message: 'aborted' }
          : failure(`timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`),
      )
    timeout.addEventListener('abort', onAbort, { once: true })
    if (timeout.aborted) return onAbort()
    session.on('error', (error) => finish(failure(`error: ${error.message}`)))
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.36',
    })
    let answer = Buffer.alloc(0)
    let code: number | undefined
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] !== undefined) code = Number(headers['grpc-status'])
    }
    stream.on('response', note)
    stream.on('trailers', note)
    // What comes after the verdict is let go: a container may send without end.
    stream.on('data', (chunk: Buffer) => {
      if (answer.length < verdictBytes) answer = Buffer.concat([answer, chunk.subarray(0, verdictBytes)])
    })
    stream.on('error', (error) => finish(failure(`error: ${error.message}`)))
    stream.on('end', () => finish(verdict(code, answer, service)))
    stream.end(frame(service))
  })
}

/** A gRPC frame (5 bytes of head) around HealthCheckRequest{ service = 1 }. */
function frame(service: string): Buffer {
  const name = Buffer.from(service)
  const length: number[] = []
  for (let rest = name.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const codeUnimplemented = 12

/** HealthCheckResponse{ status = 1 }: the field's tag, then one small number. */
function verdict(code: number | undefined, body: Buffer, service: string): CheckResult {
  if (code === codeUnimplemented) {
    return failure('error: this server does not implement the grpc health protocol (grpc.health.v1.Health)')
  }
  if (code !== 0) return failure(`error: health rpc probe failed: the server answered with code ${code ?? 'none'}`)
  const status = body[5] === 0x08 ? (body[6] ?? 0) : 0
  if (status === 1) return success
  return failure(`service unhealthy (responded with "${statusNames[status] ?? status}")${service === '' ? '' : ` for ${service}`}`)
}

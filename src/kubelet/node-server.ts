import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { type Clock, sleep } from '../base/clock.ts'
import { hasErrorCode } from '../base/error-code.ts'
import type { Log } from '../base/log.ts'
import { isNotFound } from '../cri/cri-error.ts'
import type { RuntimeService } from '../cri/types.ts'
import { readContainerLog } from './container-log.ts'
import type { KubeletOptions, MachineUsage } from './kubelet-options.ts'
import { logRequest } from './log-request.ts'
import type { NodeAccess, Shown } from './node-access.ts'
import type { PodEntry } from './pod-entry.ts'
import type { PodWorkers } from './pod-workers.ts'
import { latestContainer } from './runtime-pod.ts'
import { coresOf, resourceMetrics, statsSummary } from './stats-summary.ts'

export interface NodeServer {
  /** Resolves with the port. */
  listen(address: string, port: number): Promise<number>
  close(): Promise<void>
}

interface Deps {
  readonly runtime: RuntimeService
  readonly node: KubeletOptions['node']
  readonly machineUsage?: () => Promise<MachineUsage>
  readonly tls: NonNullable<KubeletOptions['tls']>
  /** Who may ask for what. */
  readonly access: NodeAccess
  readonly workers: () => PodWorkers | undefined
  readonly clock: Clock
  readonly log: Log
}

/** An answer that is an error, in words for who asked. */
class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'Refusal'
    this.status = status
  }
}

/** The address may be put on its interface by another part of the same process: it is tried this often, this many times. */
const listenRetryMs = 50
const maxListenTries = 200

/** What the API server asks of a node: logs, exec, attach, port-forward, and what it runs. */
export function createNodeServer({ runtime, node, machineUsage, tls, access, workers, clock, log }: Deps): NodeServer {
  let lastUsage: { readonly atMs: number; readonly cpuNanoseconds: number } | undefined
  const sockets = new Set<Duplex>()
  const stop = new AbortController()
  const server = createServer({
    cert: tls.certificate,
    key: tls.key,
    ca: tls.clientAuthority,
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('request', (request, response) => {
    void answer(request, response).catch((error: unknown) => refuse(response, error))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', (error) => log.debug("A stream of the node's server broke", { error }))
    void relay(request, socket, head).catch((error: unknown) => {
      const { status, message } = statusOf(error)
      socket.end(
        `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Error'}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
      )
    })
  })

  return {
    async listen(address, port) {
      for (let tries = 0; ; tries++) {
        try {
          await new Promise<void>((resolve, reject) => {
            server.once('error', reject)
            server.listen(port, address, () => {
              server.off('error', reject)
              resolve()
            })
          })
          return (server.address() as AddressInfo).port
        } catch (error) {
          const isAbsent = hasErrorCode(error, 'EADDRNOTAVAIL')
          if (!isAbsent || tries >= maxListenTries) throw error
          await sleep(clock, listenRetryMs, stop.signal)
          if (stop.signal.aborted) throw error
        }
      }
    },
    async close() {
      stop.abort()
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await authorize(request)
    const { parts, query } = placeOf(request)
    if (parts[0] === 'healthz') return text(response, 'ok')
    const known = running()
    switch (parts[0]) {
      case 'containerLogs':
        return containerLogs(parts, query, request, response)
      case 'pods': {
        const items = [...known.entries()].filter(({ isInApi }) => isInApi).map(({ pod }) => pod)
        return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items })
      }
      case 'stats':
        if (parts[1] === 'summary') return json(response, await statsSummary(await statsSource(known), node.name))
        break
      case 'metrics':
        if (parts[1] === 'resource') return text(response, await resourceMetrics(await statsSource(known)))
        break
      case 'exec':
      case 'attach':
      case 'portForward':
        throw new Refusal(400, 'Upgrade request required')
    }
    throw new Refusal(404, '404 page not found')
  }

  async function authorize(request: IncomingMessage): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?')
    const verdict = await access(shownBy(request), request.method ?? '', path)
    if (verdict) throw new Refusal(verdict.status, verdict.message)
  }

  async function statsSource(known: PodWorkers) {
    const starts = new Map(
      [...known.entries()].flatMap((entry) => entry.runtime.containers.map(({ id, startedAtMs }) => [id, startedAtMs])),
    )
    const usage = await machineUsage?.()
    const nowMs = clock.now()
    return {
      runtime,
      startedAtMs: (id: string) => starts.get(id),
      nowMs,
      ...(usage && { machine: { ...usage, cores: machineCores(usage, nowMs) } }),
    }
  }

  /** Since it was asked for last, or since the machine was booted. */
  function machineCores({ bootedAtMs, cpuNanoseconds }: MachineUsage, nowMs: number): number {
    const since = lastUsage ?? { atMs: bootedAtMs, cpuNanoseconds: 0 }
    lastUsage = { atMs: nowMs, cpuNanoseconds }
    return coresOf(cpuNanoseconds - since.cpuNanoseconds, nowMs - since.atMs)
  }

  async function containerLogs(
    parts: readonly string[],
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const [, namespace = '', name = '', container = ''] = parts
    const asked = logRequest(findPod(namespace, name), container, query, clock.now())
    if (typeof asked === 'string') throw new Refusal(400, asked)
    const { entry, view, options } = asked
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    request.socket.setNoDelay(true)
    response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' })
    // Who follows wants to know at once that it goes on.
    response.flushHeaders()
    const source = {
      path: view.logPath,
      isRunning: () =>
        workers()
          ?.entry(entry.uid)
          ?.runtime.containers.find(({ id }) => id === view.id)?.state === 'running',
      onChange: (listener: () => void) => running().onTurn(entry.uid, listener),
    }
    const signal = AbortSignal.any([gone.signal, stop.signal])
    try {
      await pipeline(Readable.from(readContainerLog(source, options, signal), { objectMode: true }), response)
    } catch (error) {
      // A reader that leaves ends the pipeline before its time.
      if (!signal.aborted && !response.destroyed) throw error
    }
  }

  async function relay(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    await authorize(request)
    const url = new URL(await streamUrl(request))
    // Who has left meanwhile would not be missed any more.
    if (socket.destroyed) return
    const onward = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) })
    const end = () => {
      onward.destroy()
      socket.destroy()
    }
    onward.once('error', end)
    socket.once('close', () => onward.destroy())
    await new Promise<void>((resolve, reject) => onward.once('connect', resolve).once('error', reject))
    const headers = request.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 && !['host', 'authorization'].includes(name.toLowerCase()) ? [`${name}: ${all[index + 1]}`] : [],
    )
    onward.write(
      `${request.method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`,
    )
    if (head.length > 0) onward.write(head)
    onward.setNoDelay(true)
    socket.pipe(onward)
    onward.pipe(socket)
  }

  async function streamUrl(request: IncomingMessage): Promise<string> {
    const { parts, query } = placeOf(request)
    const [verb, namespace = '', name = '', container = ''] = parts
    const entry = findPod(namespace, name)
    const isSet = (flag: string) => ['1', 'true'].includes(query.get(flag) ?? '')
    const tty = isSet('tty')
    const streams = { tty, stdin: isSet('input'), stdout: isSet('output'), stderr: isSet('error') && !tty }
    const containerId = () => {
      const found = latestContainer(entry.runtime, container)
      if (!found) throw new Refusal(404, `container not found ("${container}")`)
      return found.id
    }
    switch (verb) {
      case 'exec':
        return (await runtime.exec({ containerId: containerId(), cmd: query.getAll('command'), ...streams })).url ?? ''
      case 'attach':
        return (await runtime.attach({ containerId: containerId(), ...streams })).url ?? ''
      case 'portForward': {
        const sandbox = entry.runtime.sandboxes.find(({ isReady }) => isReady)
        if (!sandbox) throw new Refusal(404, `pod ${name} is not running`)
        const port = query
          .getAll('port')
          .flatMap((value) => value.split(','))
          .map(Number)
        return (await runtime.portForward({ podSandboxId: sandbox.id, port })).url ?? ''
      }
      default:
        throw new Refusal(404, '404 page not found')
    }
  }

  function findPod(namespace: string, name: string): PodEntry {
    const found = running().find(namespace, name)
    if (!found) throw new Refusal(404, `pod "${name}" not found`)
    return found
  }

  function running(): PodWorkers {
    const found = workers()
    if (!found) throw new Refusal(503, 'the kubelet is starting')
    return found
  }

  function refuse(response: ServerResponse, error: unknown): void {
    const { status, message } = statusOf(error)
    if (status === 500) log.warn('A request to the node failed', { error })
    if (response.headersSent) return void response.destroy()
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${message}\n`)
  }
}

function statusOf(error: unknown): { status: number; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return { status: error instanceof Refusal ? error.status : isNotFound(error) ? 404 : 500, message }
}

/** Of a certificate that the cluster's authority did not sign nothing counts. */
function shownBy({ socket, headers }: IncomingMessage): Shown {
  const { authorized } = socket as TLSSocket
  const { CN, O } = (authorized ? (socket as TLSSocket).getPeerCertificate().subject : undefined) ?? {}
  // Of several the last counts, as for the API server.
  const commonName = [CN].flat().at(-1)
  const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
  return {
    ...(commonName && { certificate: { commonName, organizations: [O].flat().filter((name) => name !== undefined) } }),
    ...(token !== undefined && { token }),
  }
}

function placeOf({ url = '/' }: IncomingMessage): { parts: readonly string[]; query: URLSearchParams } {
  const [path = '', query = ''] = url.split('?')
  try {
    return { parts: path.split('/').slice(1).map(decodeURIComponent), query: new URLSearchParams(query) }
  } catch (error) {
    if (error instanceof URIError) throw new Refusal(400, 'the path is malformed')
    throw error
  }
}

function text(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'text/plain' }).end(body)
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

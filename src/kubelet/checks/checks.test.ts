import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LifecycleHandler } from '../../api/types/core-v1.ts'
import { systemClock } from '../../base/clock.ts'
import { createFakeRuntime } from '../../cri/fake-runtime.ts'
import { runHook } from '../lifecycle-hook.ts'
import { runProbe } from '../probes/run-probe.ts'
import { checkGrpc } from './grpc-check.ts'
import { handlerPort } from './handler-port.ts'
import { checkHttp, httpTarget } from './http-check.ts'
import { checkTcp } from './tcp-check.ts'

const never = new AbortController().signal
const listen = (server: Server) =>
  new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
const closing: Server[] = []
afterAll(() => {
  for (const server of closing) server.close()
})

describe('over HTTP', () => {
  let port: number
  const seen: Record<string, string | string[] | undefined>[] = []
  beforeAll(async () => {
    const server = createHttpServer((request, response) => {
      seen.push(request.headers)
      if (request.url === '/hang') return
      if (request.url === '/moved') return void response.writeHead(302, { location: '/ok' }).end()
      if (request.url === '/away') return void response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end()
      if (request.url === '/circle') return void response.writeHead(302, { location: '/circle' }).end()
      response.writeHead(request.url === '/ok' ? 200 : 503).end('no')
    })
    closing.push(server)
    port = await listen(server)
  })
  const check = (path: string, timeoutMs = 2_000) =>
    checkHttp(httpTarget({ path, port, httpHeaders: [{ name: 'X-A', value: '1' }] }, '127.0.0.1', port), timeoutMs, never)

  test('an answer decides', async () => {
    expect(await check('/ok')).toEqual({ type: 'success' })
    expect(await check('/bad')).toEqual({ type: 'failure', message: 'HTTP probe failed with statuscode: 503' })
    expect(seen[0]).toMatchObject({ 'x-a': '1', 'user-agent': 'kube-probe/1.36' })
  })

  test('redirects are followed at home, and are success elsewhere', async () => {
    expect(await check('/moved')).toEqual({ type: 'success' })
    expect(await check('/away')).toEqual({ type: 'success' })
    expect(await check('/circle')).toMatchObject({ type: 'failure', message: expect.stringContaining('stopped after 10 redirects') })
  })

  test('a hook wants to be heard, whatever the answer is', async () => {
    const target = { container: { name: 'main' }, containerId: 'c', podAddress: '127.0.0.1' }
    const { runtime } = createFakeRuntime({ clock: systemClock })
    const run = (handler: LifecycleHandler) => runHook({ runtime, clock: systemClock }, handler, target, never)
    expect(await run({ httpGet: { path: '/bad', port } })).toEqual({ type: 'success' })
    expect(seen.at(-1)).toMatchObject({ 'user-agent': 'kube-lifecycle/1.36' })
    expect(await run({ httpGet: { port: 1 } })).toMatchObject({ type: 'failure' })
    expect(await run({ tcpSocket: { port } })).toMatchObject({ type: 'failure', message: 'invalid handler' })
  })

  test('silence is failure, and so is nobody', async () => {
    expect(await check('/hang', 50)).toMatchObject({ type: 'failure', message: expect.stringContaining('context deadline exceeded') })
    const nobody = await checkHttp(httpTarget({ port: 1 }, '127.0.0.1', 1), 1_000, never)
    expect(nobody).toMatchObject({ type: 'failure', message: expect.stringContaining('ECONNREFUSED') })
  })
})

test('a pod without an address is not looked for elsewhere', async () => {
  const { runtime } = createFakeRuntime({ clock: systemClock })
  const target = { container: { name: 'main' }, containerId: 'c', podAddress: undefined }
  for (const probe of [{ httpGet: { port: 80 } }, { tcpSocket: { port: 80 } }, { grpc: { port: 80 } }])
    expect(await runProbe(runtime, probe, target, never)).toEqual({
      type: 'unknown',
      message: 'the pod of container main has no address',
    })
  expect(await runHook({ runtime, clock: systemClock }, { httpGet: { port: 80 } }, target, never)).toMatchObject({ type: 'failure' })
})

test('over TCP a connection decides', async () => {
  const server = createTcpServer((socket) => socket.destroy())
  closing.push(server)
  expect(await checkTcp('127.0.0.1', await listen(server), 1_000, never)).toEqual({ type: 'success' })
  expect(await checkTcp('127.0.0.1', 1, 1_000, never)).toMatchObject({ type: 'failure' })
})

test('over gRPC the health service decides', async () => {
  const states: Record<string, number> = { '': 1, up: 1, down: 2 }
  const server = createHttp2Server()
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const name = Buffer.concat(chunks).subarray(7).toString()
      const state = states[name]
      const isHealth = headers[':path'] === '/grpc.health.v1.Health/Check'
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(!isHealth ? 12 : state === undefined ? 5 : 0) }))
      stream.end(state === undefined ? undefined : Buffer.from([0, 0, 0, 0, 2, 8, state]))
    })
  })
  closing.push(server)
  const port = await listen(server)
  const check = (service: string) => checkGrpc('127.0.0.1', port, service, 2_000, never)
  expect(await check('')).toEqual({ type: 'success' })
  expect(await check('up')).toEqual({ type: 'success' })
  expect(await check('down')).toMatchObject({ type: 'failure', message: expect.stringContaining('NOT_SERVING') })
  expect(await check('unknown')).toMatchObject({ type: 'failure', message: expect.stringContaining('code 5') })
  expect(await checkGrpc('127.0.0.1', 1, '', 500, never)).toMatchObject({ type: 'failure' })
})

test('ports by number and by name', () => {
  const container = { name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }
  expect(handlerPort(80, container)).toBe(80)
  expect(handlerPort('http', container)).toBe(8080)
  expect(() => handlerPort('none', container)).toThrow("couldn't find port: none in container c")
})

import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { RuntimeService } from '../../cri/types.ts'
import type { Engine } from '../engine.ts'
import { type EnginePlace, endOf, newEnginePlace, type Started, startPod } from '../engine-fixture.ts'

const root = process.getuid?.() === 0

/** A client of the channel protocols over WebSocket. */
async function channelClient(url: string | undefined, protocol: string) {
  const socket = new WebSocket((url ?? '').replace('http:', 'ws:'), protocol)
  const channels = new Map<number, string>()
  const waiting = new Set<() => void>()
  const base64 = protocol.includes('base64')
  socket.on('message', (data: Buffer) => {
    const channel = base64 ? Number(String.fromCharCode(data[0] ?? 0)) : (data[0] ?? -1)
    const text = base64 ? Buffer.from(data.subarray(1).toString(), 'base64').toString() : data.subarray(1).toString()
    channels.set(channel, (channels.get(channel) ?? '') + text)
    for (const wake of waiting) wake()
  })
  const closed = once(socket, 'close')
  await once(socket, 'open')
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve)
      })
      waiting.clear()
    }
  }
  return {
    socket,
    closed,
    until,
    of: (channel: number) => channels.get(channel) ?? '',
    send: (channel: number, data: string | Buffer) =>
      socket.send(base64 ? `${channel}${Buffer.from(data).toString('base64')}` : Buffer.concat([Buffer.of(channel), Buffer.from(data)])),
    outcome: async () => {
      await closed
      return JSON.parse(channels.get(3) ?? 'null')
    },
  }
}

/** An upgraded connection, and a client of SPDY/3.1 on it. */
async function spdyClient(url: string | undefined, headers: Record<string, string> = {}) {
  const { hostname, port, pathname } = new URL(url ?? '')
  const socket = connect(Number(port), hostname)
  const lines = Object.entries({ host: hostname, connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
  let head = ''
  for await (const chunk of readUntil(socket, () => head.includes('\r\n\r\n'))) head += chunk
  return { head, socket }
}

async function* readUntil(socket: Socket, done: () => boolean): AsyncGenerator<string> {
  while (!done()) {
    const chunk: Buffer | null = socket.read()
    if (chunk) yield chunk.toString()
    else if (!done()) await once(socket, 'readable')
  }
}

describe.skipIf(!root)(`streams to real containers${root ? '' : ' (skipped: needs root)'}`, { timeout: 60_000 }, () => {
  let place: EnginePlace
  let engine: Engine
  let runtime: RuntimeService
  let pod: Started
  beforeAll(async () => {
    place = newEnginePlace()
    engine = await place.open()
    runtime = engine.runtime
    pod = await startPod(place, runtime, ['sh', '-c', 'nc -lk -p 8080 -e cat & sleep 1000'])
  }, 60_000)
  afterAll(async () => {
    await engine?.close()
    await place?.remove()
  }, 60_000)

  const exec = async (cmd: readonly string[], options: { stdin?: boolean; tty?: boolean } = {}) =>
    (await runtime.exec({ containerId: pod.containerId, cmd, stdout: true, stderr: !options.tty, ...options })).url
  const processes = async () =>
    Buffer.from((await runtime.execSync({ containerId: pod.containerId, cmd: ['ps', '-o', 'args'] })).stdout ?? []).toString()
  const execDirectories = () => readdirSync(join(place.options.places.state, 'bundles', pod.containerId, 'execs'))
  const success = { metadata: {}, status: 'Success' }

  test.each(['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])(
    'exec over %s: both outputs and the exit code',
    async (protocol) => {
      const client = await channelClient(await exec(['sh', '-c', 'echo out; echo err >&2; exit 3']), protocol)
      expect(await client.outcome()).toEqual({
        metadata: {},
        status: 'Failure',
        message: 'command terminated with non-zero exit code: error executing command [sh -c echo out; echo err >&2; exit 3], exit code 3',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '3' }] },
      })
      expect([client.of(1), client.of(2)]).toEqual(['out\n', 'err\n'])
      expect(client.socket.protocol).toBe(protocol)
      expect((await client.closed)[0]).toBe(1000)
    },
  )

  test('the end of the input reaches the command by the close signal of v5', async () => {
    const client = await channelClient(await exec(['sh', '-c', 'cat; echo done'], { stdin: true }), 'v5.channel.k8s.io')
    client.send(0, 'hello\n')
    client.send(255, Buffer.of(0))
    expect(await client.outcome()).toEqual(success)
    expect(client.of(1)).toBe('hello\ndone\n')
  })

  test('a command that does not exist is told as an error', async () => {
    const client = await channelClient(await exec(['nosuch']), 'v4.channel.k8s.io')
    expect(await client.outcome()).toMatchObject({ status: 'Failure', reason: 'InternalError', message: expect.stringContaining('nosuch') })
  })

  test('a terminal echoes, has the size that the client tells, and ends with its shell', async () => {
    const client = await channelClient(await exec(['sh'], { stdin: true, tty: true }), 'v5.channel.k8s.io')
    client.send(4, JSON.stringify({ Width: 101, Height: 37 }))
    client.send(0, 'tty && stty size\r')
    await client.until(() => client.of(1).includes('37 101'))
    client.send(4, JSON.stringify({ Width: 90, Height: 40 }))
    // The runtime hears of the size by a signal, which what is typed meanwhile overtakes.
    client.send(0, 'until [ "$(stty size)" = "40 90" ]; do :; done; echo resized to $(stty size)\r')
    await client.until(() => client.of(1).includes('resized to 40 90'))
    expect(client.of(1)).toContain('/dev/pts/')
    client.send(0, 'exit 5\r')
    expect(await client.outcome()).toMatchObject({ details: { causes: [{ message: '5' }] } })
  })

  test('much output arrives whole at a client that reads slowly', async () => {
    const client = await channelClient(
      await exec(['sh', '-c', 'dd if=/dev/zero bs=1M count=24 2>/dev/null | tr "\\0" x']),
      'v4.channel.k8s.io',
    )
    client.socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    client.socket.resume()
    expect(await client.outcome()).toEqual(success)
    expect(client.of(1).length).toBe(24 << 20)
  })

  test('much input arrives whole', async () => {
    const client = await channelClient(await exec(['wc', '-c'], { stdin: true }), 'v5.channel.k8s.io')
    for (let index = 0; index < 256; index++) client.send(0, Buffer.alloc(32 << 10, 'x'))
    client.send(255, Buffer.of(0))
    expect(await client.outcome()).toEqual(success)
    expect(client.of(1)).toBe(`${8 << 20}\n`)
  })

  test.each([false, true])('when the client goes, so does the command (terminal: %s)', async (tty) => {
    const client = await channelClient(await exec(['sh', '-c', 'echo ready; exec sleep 777'], { stdin: true, tty }), 'v4.channel.k8s.io')
    await client.until(() => client.of(1).includes('ready'))
    client.socket.terminate()
    await expect.poll(processes, { timeout: 20_000 }).not.toContain('sleep 777')
    await expect.poll(execDirectories, { timeout: 20_000 }).toEqual([])
  })

  test('a token serves once, and a wrong one not at all', async () => {
    const url = await exec(['true'])
    await (await channelClient(url, 'v4.channel.k8s.io')).outcome()
    for (const wrong of [url, new URL('/exec/x', url).href]) {
      const socket = new WebSocket((wrong ?? '').replace('http:', 'ws:'), 'v4.channel.k8s.io')
      await expect(once(socket, 'open')).rejects.toThrow('404')
    }
  })

  test('protocols that are not spoken are refused', async () => {
    const socket = new WebSocket(((await exec(['true'])) ?? '').replace('http:', 'ws:'), 'v9.channel.k8s.io')
    await expect(once(socket, 'open')).rejects.toThrow('400')
    const spdy = await spdyClient(await exec(['true']), { 'x-stream-protocol-version': 'v9.channel.k8s.io' })
    expect(spdy.head).toMatch(/^HTTP\/1.1 403 [\s\S]*x-accepted-stream-protocol-versions: v4.channel.k8s.io/)
  })

  test('attach: output with its streams apart, input, and the end of the container', async () => {
    const reader = await startPod(
      place,
      runtime,
      ['sh', '-c', 'while read line; do echo "got $line"; echo "err $line" >&2; done; echo end'],
      {
        stdin: true,
        stdinOnce: true,
      },
    )
    const { url } = await runtime.attach({ containerId: reader.containerId, stdin: true, stdout: true, stderr: true })
    const client = await channelClient(url, 'v5.channel.k8s.io')
    client.send(0, 'one\n')
    await client.until(() => client.of(1).includes('got one') && client.of(2).includes('err one'))
    client.send(0, `${'x'.repeat(20_000)}\n`)
    await client.until(() => client.of(1).length >= 20_000)
    client.send(255, Buffer.of(0))
    expect(await client.outcome()).toEqual(success)
    expect(client.of(1)).toBe(`got one\ngot ${'x'.repeat(20_000)}\nend\n`)
    expect((await endOf(runtime, reader.containerId)).exitCode).toBe(0)
    await runtime.removePodSandbox({ podSandboxId: reader.sandboxId })
  })

  test('attach to a terminal, which is resized', async () => {
    const shell = await startPod(place, runtime, ['sh'], { stdin: true, tty: true })
    const { url } = await runtime.attach({ containerId: shell.containerId, stdin: true, stdout: true, tty: true })
    const client = await channelClient(url, 'v4.channel.k8s.io')
    client.send(4, JSON.stringify({ Width: 77, Height: 33 }))
    // The shim takes sizes and input by different ways.
    await expect
      .poll(
        () => {
          client.send(0, 'stty size\r')
          return client.of(1)
        },
        { interval: 100, timeout: 20_000 },
      )
      .toContain('33 77')
    client.socket.terminate()
    // The container does not notice that a client went.
    expect((await runtime.containerStatus({ containerId: shell.containerId })).status?.state).toBe('CONTAINER_RUNNING')
    await runtime.removePodSandbox({ podSandboxId: shell.sandboxId })
  })

  test('attach to a container that has ended is refused', async () => {
    const ended = await startPod(place, runtime, ['true'])
    await endOf(runtime, ended.containerId)
    await expect(runtime.attach({ containerId: ended.containerId, stdout: true })).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
    await runtime.removePodSandbox({ podSandboxId: ended.sandboxId })
  })

  test('streams of a client that sends nonsense are closed, and the engine lives', async () => {
    const { url } = await runtime.portForward({ podSandboxId: pod.sandboxId, port: [8080] })
    const { hostname, port, pathname } = new URL(url ?? '')
    const socket = connect(Number(port), hostname)
    socket.write(`POST ${pathname} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n${'\xff'.repeat(200)}`)
    socket.resume()
    await once(socket, 'close')
    expect((await runtime.version({})).runtimeName).toBe('sampan')
  })

  test('no descriptor is left behind', async () => {
    const sockets = () => readdirSync('/proc/self/fd').length
    const round = async () => {
      const client = await channelClient(await exec(['true'], { stdin: true }), 'v4.channel.k8s.io')
      await client.outcome()
    }
    await round()
    const before = sockets()
    for (let index = 0; index < 5; index++) await round()
    await expect.poll(sockets, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })
})

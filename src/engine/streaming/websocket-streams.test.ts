import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { webSocketStreams } from './websocket-streams.ts'

/** Both ends of a connection, the server's as streams. */
async function connected() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, 'v5.channel.k8s.io')
  const [[socket]] = await Promise.all([once(server, 'connection') as Promise<[WebSocket]>, once(client, 'open')])
  return { client, streams: webSocketStreams(socket, { stdin: true, stdout: true, stderr: false, resize: false }) }
}

test('what was written before the end arrives before the word about it', async () => {
  const { client, streams } = await connected()
  const received: string[] = []
  client.on('message', (data: Buffer) => received.push(`${data[0]}${data.subarray(1)}`))
  for (let index = 0; index < 100; index++) streams.stdout?.write('x')
  await streams.finish({ kind: 'success' })
  await once(client, 'close')
  expect(received).toEqual(['1', ...Array.from({ length: 100 }, () => '1x'), expect.stringContaining('"Success"')])
})

test('input after the end of the input is ignored', async () => {
  const { client, streams } = await connected()
  const input = streams.stdin ? text(streams.stdin) : undefined
  for (const message of [
    [0, 97],
    [255, 0],
    [0, 98],
    [255, 0],
    [0, 99],
  ])
    client.send(Buffer.from(message))
  expect(await input).toBe('a')
  client.terminate()
  await once(streams.gone, 'abort')
})

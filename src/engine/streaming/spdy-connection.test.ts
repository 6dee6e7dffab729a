import { type Duplex, duplexPair } from 'node:stream'
import { constants, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { serveSpdy } from './spdy-connection.ts'
import { headerDictionary } from './spdy-dictionary.ts'

function synStream(block: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), block])
  const head = Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0])
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}

const compressed = (headers: Buffer) => deflateSync(headers, { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH })

test.each([
  ['that are no compressed data', Buffer.from('nonsense, and more of it')],
  ['that are endless', compressed(Buffer.alloc(16 * 1024 * 1024))],
  ['that lie about their length', compressed(Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]))],
])('headers %s end the connection and nothing else', async (_, block) => {
  const [client, server]: Duplex[] = duplexPair()
  if (!client || !server) throw new Error('a pair has two ends')
  const connection = serveSpdy(server, Buffer.alloc(0), () => {})
  client.resume()
  client.write(synStream(block))
  await expect(connection.closed).rejects.toThrow(/header block/)
  // Errors that nobody listens for come a turn later.
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(server.destroyed).toBe(true)
})

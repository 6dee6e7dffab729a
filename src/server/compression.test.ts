import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { gzipped, isCompressed, isSameMachine } from './compression.ts'

test.each([
  [131_073, 'gzip', true],
  [131_073, 'deflate, gzip', true],
  [131_072, 'gzip', false],
  [131_073, 'gzip;q=0', false],
  [131_073, 'br', false],
  [131_073, undefined, false],
])('%d bytes for who accepts %s: %s', (length, accepted, expected) => {
  expect(isCompressed(length, accepted)).toBe(expected)
})

test.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['::1', '::1', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.4', '10.1.2.3', false],
  ['12.7.0.1', '10.1.2.3', false],
])('from %s to %s is the same machine: %s', (remoteAddress, localAddress, expected) => {
  expect(isSameMachine({ remoteAddress, localAddress })).toBe(expected)
})

test('what is compressed is what was written', async () => {
  const chunks = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`${index},`.padEnd(100, 'x')))
  expect(await text(gzipped(chunks).pipe(createGunzip()))).toBe(Buffer.concat(chunks).toString())
})

test('who stops reading ends the work', async () => {
  const stream = gzipped(Array.from({ length: 100 }, () => Buffer.alloc(1 << 20)))
  for await (const _ of stream) break
  expect(stream.destroyed).toBe(true)
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { readTar, type TarEntry } from './tar-reader.ts'
import { type TarHeader, tarEnd, tarHeader, tarPadding } from './tar-writer.ts'

type Read = Omit<TarEntry, 'content'> & { body: string }

async function readAll(archive: Buffer, chunkBytes = 97): Promise<Read[]> {
  const chunks: Buffer[] = []
  for (let offset = 0; offset < archive.length; offset += chunkBytes) chunks.push(archive.subarray(offset, offset + chunkBytes))
  const found: Read[] = []
  for await (const { content, ...entry } of readTar(Readable.from(chunks)))
    found.push({ ...entry, body: (await buffer(Readable.from(content))).toString() })
  return found
}

const file = (header: Partial<TarHeader>, body = '') =>
  Buffer.concat([
    tarHeader({ type: 'file', name: 'f', mode: 0o644, size: Buffer.byteLength(body), ...header }),
    Buffer.from(body),
    tarPadding(Buffer.byteLength(body)),
  ])

test('what is written is read back, whatever does not fit into a plain header included', async () => {
  const value = Buffer.from([0, 1, 0xff, 0x0a, 0x3d])
  const header: TarHeader = {
    type: 'file',
    name: `${'d/'.repeat(90)}ü`,
    mode: 0o4755,
    uid: 3_000_000_000,
    gid: 7,
    size: 3,
    mtime: -5,
    attributes: new Map([['security.capability', value]]),
  }
  const [entry] = await readAll(Buffer.concat([file(header, 'abc'), tarEnd()]))
  expect(entry).toMatchObject({ ...header, body: 'abc', attributes: new Map([['security.capability', value]]) })
})

test('any names, sizes and numbers survive, however the stream is cut', async () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 150 })
    .filter((text) => !text.includes('\0') && !text.endsWith('/') && text.isWellFormed())
  const entry = fc.record({ name, body: fc.string({ maxLength: 1500 }), uid: fc.nat(), mtime: fc.integer({ min: 0, max: 2 ** 34 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 1, max: 2000 }), async (entries, chunkBytes) => {
      const archive = Buffer.concat([...entries.map(({ body, ...header }) => file(header, body)), tarEnd()])
      const found = await readAll(archive, chunkBytes)
      expect(found.map(({ name, body, uid, mtime }) => ({ name, body: body, uid, mtime }))).toEqual(
        entries.map((one) => ({ ...one, body: Buffer.from(one.body).toString() })),
      )
    }),
    { numRuns: 60 },
  )
})

test('GNU tar and this one understand each other, long names in GNU format included', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-tar-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const long = 'n'.repeat(150)
  writeFileSync(join(directory, long), 'long')
  symlinkSync(`t${'/t'.repeat(80)}`, join(directory, 'link'))
  const theirs = execFileSync('tar', ['--format=gnu', '-cf', '-', '-C', directory, long, 'link'])
  expect((await readAll(theirs, 5000)).map(({ type, name, linkName, body }) => [type, name, linkName, body])).toEqual([
    ['file', long, '', 'long'],
    ['symlink', 'link', `t${'/t'.repeat(80)}`, ''],
  ])
  const ours = Buffer.concat([file({ name: `a/${long}`, uid: 5 }, 'x'), tarEnd()])
  expect(execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: ours }).toString()).toContain(`a/${long}`)
})

test('content that nobody reads is skipped', async () => {
  const names: string[] = []
  const archive = Buffer.concat([file({ name: 'one' }, 'x'.repeat(1000)), file({ name: 'two' }, 'y'), tarEnd()])
  for await (const { name } of readTar(Readable.from([archive]))) names.push(name)
  expect(names).toEqual(['one', 'two'])
})

test.each(['the reader stops', 'the archive is damaged'])('the source is let go of when %s', async (why) => {
  let closed = false
  async function* source() {
    try {
      yield file({ name: 'one' }, 'x')
      yield why === 'the reader stops' ? file({ name: 'two' }) : Buffer.alloc(600, 'x')
      yield tarEnd()
    } finally {
      closed = true
    }
  }
  const read = async () => {
    for await (const { name } of readTar(source())) if (name === 'two') return
  }
  await read().catch((error: Error) => expect(error.message).toContain('not a tar archive'))
  expect(closed).toBe(true)
})

test('an extended header of a negative size is refused', async () => {
  const header = file({ name: 'p' })
  header.write('x', 156, 'latin1')
  // GNU's base 256, two's complement of -5.
  header.fill(0xff, 124, 135)
  header[135] = 0xfb
  await expect(readAll(fixSum(header))).rejects.toThrow('an extended header of -5 bytes')
})

const flagged = (flag: string) => {
  const header = file({})
  header.write(flag, 156, 'latin1')
  return fixSum(header)
}

function fixSum(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1')
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

const latin = file({})
latin.write('\xff', 0, 'latin1')

test.each([
  ['no archive', Buffer.alloc(600, 'x'), 'not a tar archive'],
  ['a sparse file', flagged('S'), 'sparse file "f" is not supported'],
  ['an unknown type', flagged('Q'), '"f" is of an unknown type'],
  ['an end in the middle', file({}, 'x'.repeat(1000)).subarray(0, 800), 'ends in the middle'],
  ['a name that is no text', fixSum(latin), 'is not UTF-8'],
  ['a huge extended header', fixSum(Buffer.concat([tarHeader({ type: 'file', name: 'p', mode: 0, size: 2 ** 30 })])), undefined],
])('%s is refused', async (_, archive, message) => {
  const bytes = message === undefined ? flag(archive, 'x') : archive
  await expect(readAll(Buffer.concat([bytes]))).rejects.toThrow(message ?? 'an extended header of 1073741824 bytes')
})

function flag(header: Buffer, type: string): Buffer {
  header.write(type, 156, 'latin1')
  return fixSum(header)
}

import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeAtomically } from './atomic-writer.ts'
import type { Payload } from './payload.ts'

let target: string
beforeEach(async () => {
  target = await mkdtemp(join(tmpdir(), 'atomic-'))
})
afterEach(() => rm(target, { recursive: true, force: true }))

let serial = 0
const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
const write = (files: Payload, groupId?: number) =>
  writeAtomically(target, files, { nowMs: 0, suffix: `x${serial++}`, ...(groupId !== undefined && { groupId }) })
const names = async () => (await readdir(target)).filter((name) => !name.startsWith('..')).sort()
const text = (path: string) => readFile(join(target, path), 'utf8')

test('files appear, change and go as a whole, by one link that is swapped', async () => {
  expect(await write(payload({ a: '1', 'deep/b': '2' }))).toBe(true)
  expect(await names()).toEqual(['a', 'deep'])
  expect(await readlink(join(target, 'a'))).toBe('..data/a')
  const first = await readlink(join(target, '..data'))
  expect(await write(payload({ a: '1', 'deep/b': '2' }))).toBe(false)
  expect(await readlink(join(target, '..data'))).toBe(first)
  expect(await write(payload({ a: '3', c: '4' }))).toBe(true)
  expect(await names()).toEqual(['a', 'c'])
  expect(await text('a')).toBe('3')
  expect((await readdir(target)).filter((name) => name.startsWith('..')).length).toBe(2)
})

test('what a crash left in the middle of a write does not stand in the way', async () => {
  await write(payload({ a: '1' }))
  await symlink('nowhere', join(target, '..data_tmp'))
  await mkdir(join(target, '..half'))
  await write(payload({ a: '2' }))
  expect(await text('a')).toBe('2')
  expect(await readdir(target)).not.toContain('..half')
})

test('a write that fails leaves nothing', async () => {
  await write(payload({ a: '1' }))
  const before = await readdir(target)
  await expect(write(payload({ a: '2', 'a/b': '2' }))).rejects.toThrow()
  expect(await readdir(target)).toEqual(before)
  expect(await text('a')).toBe('1')
})

test('a file that grows by one does not count as the same', async () => {
  await write(payload({ a: '1' }))
  expect(await write(payload({ a: '1', b: '' }))).toBe(true)
  expect(await names()).toEqual(['a', 'b'])
})

test('modes are what was asked, whatever the umask is', async () => {
  await write(payload({ a: '1' }, 0o666))
  expect((await stat(join(target, 'a'))).mode & 0o777).toBe(0o666)
})

describe.skipIf(process.getuid?.() !== 0)('with a group', () => {
  test('the group may read everything', async () => {
    await write(payload({ a: '1' }, 0o600), 4321)
    expect(await stat(join(target, 'a'))).toMatchObject({ gid: 4321, uid: 0 })
    expect((await stat(join(target, 'a'))).mode & 0o777).toBe(0o640)
    expect((await stat(join(target, '..data/'))).mode & 0o7777).toBe(0o2775)
  })
})

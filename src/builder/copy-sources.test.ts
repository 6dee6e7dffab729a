import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setXattr } from '../base/mount.ts'
import { digestSources, resolveSources } from './copy-sources.ts'

let outside = ''
let directory = ''
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), 'sampan-sources-'))
  directory = join(outside, 'context')
  mkdirSync(join(directory, 'dir/sub'), { recursive: true })
  for (const name of ['a.txt', 'b.txt', 'dir/c.txt', 'dir/sub/secret']) writeFileSync(join(directory, name), name)
  writeFileSync(join(outside, 'secret'), 'not of the context')
  symlinkSync('../secret', join(directory, 'up'))
  symlinkSync(join(outside, 'secret'), join(directory, 'absolute'))
})
afterAll(() => rmSync(outside, { recursive: true }))

const resolve = async (pattern: string, excludes = (_: string) => false) =>
  (await resolveSources([{ kind: 'path', pattern }], { directory, excludes }, 'COPY')).map(
    (source) => source.kind === 'path' && source.path,
  )

test.each([
  ['a.txt', ['a.txt']],
  ['/a.txt', ['a.txt']],
  ['../../a.txt', ['a.txt']],
  ['*.txt', ['a.txt', 'b.txt']],
  ['**/*.txt', ['a.txt', 'b.txt', 'dir/c.txt']],
  ['.', ['']],
])('the pattern %s finds %j', async (pattern, expected) => {
  expect(await resolve(pattern)).toEqual(expected)
})

test.each(['up', 'absolute', 'none', '*.none', 'dir/../../secret'])(
  '%s is not found: nothing leads out of the context',
  async (pattern) => {
    await expect(resolve(pattern)).rejects.toThrow('file not found in build context or excluded by .dockerignore')
  },
)

test('what is left out is not found', async () => {
  await expect(resolve('dir', (path) => path === 'dir')).rejects.toThrow('file not found')
})

const root = process.getuid?.() === 0
test.skipIf(!root)(`the cache tells apart what a copy keeps${root ? '' : ' (skipped: needs root to change owners)'}`, async () => {
  const sources = await resolveSources([{ kind: 'path', pattern: 'dir' }], { directory, excludes: () => false }, 'COPY')
  const digests = async () => [await digestSources(sources, false), await digestSources(sources, true)] as const
  const file = join(directory, 'dir/c.txt')
  let before = await digests()
  const changes = async () => {
    const after = await digests()
    const changed = after.map((digest, index) => digest !== before[index])
    before = after
    return changed
  }
  utimesSync(file, 1, 1)
  expect(await changes()).toEqual([false, false])
  chownSync(file, 5, 6)
  expect(await changes()).toEqual([false, true])
  await setXattr(file, 'user.note', 'x')
  expect(await changes()).toEqual([false, true])
  chmodSync(file, 0o600)
  expect(await changes()).toEqual([true, true])
})

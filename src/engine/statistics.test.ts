import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { diskUsage } from './statistics.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sampan-usage-'))
  onTestFinished(() => void execFileSync('rm', ['-rf', path]))
  return path
}

test('what lies too deep to be named does not hide the rest', async () => {
  const path = directory()
  writeFileSync(join(path, 'file'), Buffer.alloc(100_000))
  // Shells ask for the whole path, which is too long to be told.
  execFileSync('perl', ['-e', 'for (1..30) { mkdir "d" x 250; chdir "d" x 250 or die }'], { cwd: path })
  const { bytes, inodes } = await diskUsage(path)
  expect(inodes).toBeGreaterThan(10)
  expect(bytes).toBeGreaterThanOrEqual(100_000)
  expect((await diskUsage(join(path, 'gone'))).inodes).toBe(0)
})

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeTree } from './remove-tree.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sampan-remove-'))
  onTestFinished(() => void execFileSync('rm', ['-rf', path]))
  return path
}

test('directories whose paths are longer than a path can be are removed', async () => {
  const path = directory()
  // Shells ask for the whole path, which is too long to be told.
  const script = 'for (1..70) { my $name = "d" x 200; mkdir $name; chdir $name or die; mkdir "side"; open(my $file, ">", "file") }'
  execFileSync('perl', ['-e', script], { cwd: path })
  await removeTree(path)
  expect(existsSync(path)).toBe(false)
})

test('what links lead to stays, and what is not there is no error', async () => {
  const [path, other] = [directory(), directory()]
  writeFileSync(join(other, 'kept'), 'kept')
  symlinkSync(other, join(path, 'link'))
  await removeTree(path)
  expect(readFileSync(join(other, 'kept'), 'utf8')).toBe('kept')
  await removeTree(path)
})

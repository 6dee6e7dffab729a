import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { containerRoots } from './container-root.ts'

const root = process.getuid?.() === 0

test.skipIf(!root)(`as many layers as an image may have are mounted${root ? '' : ' (skipped: needs root)'}`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-roots-'))
  const roots = containerRoots(join(directory, 'containers'))
  const target = join(directory, 'root')
  onTestFinished(async () => {
    await roots.remove('c', target)
    rmSync(directory, { recursive: true })
  })
  // What Docker builds at most, at a place such as /var/lib/sampan/NAME/images/layers.
  const layers = Array.from({ length: 127 }, (_, index) => join(directory, 'a-name-of-a-cluster/images/layers', String(index)))
  for (const [index, layer] of layers.entries()) {
    mkdirSync(layer, { recursive: true })
    writeFileSync(join(layer, `file-${index}`), '')
  }
  await roots.mount('c', target, layers)
  expect(readdirSync(target)).toHaveLength(127)
})

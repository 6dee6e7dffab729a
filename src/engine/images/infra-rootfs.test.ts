import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { infraRootfs } from './infra-rootfs.ts'

test('the root is made once, and anew for another binary', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-infra-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const binary = join(directory, 'binary')
  writeFileSync(binary, 'one')
  const root = await infraRootfs({ directory: join(directory, 'state/infra'), binary })
  expect(readdirSync(root).sort()).toEqual(['catatonit', 'dev', 'etc', 'proc', 'sys'])
  const { ino } = statSync(root)
  await infraRootfs({ directory: root, binary })
  expect(statSync(root).ino).toBe(ino)
  writeFileSync(binary, 'another')
  await infraRootfs({ directory: root, binary })
  expect(readFileSync(join(root, 'catatonit'), 'utf8')).toBe('another')
  expect(readdirSync(join(directory, 'state'))).toEqual(['infra'])
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { durableState } from './durable-file.ts'

test('whoever saves, whenever, is answered once the file has what there was then', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-durable-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'state')
  let state = 0
  const save = durableState(path, () => String(state))
  const written = () => Number(readFileSync(path, 'utf8'))
  const saver = async () => {
    for (let round = 0; round < 20; round++) {
      const mine = ++state
      await save()
      expect(written()).toBeGreaterThanOrEqual(mine)
    }
  }
  await Promise.all([saver(), saver(), saver(), saver()])
  expect(written()).toBe(state)
})

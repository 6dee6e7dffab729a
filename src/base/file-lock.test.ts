import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withFileLock } from './file-lock.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sampan-lock-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('work under one lock is done one after the other, and a failure lets the next begin', async () => {
  const file = join(directory, 'lock')
  const seen: string[] = []
  const work = (name: string) =>
    withFileLock(file, async () => {
      seen.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${name} ends`)
      if (name === 'b') throw new Error('broken')
      return name
    })
  const results = await Promise.allSettled(['a', 'b', 'c'].map(work))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  for (let index = 0; index < seen.length; index += 2) expect(seen[index + 1]).toBe(seen[index]?.replace('begins', 'ends'))
})

test('another process has it to itself, until it is killed', async () => {
  const file = join(directory, 'lock')
  const script = `
    import { withFileLock } from ${JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))}
    await withFileLock(process.argv[1], () => new Promise((resolve) => { console.log('held'); setTimeout(resolve, 1e6) }))`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(holder, 'exit')
  try {
    await once(holder.stdout, 'data')
    let isOurs = false
    const ours = withFileLock(file, async () => {
      isOurs = true
    })
    // Long enough for a lock that is free.
    await withFileLock(join(directory, 'free'), async () => {})
    expect(isOurs).toBe(false)
    holder.kill('SIGKILL')
    await ours
    expect(isOurs).toBe(true)
  } finally {
    holder.kill('SIGKILL')
    await ended
  }
})

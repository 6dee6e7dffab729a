import { appendFile, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LogOptions, type LogSource, readContainerLog } from './container-log.ts'
import { rotateLog } from './log-rotation.ts'

let root: string
let path: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'log-'))
  path = join(root, '0.log')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const time = (second: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1000).toISOString()
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${time(from + index)} stdout F line ${from + index}\n`).join('')
const all: LogOptions = { follow: false, timestamps: false, tailLines: undefined, sinceMs: undefined, limitBytes: undefined }

const ended: Omit<LogSource, 'path'> = { isRunning: () => false, onChange: () => () => {} }

async function read(options: Partial<LogOptions>, source = ended, signal = new AbortController().signal) {
  let text = ''
  for await (const chunk of readContainerLog({ path, ...source }, { ...all, ...options }, signal)) text += chunk.toString()
  return text
}

test('lines lose their marks; parts are joined; what is no line is left out', async () => {
  await writeFile(
    path,
    `${time(0)} stdout P half, \n${time(0)} stdout F whole\nnonsense\n${time(1)} stderr F \n${time(2)} stdout F not ended`,
  )
  expect(await read({})).toBe('half, whole\n\n')
})

test('the tail is found from the end, in long logs too', async () => {
  await writeFile(path, lines(0, 20_000))
  expect(await read({ tailLines: 2 })).toBe('line 19998\nline 19999\n')
  expect(await read({ tailLines: 0 })).toBe('')
  expect((await read({ tailLines: 15_000 })).split('\n')).toHaveLength(15_001)
  expect((await read({ tailLines: 99_999 })).split('\n')).toHaveLength(20_001)
})

test('since, timestamps and a limit', async () => {
  await writeFile(path, lines(0, 10))
  expect(await read({ sinceMs: Date.parse(time(8)) })).toBe('line 8\nline 9\n')
  expect(await read({ timestamps: true, tailLines: 1 })).toBe(`${time(9)} line 9\n`)
  expect(await read({ limitBytes: 10 })).toBe('line 0\nlin')
})

test('a log that is not there yet is empty', async () => {
  expect(await read({})).toBe('')
})

test('a log is followed over its rotation until the container has ended', async () => {
  await writeFile(path, lines(0, 2))
  let isRunning = true
  let tell = () => {}
  const source = {
    isRunning: () => isRunning,
    onChange: (listener: () => void) => {
      tell = listener
      return () => {}
    },
  }
  const reading = read({ follow: true }, source)
  await appendFile(path, lines(2, 3))
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, lines(3, 4))
  await writeFile(path, lines(4, 5))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await appendFile(path, lines(5, 6))
  isRunning = false
  tell()
  expect(await reading).toBe('line 0\nline 1\nline 2\nline 3\nline 4\nline 5\n')
})

test('who stops following is let go', async () => {
  await writeFile(path, lines(0, 1))
  const stop = new AbortController()
  const reading = read({ follow: true }, { isRunning: () => true, onChange: () => () => {} }, stop.signal)
  await new Promise((resolve) => setTimeout(resolve, 20))
  stop.abort()
  expect(await reading).toBe('line 0\n')
})

test('a log whose rotation broke off in the middle is begun anew', async () => {
  await writeFile(`${path}.20260101-000000`, lines(0, 1))
  await rotateLog({ path, nowMs: 0, reopen: () => writeFile(path, '') })
  expect(await readdir(root)).toContain('0.log')
})

test('a log that is too long is rotated; the oldest go; a runtime that refuses keeps its file', async () => {
  let reopened = 0
  const reopen = async () => {
    reopened++
    await writeFile(path, '')
  }
  for (let round = 0; round < 8; round++) {
    await writeFile(path, Buffer.alloc(10 * 1024 * 1024))
    await rotateLog({ path, nowMs: Date.parse(time(round)), reopen })
  }
  expect(reopened).toBe(8)
  expect((await readdir(root)).sort()).toEqual(['0.log', ...[4, 5, 6, 7].map((second) => `0.log.20260101-00000${second}`)])
  await rotateLog({ path, nowMs: 0, reopen })
  expect(reopened).toBe(8)
  await writeFile(path, Buffer.alloc(10 * 1024 * 1024))
  await expect(rotateLog({ path, nowMs: 0, reopen: () => Promise.reject(new Error('no')) })).rejects.toThrow('no')
  expect(await readdir(root)).toContain('0.log')
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logTail, terminationMessage } from './termination-message.ts'

let root: string
let messageFile: string
let logPath: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'words-'))
  messageFile = join(root, 'message')
  logPath = join(root, '0.log')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const wordsOf = (overrides: Partial<Parameters<typeof terminationMessage>[0]> = {}) =>
  terminationMessage({ messageFile, messagePolicy: 'File', exitCode: 1, logPath, ...overrides })
const log = (text: string) => writeFile(logPath, `2026-01-01T00:00:00Z stdout F ${text}\n`)

test('the last words are the end of the file, or nothing', async () => {
  expect(await wordsOf()).toBe('')
  await writeFile(messageFile, `${'x'.repeat(5000)}end`)
  expect(await wordsOf()).toBe(`${'x'.repeat(4093)}end`)
})

test('the log speaks for who asked for that, failed and said nothing', async () => {
  await log('from the log')
  const messagePolicy = 'FallbackToLogsOnError'
  expect(await wordsOf({ messagePolicy })).toBe('from the log\n')
  expect(await wordsOf({ messagePolicy, exitCode: 0 })).toBe('')
  expect(await wordsOf()).toBe('')
  await writeFile(messageFile, 'from the file')
  expect(await wordsOf({ messagePolicy })).toBe('from the file')
})

test('a file that cannot be read is told, and holds nothing up', async () => {
  const socket = createServer().listen(messageFile)
  await new Promise((resolve) => socket.once('listening', resolve))
  expect(await wordsOf()).toBe(`Error on reading termination log ${messageFile}: ENXIO: no such device or address, open '${messageFile}'`)
  await new Promise((resolve) => socket.close(resolve))
})

test('the end of a log without its marks', () => {
  const text =
    '4 stdout F cut\n2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:00Z stderr P two \n2026-01-01T00:00:00Z stderr F parts\n'
  expect(logTail(text)).toBe('cut\none\ntwo parts\n')
})

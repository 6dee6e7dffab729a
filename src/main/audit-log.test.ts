import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { AuditEvent } from '../server/audit/audit-event.ts'
import { openAuditLog } from './audit-log.ts'

let folder: string
let clock: VirtualClock
let lost = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sampan-test-audit-'))
  clock = new VirtualClock()
  lost = 0
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const openLog = (options: { maxBytes?: number; maxAgeMs?: number; maxBackups?: number; compress?: boolean } = {}) =>
  openAuditLog({
    path: join(folder, 'audit.log'),
    maxBytes: 1000,
    maxAgeMs: undefined,
    maxBackups: undefined,
    compress: false,
    ...options,
    clock,
    log: silentLog,
    lost: {
      add(amount = 1) {
        lost += amount
      },
    },
  })
const event = (auditID: string, requestURI = '/'): AuditEvent => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID,
  stage: 'ResponseComplete',
  requestURI,
  verb: 'get',
  user: {},
  requestReceivedTimestamp: '',
  stageTimestamp: '',
})
const idsIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as AuditEvent).auditID)

test('writes a line per event, after those that were there, for its owner’s eyes alone', async () => {
  for (const ids of [['a', 'b'], ['c']]) {
    const sink = await openLog()
    for (const id of ids) sink.take(event(id))
    await sink.close()
  }
  const path = join(folder, 'audit.log')
  expect(idsIn(await readFile(path, 'utf8'))).toEqual(['a', 'b', 'c'])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('puts the file aside before it becomes too big, and keeps as many as it should', async () => {
  const sink = await openLog({ maxBackups: 2 })
  const length = JSON.stringify(event('00')).length + 1
  const perFile = Math.floor(1000 / length)
  for (let file = 0; file < 5; file++) {
    for (let index = 0; index < perFile; index++) sink.take(event(`${file}${index}`))
    // What is put aside is named by the time.
    while (!(await written(`${file}${perFile - 1}`))) await turn()
    await clock.advance(1000)
  }
  await sink.close()
  const until = async () => (await readdir(folder)).sort()
  while ((await until()).length > 3) await turn()
  expect(await until()).toEqual(['audit-2026-01-01T00-00-03.000.log', 'audit-2026-01-01T00-00-04.000.log', 'audit.log'])
  expect(idsIn(await readFile(join(folder, 'audit.log'), 'utf8'))).toEqual(Array.from({ length: perFile }, (_, index) => `4${index}`))
  expect(lost).toBe(0)
})

test('forgets what is too old, and compresses what is put aside', async () => {
  const sink = await openLog({ maxBytes: 1, maxAgeMs: 86_400_000, compress: true })
  const names = async () => (await readdir(folder)).sort().join()
  const files = ['audit.log', 'audit-2026-01-02T01-00-00.000.log.gz,audit.log', 'audit-2026-01-03T02-00-00.000.log.gz,audit.log']
  for (const [index, id] of ['a', 'b', 'c'].entries()) {
    sink.take(event(id))
    while (!(await written(id)) || (await names()) !== files[index]) await turn()
    await clock.advance(90_000_000)
  }
  await sink.close()
  expect(idsIn(gunzipSync(await readFile(join(folder, 'audit-2026-01-03T02-00-00.000.log.gz'))).toString())).toEqual(['b'])
})

test('goes on where it can again, and counts what was lost meanwhile', async () => {
  const sink = await openLog({ maxBytes: 1 })
  sink.take(event('a'))
  while (!(await written('a'))) await turn()
  await rm(folder, { recursive: true })
  await writeFile(folder, '')
  sink.take(event('b'))
  while (lost === 0) await turn()
  await rm(folder)
  sink.take(event('c'))
  while (!(await written('c'))) await turn()
  await sink.close()
  expect(lost).toBe(1)
})

/** The file is not there for a moment when it is put aside. */
const written = async (id: string) => (await readFile(join(folder, 'audit.log'), 'utf8').catch(() => '')).includes(`"${id}"`)

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

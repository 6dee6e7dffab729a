import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import type { AuditEvent, AuditSink } from './audit-event.ts'
import { createBatchingSink, defaultBatching } from './batching-sink.ts'

let clock: VirtualClock
let lost: number
let sent: number[]
let fails: number

const sinkWith = (batching: Partial<typeof defaultBatching> = {}): AuditSink =>
  createBatchingSink({
    batching: { ...defaultBatching, ...batching },
    async send(events) {
      if (fails > 0) {
        fails--
        throw new Error('unreachable')
      }
      sent.push(events.length)
    },
    clock,
    random: seededRandom(1),
    log: silentLog,
    lost: {
      add(amount = 1) {
        lost += amount
      },
    },
  })
const take = (sink: AuditSink, count: number) => {
  for (let index = 0; index < count; index++) sink.take({ auditID: String(index) } as AuditEvent)
}

beforeEach(() => {
  clock = new VirtualClock()
  lost = 0
  sent = []
  fails = 0
})

test('a full batch goes at once, what is left after half a minute', async () => {
  const sink = sinkWith()
  take(sink, 450)
  await clock.advance(0)
  expect(sent).toEqual([400])
  await clock.advance(200)
  expect(sent).toEqual([400, 50])
  take(sink, 3)
  await clock.advance(29_000)
  expect(sent).toHaveLength(2)
  await clock.advance(1000)
  expect(sent).toEqual([400, 50, 3])
  await sink.close()
})

test('no more than ten batches a second', async () => {
  const sink = sinkWith({ maxBatchSize: 1 })
  take(sink, 100)
  await clock.advance(999)
  expect(sent.length).toBe(10)
  await clock.advance(9001)
  expect(sent.length).toBe(100)
  await sink.close()
})

test('a batch is tried again, and lost in the end; what is beyond the buffer is lost at once', async () => {
  const sink = sinkWith({ bufferSize: 500 })
  fails = 2
  take(sink, 600)
  expect(lost).toBe(100)
  await clock.advance(60_000)
  expect(sent).toEqual([400, 100])
  fails = 5
  take(sink, 400)
  await clock.advance(600_000)
  expect([sent.length, lost]).toEqual([2, 500])
  take(sink, 400)
  await clock.advance(1000)
  expect(sent.length).toBe(3)
  await sink.close()
})

test('what waits is sent before it closes', async () => {
  const sink = sinkWith()
  take(sink, 5)
  await sink.close()
  expect(sent).toEqual([5])
  take(sink, 1)
  expect(lost).toBe(1)
})

import { expect, test } from 'vitest'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { createMemoryStore } from '../store/memory.ts'
import { compactRegularly } from './compaction.ts'

test('history is kept for five minutes and then forgotten, until the end', async () => {
  const store = createMemoryStore()
  const clock = new VirtualClock()
  const stop = new AbortController()
  compactRegularly({ store, clock, log: silentLog }, stop.signal)
  const put = () => store.write({ key: '/a', value: Buffer.from('x'), ifRevision: undefined })
  await put()
  await clock.advance(300_000)
  expect(store.compactedRevision()).toBe(1)
  await put()
  await clock.advance(300_000)
  expect(store.compactedRevision()).toBe(2)
  stop.abort()
  await put()
  await clock.advance(900_000)
  expect(store.compactedRevision()).toBe(2)
})

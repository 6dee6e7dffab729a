import { expect, test } from 'vitest'
import { StatusError } from '../api/status-error.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { type KeyedWork, type Outcome, runKeys } from './controller.ts'

function run(reconcile: (key: string) => Promise<Outcome>, workers = 1) {
  const clock = new VirtualClock()
  const ended = new AbortController()
  const results: string[] = []
  let enqueue: (key: string) => void = () => {}
  const work: KeyedWork = {
    name: 'test',
    workers,
    subscribe(add) {
      enqueue = add
      return () => (enqueue = () => {})
    },
    synced: () => Promise.resolve(),
    reconcile,
  }
  const metrics = { reconciled: (_: string, result: string) => void results.push(result), added: () => {}, depth: () => {} }
  const running = runKeys(work, { clock, log: silentLog, signal: ended.signal, metrics })
  const stop = () => {
    ended.abort()
    return running
  }
  return { clock, results, enqueue: (key: string) => enqueue(key), stop }
}

test('a failure is tried again after a delay that doubles, and success begins anew', async () => {
  const times: number[] = []
  let failures = 4
  const loop = run(async () => {
    times.push(loop.clock.now() - began)
    if (failures-- > 0) throw new StatusError('ServiceUnavailable', 'no')
    return undefined
  })
  const began = loop.clock.now()
  await loop.clock.advance(0)
  loop.enqueue('a')
  await loop.clock.advance(10_000)
  expect(times).toEqual([0, 5, 15, 35, 75])
  failures = 1
  loop.enqueue('a')
  await loop.clock.advance(10_000)
  expect(times.slice(5)).toEqual([10_000, 10_005])
  expect(loop.results).toEqual(['failed', 'failed', 'failed', 'failed', 'done', 'failed', 'done'])
  await loop.stop()
})

test('a key is worked on by one worker at a time, and again when it changes meanwhile', async () => {
  let busy = 0
  let most = 0
  let count = 0
  const gates: (() => void)[] = []
  const loop = run(async () => {
    most = Math.max(most, ++busy)
    count++
    await new Promise<void>((resolve) => gates.push(resolve))
    busy--
    return undefined
  }, 4)
  await loop.clock.advance(0)
  loop.enqueue('a')
  await loop.clock.advance(0)
  for (let index = 0; index < 3; index++) loop.enqueue('a')
  await loop.clock.advance(0)
  gates.shift()?.()
  await loop.clock.advance(0)
  gates.shift()?.()
  await loop.clock.advance(0)
  expect([count, most]).toEqual([2, 1])
  await loop.stop()
})

test('what asks to be looked at later is, and nothing wakes otherwise', async () => {
  const times: number[] = []
  const loop = run(async () => {
    times.push(loop.clock.now() - began)
    return times.length < 3 ? { afterMs: 1_000 } : undefined
  })
  const began = loop.clock.now()
  await loop.clock.advance(0)
  loop.enqueue('a')
  await loop.clock.advance(60_000)
  expect(times).toEqual([0, 1_000, 2_000])
  await loop.stop()
})

test('it ends when its last reconcile has ended', async () => {
  let finish = () => {}
  let isDone = false
  const loop = run(async () => {
    await new Promise<void>((resolve) => (finish = resolve))
    isDone = true
    return undefined
  })
  await loop.clock.advance(0)
  loop.enqueue('a')
  await loop.clock.advance(0)
  const stopped = loop.stop()
  finish()
  await stopped
  expect(isDone).toBe(true)
})

import { expect, test } from 'vitest'
import { inTurns, nextTurn } from './turns.ts'

test('others are served between turns, and only there', async () => {
  const seen: (number | 'other')[] = []
  for await (const item of inTurns([1, 2, 3, 4, 5], 2)) {
    seen.push(item)
    if (item === 1) setImmediate(() => seen.push('other'))
  }
  expect(seen).toEqual([1, 2, 'other', 3, 4, 5])
  expect(await Array.fromAsync(inTurns([], 2))).toEqual([])
})

test('a turn begins after what waited for it', async () => {
  let isServed = false
  setImmediate(() => {
    isServed = true
  })
  await nextTurn()
  expect(isServed).toBe(true)
})

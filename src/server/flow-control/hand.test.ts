import { expect, test } from 'vitest'
import { dealHand, flowHash } from './hand.ts'

test('a hand has different cards of the deck', () => {
  const hands = Array.from({ length: 2000 }, (_, index) => dealHand(flowHash('schema', `user-${index}`), 16, 4))
  const seen = new Map<number, number>()
  for (const hand of hands) {
    expect(new Set(hand).size).toBe(4)
    for (const card of hand) {
      expect(card).toBeGreaterThanOrEqual(0)
      expect(card).toBeLessThan(16)
      seen.set(card, (seen.get(card) ?? 0) + 1)
    }
  }
  // 500 each on average.
  for (const count of seen.values()) expect(Math.abs(count - 500)).toBeLessThan(120)
})

test('a flow always has the same hand, and hardly ever another’s', () => {
  expect(dealHand(flowHash('a', 'b'), 128, 6)).toEqual(dealHand(flowHash('a', 'b'), 128, 6))
  const elephant = new Set(dealHand(flowHash('global-default', 'elephant'), 128, 6))
  const squashed = Array.from({ length: 3000 }, (_, index) => dealHand(flowHash('global-default', `mouse-${index}`), 128, 6))
  expect(squashed.filter((hand) => hand.every((card) => elephant.has(card)))).toEqual([])
})

test('whole decks are dealt', () => {
  expect([...dealHand(flowHash('a', 'b'), 8, 8)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

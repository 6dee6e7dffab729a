import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addQuantities, canonicalQuantity, compareQuantities, formatQuantity, milliUnits, parseQuantity, wholeUnits } from './quantity.ts'

describe('a quantity', () => {
  test.each([
    ['0', '0'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5Gi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1024Ki', '1Mi'],
    ['1023Ki', '1023Ki'],
    ['1000Ki', '1000Ki'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['128974848', '128974848'],
    ['129e6', '129e6'],
    ['129M', '129M'],
    ['1e3', '1e3'],
    ['12345678000', '12345678k'],
    ['-1Gi', '-1Gi'],
    ['+1', '1'],
    ['1.', '1'],
    ['0.0000000001', '1n'],
    ['5u', '5u'],
  ])('%s is canonically %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical)
  })

  test.each(['', 'm', '.', '1.2.3', '1 Gi', '1GB', 'e3', '1e', '--1', '0x10', '1'.repeat(100)])('%j is none', (text) => {
    expect(canonicalQuantity(text)).toBeUndefined()
  })

  test('is rounded up to whole units and to thousandths', () => {
    expect(wholeUnits('1.5Gi')).toBe(1.5 * 1024 ** 3)
    expect(wholeUnits('100m')).toBe(1)
    expect([wholeUnits('1e999'), milliUnits('-1e999')]).toEqual([2 ** 63, -(2 ** 63)])
    expect(milliUnits('1.2345')).toBe(1235)
    expect(milliUnits('2')).toBe(2000)
    expect(wholeUnits(undefined)).toBe(0)
  })

  test('canonical forms are fixed points with the same value', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e9 }),
        fc.constantFrom('n', 'u', 'm', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3'),
        (value, suffix) => {
          const quantity = parseQuantity(`${value}${suffix}`)
          if (!quantity) throw new Error('unreadable')
          const canonical = formatQuantity(quantity)
          expect(canonicalQuantity(canonical)).toBe(canonical)
          expect(parseQuantity(canonical)?.nanos).toBe(quantity.nanos)
        },
      ),
    )
  })

  test('adds and compares by value', () => {
    const [left, right] = [parseQuantity('1Gi'), parseQuantity('1500M')]
    if (!left || !right) throw new Error('unreadable')
    expect(compareQuantities(left, right)).toBe(-1)
    expect(formatQuantity(addQuantities(left, left))).toBe('2Gi')
  })
})

import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { DecodeError } from './decode.ts'
import type { JsonObject } from './object.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('CBOR', () => {
  test('objects come back as they went', () => {
    const value = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), fc.jsonValue({ maxDepth: 5 }))
    fc.assert(
      fc.property(value, (object) => {
        expect(decodeCbor(encodeCbor(object))).toEqual(JSON.parse(JSON.stringify(object)))
      }),
    )
  })

  test('texts and keys go out as byte strings behind the tag that says CBOR', () => {
    expect(encodeCbor({ a: 'b', n: -1 })).toEqual(hex('d9d9f7 a2 4161 4162 416e 20'))
  })

  test('text strings, and a body without the tag, are read too', () => {
    expect(decodeCbor(encode({ a: ['b', 1, 1.5, true, null] }))).toEqual({ a: ['b', 1, 1.5, true, null] })
  })

  test.each([
    ['d5', '-_8'],
    ['d6', '+/8='],
    ['d7', 'fbff'],
  ])('bytes under the tag %s are the text %s', (tag, text) => {
    expect(decodeCbor(hex(`a1 4161 ${tag} 42fbff`))).toEqual({ a: text })
  })

  test('keys are plain data', () => {
    const object = decodeCbor(encodeCbor(JSON.parse('{"__proto__":{"polluted":1}}')))
    expect(JSON.stringify(object)).toBe('{"__proto__":{"polluted":1}}')
    expect(({} as JsonObject).polluted).toBeUndefined()
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['no map', encodeCbor([1])],
    ['a key that stands twice', hex('a2 4161 01 4161 02')],
    ['the same key as bytes and as text', hex('a2 4161 01 6161 02')],
    ['a number as a key', hex('a1 01 02')],
    ['an integer beyond 2^53', hex('a1 4161 1b ffffffffffffffff')],
    ['infinity', hex('a1 4161 f9 7c00')],
    ['no number', hex('a1 4161 f9 7e00')],
    ['a tag that nobody knows', hex('a1 4161 d8 2a 01')],
    ['a body cut short', encodeCbor({ a: 'text' }).subarray(0, 7)],
    ['something after the end', hex('a0 00')],
    ['a list that claims to be endless', hex('a1 4161 9b 00ffffffffffffff 01')],
    ['what nests too deep', Buffer.concat([hex('a1 4161'), Buffer.alloc(200, 0x81), hex('00')])],
    ['what would exhaust the stack', Buffer.concat([hex('a1 4161'), Buffer.alloc(1 << 20, 0x81), hex('00')])],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeCbor(bytes)).toThrow(DecodeError)
  })

  test('no bytes do anything but decode or be refused', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.constant(hex('a1 4161')), fc.uint8Array({ maxLength: 60 })).map((parts) => Buffer.concat(parts)),
    )
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          decodeCbor(given)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

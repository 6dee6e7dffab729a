import { expect, test } from 'vitest'
import { duplicateFields, scanJson } from './json-scan.ts'

test('keys are counted, and how deep they are', () => {
  expect(scanJson(Buffer.from('{"a:{":[{"b":"\\"]"}],"a:{":1}'))).toEqual({ keys: 3, depth: 3 })
})

test('fields that stand twice are named by their paths', () => {
  expect(duplicateFields('{"a":1,"b":{"c":[{"d":1,"d":2}],"c":1},"a":{"a":1}}')).toEqual(['b.c[0].d', 'b.c', 'a'])
  expect(duplicateFields(String.raw`{"a\\":"\"{\\","a\\":"","b":"\\\"","b":1}`)).toEqual(['a\\', 'b'])
  expect(duplicateFields('{"__proto__":1,"constructor":1,"__proto__":2}')).toEqual(['__proto__'])
})

// Each of so many was looked up among all found before, which took minutes.
test('of very many the first hundred are told, and not all of a long path', () => {
  const many = Array.from({ length: 200_000 }, (_, index) => `"${index}":1,"${index}":1`)
  expect(duplicateFields(`{${many.join(',')}}`)).toHaveLength(100)
  const [path] = duplicateFields(`{"${'x'.repeat(1 << 20)}":{"a":1,"a":1}}`)
  expect(path).toHaveLength(1024)
})

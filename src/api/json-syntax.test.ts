import { expect, test } from 'vitest'
import { jsonSyntaxProblem } from './json-syntax.ts'

test.each([
  ['', 'unexpected end of JSON input'],
  ['{nope', "invalid character 'n' looking for beginning of object key string"],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['hello', "invalid character 'h' looking for beginning of value"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 2}', "invalid character '2' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a":[{"b":"c\nd"}]}', "invalid character '\\n' in string literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1e+"', `invalid character '"' in exponent of numeric literal`],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
  ['01', "invalid character '1' after top-level value"],
  ['{} {}', "invalid character '{' after top-level value"],
  ['{"a":{"b":[1,2', 'unexpected end of JSON input'],
  ['"open', 'unexpected end of JSON input'],
])('%j', (text, problem) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError)
  expect(jsonSyntaxProblem(text)).toBe(problem)
})

test.each(['{}', '[]', ' {"a":[1,-0.5e3,"\\u00e9\\n",true,false,null,{},[]]} ', '"x"', '0'])('nothing is wrong with %s', (text) => {
  expect(jsonSyntaxProblem(text)).toBeUndefined()
})

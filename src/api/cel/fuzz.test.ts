import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Compiled, compileCel } from './compile-cel.ts'
import { adaptJson } from './json-values.ts'
import { standardFunctions } from './library/standard.ts'
import { dyn } from './types.ts'

const environment = { functions: standardFunctions, variables: new Map([['self', dyn]]) }
const compile = (source: string): Compiled => compileCel(source, environment)

const words = [
  ...[
    'self',
    'self.a',
    'self.b',
    'x',
    '1',
    '-1',
    '2u',
    '0.5',
    '"text"',
    "'é😀'",
    'b"\\xff"',
    'true',
    'null',
    '[1, 2]',
    '{"k": 1}',
    '[]',
    '{}',
  ],
  ...['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', '!', '?', ':', 'in', '.', '.?', '[', '[?', ']', '(', ')', '{', '}', ','],
  ...['has(', 'size(', 'string(', 'int(', 'type(', 'duration("1s")', 'timestamp("2020-01-01T00:00:00Z")', 'quantity("1Gi")', 'ip("::1")'],
  ...['.all(x, ', '.exists(x, ', '.map(x, ', '.filter(x, ', '.transformMap(k, v, ', '.matches("a*")', '.split("")', '.format([self])'],
  ...[
    '.orValue(',
    'optional.of(',
    '.hasValue()',
    '.sum()',
    '.indexOf("e")',
    '.substring(1)',
    '__proto__',
    '.constructor',
    '//',
    '\n',
    '\u0000',
  ],
]

/** Expressions that compile more often than not. */
const { expression } = fc.letrec<{ expression: string; leaf: string }>((tie) => ({
  leaf: fc.constantFrom(
    'self',
    'self.a',
    'self.list',
    'self.map',
    'self.text',
    '1',
    '-3',
    '2u',
    '1.5',
    '"é😀"',
    'true',
    'null',
    '[1, 2]',
    '{"k": [1]}',
  ),
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '/', '%', '==', '<', '&&', '||', 'in'), tie('expression'))
      .map(([left, operator, right]) => `dyn(${left}) ${operator} dyn(${right})`),
    fc.tuple(tie('expression'), tie('expression')).map(([list, each]) => `dyn(${list}).map(x, ${each})`),
    fc.tuple(tie('expression'), tie('expression')).map(([list, each]) => `dyn(${list}).exists(x, dyn(x) == dyn(${each}))`),
    fc.tuple(tie('expression'), tie('expression')).map(([map, each]) => `dyn(${map}).transformList(k, v, ${each})`),
    fc.tuple(tie('expression'), tie('expression')).map(([from, key]) => `dyn(${from})[?dyn(${key})].orValue(dyn(1))`),
    tie('expression').map((text) => `string(dyn(${text})).split("").join("-").replace("", "ab")`),
    tie('expression').map((list) => `[dyn(${list})].map(x, [dyn(x), dyn(x)])`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(dyn(${a}) == dyn(${b})) ? dyn(${b}) : dyn(${c})`),
  ),
}))

const self = adaptJson({ a: 1, list: [1, 'b', null, { c: 2.5 }], map: { __proto__x: 1, constructor: 'c' }, text: 'text é😀' })

describe('expressions from anywhere', () => {
  test('are compiled or refused, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((all) => all.join(' ')),
        ),
        (source) => {
          const compiled = compile(source)
          if (compiled.type === 'mistakes') expect(compiled.text).toContain('ERROR: <input>:')
          else compiled.program.evaluate(new Map([['self', self]]), 100_000)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('come to the same end in turns as at once, within their limit', async () => {
    await fc.assert(
      fc.asyncProperty(expression, async (source) => {
        const compiled = compile(source)
        if (compiled.type === 'mistakes') return
        const bindings = new Map([['self', self]])
        const atOnce = compiled.program.evaluate(bindings, 200_000)
        expect(atOnce.type === 'exceeded' || atOnce.cost <= 200_000).toBe(true)
        const inTurns = await compiled.program.evaluateInTurns(bindings, 200_000)
        expect([inTurns.type, inTurns.cost]).toEqual([atOnce.type, atOnce.cost])
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    '('.repeat(5000),
    '['.repeat(5000),
    '!'.repeat(100_000),
    '-'.repeat(99_999),
    'a.'.repeat(40_000),
    '{1:'.repeat(3000),
    'a?'.repeat(3000),
    '"'.repeat(5001),
    `${'1+'.repeat(40_000)}1`,
    `${'x&&'.repeat(30_000)}x`,
    'a'.repeat(100_001),
  ])('are refused soon: %s', (source) => {
    const before = process.threadCpuUsage()
    expect(compile(source).type).toBe('mistakes')
    const { user } = process.threadCpuUsage(before)
    expect(user / 1000).toBeLessThan(1500)
  })
})

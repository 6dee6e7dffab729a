import { describe, expect, test } from 'vitest'
import { formatSelector, matchesLabels, parseLabelSelector, selectorOf } from './label-selector.ts'

describe('a label selector', () => {
  test.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a=', { a: '' }, true],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (b, c)', { a: 'c' }, true],
    ['a notin (b,c)', { a: 'b' }, false],
    ['a notin (b,c)', {}, true],
    ['a', { a: 'x' }, true],
    ['!a', { a: 'x' }, false],
    ['!a', {}, true],
    ['n>3', { n: '4' }, true],
    ['n<3', { n: '4' }, false],
    ['n>3', { n: 'x' }, false],
    ['a=b,c=d', { a: 'b', c: 'd' }, true],
    ['a=b,c=d', { a: 'b' }, false],
    ['app.kubernetes.io/name=web', { 'app.kubernetes.io/name': 'web' }, true],
    ['constructor', {}, false],
  ])('%s on %j: %s', (text, labels, matches) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(matches)
  })

  test.each(['a in b', 'a in (b', '=b', 'a=b c=d', ',', '!', '$x=1'])('%s is refused', (text) => {
    expect(() => parseLabelSelector(text)).toThrow('unable to parse requirement')
  })

  test.each([
    ['a=-x', 'values[0][a]: Invalid value: "-x": a valid label must be an empty string or consist of'],
    [`a=${'x'.repeat(64)}`, 'must be no more than 63 characters'],
    [`${'x'.repeat(64)}=a`, '<nil>: Invalid value: "xxx'],
    ['a/b/c=x', 'a qualified name must consist of'],
    ['a in (b,_)', 'values[0][a]: Invalid value: "_"'],
    ['n>x', `values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
    ['n<9223372036854775808', 'the value must be an integer'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parseLabelSelector(text)).toThrow(why)
  })

  test('of very many values is asked of very many objects', () => {
    const values = Array.from({ length: 9000 }, (_, index) => `v${index}`)
    const selector = parseLabelSelector(`a in (${values.join(',')})`)
    let matching = 0
    for (let index = 0; index < 50_000; index++) if (matchesLabels(selector, { a: `v${index}` })) matching++
    expect(matching).toBe(9000)
  })

  test.each(['a=b', 'a!=b', 'a in (b,c)', 'a notin (b,c)', 'a', '!a', 'n>3,m<4'])('%s is written as it was read', (text) => {
    expect(formatSelector(parseLabelSelector(text))).toBe(text)
  })

  test('none selects nothing, an empty one everything', () => {
    expect(selectorOf(undefined)).toBeUndefined()
    expect(matchesLabels(selectorOf({}) ?? [], { a: 'b' })).toBe(true)
    expect(
      matchesLabels(selectorOf({ matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'Exists' }] }) ?? [], { a: 'b' }),
    ).toBe(false)
  })
})

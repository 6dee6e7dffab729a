import { describe, expect, it } from 'vitest'
import { compileCel, costPerExpression } from './compile-cel.ts'
import { adaptJson } from './json-values.ts'
import { standardFunctions } from './library/standard.ts'
import { showDuration, showTimestamp } from './times.ts'
import { dyn } from './types.ts'
import { CelDuration, CelList, CelMap, CelOptional, CelTimestamp, CelTypeValue, CelUint, type CelValue } from './values.ts'

const self = {
  name: 'web',
  replicas: 3,
  ratio: 0.5,
  labels: { app: 'web', tier: 'front' },
  ports: [{ port: 80 }, { port: 443, name: 'https' }],
  tags: ['a', 'b', 'c'],
  created: '2026-01-02T03:04:05Z',
  nothing: null,
}

function evaluate(source: string, limit = costPerExpression) {
  const compiled = compileCel(source, { functions: standardFunctions, variables: new Map([['self', dyn]]) })
  if (compiled.type === 'mistakes') throw new Error(compiled.text)
  return compiled.program.evaluate(new Map([['self', adaptJson(self)]]), limit)
}

/** A value as plain data. */
function plain(value: CelValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof CelUint) return `${value.value}u`
  if (value instanceof CelTimestamp) return showTimestamp(value)
  if (value instanceof CelDuration) return showDuration(value)
  if (value instanceof CelTypeValue) return value.name
  if (value instanceof CelList) return [...value].map(plain)
  if (value instanceof CelMap)
    return Object.fromEntries([...value.keys()].map((key) => [String(plain(key)), plain(value.get(key) ?? null)]))
  if (value instanceof CelOptional) return value.value === undefined ? 'none' : { some: plain(value.value) }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  return value
}

const resultOf = (source: string): unknown => {
  const result = evaluate(source)
  return result.type === 'value' ? plain(result.value) : result.type === 'error' ? { error: result.message } : 'exceeded'
}

const costOf = (source: string) => evaluate(source).cost

describe('values of expressions', () => {
  it.each<[string, unknown]>([
    ['1 + 2 * 3', 7],
    ['-7 / 2', -3],
    ['-7 % 2', -1],
    ['1 + 1 == 2 && !false', true],
    ['"a" + \'b\' + """c"""', 'abc'],
    ["r'\\n'", '\\n'],
    ["'\\u00e9\\x41\\101'", 'éAA'],
    ["b'\\xff\\377'", '\xff\xff'],
    ['9223372036854775807 + 1', { error: 'integer overflow' }],
    ['string(-9223372036854775808)', '-9223372036854775808'],
    ['0x10', 16],
    ['1u + 2u', '3u'],
    ['1u - 2u', { error: 'unsigned integer overflow' }],
    ['1 / 0', { error: 'division by zero' }],
    ['1 % 0', { error: 'modulus by zero' }],
    ['1.0 / 0.0 > 1e300', true],
    ['dyn(1) == dyn(1.0)', true],
    ['dyn(1) == dyn("1")', false],
    ['1 < 1.5', true],
    ['1u < 2', true],
    ['self.replicas > 2 ? "many" : "few"', 'many'],
    ['self.missing', { error: 'no such key: missing' }],
    ['self.missing == 1 || true', true],
    ['true || self.missing == 1', true],
    ['self.missing == 1 && false', false],
    ['has(self.name) && !has(self.missing)', true],
    ['has(self.nothing) && self.nothing == null', true],
    ['self.labels["app"]', 'web'],
    ['"app" in self.labels && !("x" in self.labels)', true],
    ['2 in [1, 2, 3]', true],
    ['self.tags[3]', { error: 'index out of bounds: 3' }],
    ['self.tags[1]', 'b'],
    ['size(self.tags) + self.name.size()', 6],
    ['"a😀b".size()', 3],
    ['"a😀b".charAt(1)', '😀'],
    ['self.ports.all(p, p.port > 0)', true],
    ['self.ports.exists(p, p.name == "https")', true],
    ['self.ports.all(p, p.name == "https")', { error: 'no such key: name' }],
    ['self.ports.exists_one(p, has(p.name))', true],
    ['self.ports.map(p, p.port + 1)', [81, 444]],
    ['self.ports.map(p, has(p.name), p.name)', ['https']],
    ['self.ports.filter(p, p.port > 100).size()', 1],
    ['self.labels.all(k, self.labels[k] != "")', true],
    [
      '[1, 2].map(x, [3, 4].map(y, x * y))',
      [
        [3, 4],
        [6, 8],
      ],
    ],
    ['[1, 2].all(i, v, v == i + 1)', true],
    ['{"a": 1}.transformMap(k, v, v + 1)', { a: 2 }],
    ['["x", "y"].transformList(i, v, string(i) + v)', ['0x', '1y']],
    ['["x", "y"].transformMapEntry(i, v, {v: i})', { x: 0, y: 1 }],
    ['[1, 2] + [3]', [1, 2, 3]],
    ['{"a": dyn(1), "b": dyn([true])}', { a: 1, b: [true] }],
    ['{"a": 1, "a": 2}', { error: 'Failed with repeated key: a' }],
    ['self.?missing.orValue(5)', 5],
    ['self.?labels.?app.orValue("x")', 'web'],
    ['self[?"missing"].hasValue()', false],
    ['optional.of(1).optMap(x, x + 1)', { some: 2 }],
    ['optional.none().orValue(3)', 3],
    ['[?self.?missing, 1]', [1]],
    ['{?"a": self.?name}', { a: 'web' }],
    ['"Hello".lowerAscii() + "x".upperAscii()', 'helloX'],
    ['"a,b,c".split(",", 2)', ['a', 'b,c']],
    ['"a-b-c".replace("-", "+", 1)', 'a+b-c'],
    ['["a", "b"].join("/")', 'a/b'],
    ['"tacocat".substring(0, 4)', 'taco'],
    ['"tacocat".substring(5, 2)', { error: 'invalid substring range. start: 5, end: 2' }],
    ['"hello".indexOf("l") + "hello".lastIndexOf("l")', 5],
    ['"  x ".trim()', 'x'],
    ['"%s is %d, %.2f and %x".format([dyn("a"), 5, 1.234, 255])', 'a is 5, 1.23 and ff'],
    ['"abc".matches("^a.c$")', true],
    ['"abc123".find("[0-9]+")', '123'],
    ['"1, 2, 3".findAll("[0-9]+", 2)', ['1', '2']],
    ['[1, 2, 3].sum() + [3, 1].min() + [3, 1].max()', 10],
    ['[2, 1].isSorted()', false],
    ['self.tags.isSorted()', true],
    ['[].sum()', 0],
    ['["a", "b"].indexOf("b")', 1],
    ['sets.contains([1, 2], [2])', true],
    ['sets.equivalent([1, 1], [1])', true],
    ['timestamp(self.created).getFullYear()', 2026],
    ['timestamp(self.created) + duration("1h30m")', '2026-01-02T04:34:05Z'],
    ['timestamp("2026-01-02T00:00:00Z") - timestamp("2026-01-01T00:00:00Z") == duration("24h")', true],
    ['timestamp("2026-01-02T00:00:00Z").getHours("-08:00")', 16],
    ['timestamp("2026-07-02T00:00:00Z").getHours("America/New_York")', 20],
    ['duration("90s").getMinutes()', 1],
    ['string(duration("1.5s"))', '1.5s'],
    ['int("42") + int(3.9) + int(2u)', 47],
    ['int("x")', { error: "type conversion error from 'string' to 'int'" }],
    ['string(1e30) + string(true) + string(1.5)', '1e+30true1.5'],
    ['type(1) == int && type("x") == string', true],
    ['bytes("é").size()', 2],
    ['quantity("1Gi").isGreaterThan(quantity("1G"))', true],
    ['quantity("1500m").add(quantity("500m")).asInteger()', 2],
    ['isQuantity("1x")', false],
    ['quantity("50k") == quantity("50000")', true],
    ['ip("10.0.0.1").family()', 4],
    ['isIP("10.0.0.256") || isIP("::ffff:1.2.3.4")', false],
    ['ip.isCanonical("2001:DB8::1")', false],
    ['string(ip("2001:0db8:0:0:0:0:0:1"))', '2001:db8::1'],
    ['cidr("10.0.0.0/8").containsIP("10.1.2.3")', true],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', true],
    ['string(cidr("10.1.2.3/8").masked())', '10.0.0.0/8'],
    ['url("https://example.com:80/a?k=v").getHostname()', 'example.com'],
    ['url("https://example.com/a?k=v&k=w").getQuery()', { k: ['v', 'w'] }],
    ['isURL("../x")', false],
    ['format.dns1123Label().validate("a-b")', 'none'],
    ['format.named("nope").hasValue()', false],
    ['semver("1.2.3").isLessThan(semver("1.10.0"))', true],
    ['semver("1.0.0-alpha.1").compareTo(semver("1.0.0"))', -1],
    ['isSemver("v1.0", true)', true],
  ])('%s', (source, wanted) => {
    expect(resultOf(source)).toEqual(wanted)
  })
})

describe('mistakes', () => {
  it.each<[string, string]>([
    ['self.name ==', "mismatched input '<EOF>' expecting {'[', '{'"],
    ['foo', "undeclared reference to 'foo' (in container '')"],
    ['1 == 1.0', "found no matching overload for '_==_' applied to '(int, double)'"],
    ['"a".foo()', "undeclared reference to 'foo' (in container '')"],
    ['"a".size(1)', "found no matching overload for 'size' applied to 'string.(int)'"],
    ['[1, "a"]', "expected type 'int' but found 'string'"],
    ['1.all(x, true)', "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
    ['"a".b', "type 'string' does not support field selection"],
    ['[1].all(x + 1, true)', 'argument must be a simple name'],
    ['has(self)', 'invalid argument to has() macro'],
    ['namespace', 'reserved identifier: namespace'],
    ['"a".matches("(")', 'invalid matches argument'],
    ['duration("x")', 'invalid duration argument'],
    ['self.a #', "token recognition error at: '#'"],
    [`${'('.repeat(300)}1${')'.repeat(300)}`, 'expression recursion limit exceeded: 250'],
    [`1${'+1'.repeat(300)}`, 'expression recursion limit exceeded: 250'],
  ])('%s', (source, wanted) => {
    expect(() => evaluate(source)).toThrow(wanted)
  })

  it('shows the place as cel-go does', () => {
    expect(() => evaluate('true &&\n  self.x == bar')).toThrow(
      "ERROR: <input>:2:13: undeclared reference to 'bar' (in container '')\n |   self.x == bar\n | ............^",
    )
  })

  it('takes long chains of && and ||', () => {
    expect(resultOf(Array(5000).fill('true').join(' && '))).toBe(true)
  })
})

describe('limits', () => {
  it.each([
    '[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, [1,2,3,4,5,6,7,8,9,10].map(d, [1,2,3,4,5,6,7,8,9,10].map(e, [1,2,3,4,5,6,7,8,9,10].map(f, a))))))',
    `["${'a'.repeat(1000)}"]${'.map(x, x + x)'.repeat(40)}.size() > 0`,
    `["${'a'.repeat(1000)}"]${'.map(x, x.replace("", x))'.repeat(6)}.size() > 0`,
    `[[1]]${'.map(x, x + x)'.repeat(100)}[0].all(x, x == 1)`,
    `["${'a'.repeat(5000)}!"]${'.map(x, x + x)'.repeat(6)}.all(x, x.matches("(a{1,500}){1,2}(a*)*$"))`,
  ])('ends in time: %s', (source) => {
    const before = process.threadCpuUsage()
    expect(evaluate(source).type).toBe('exceeded')
    const { user } = process.threadCpuUsage(before)
    expect(user / 1000).toBeLessThan(2000)
  })
})

describe('costs', () => {
  it.each<[string, number]>([
    ['1 + 2', 1],
    ['self.name', 2],
    ['has(self.name)', 1],
    ['self.name == "web"', 3],
    ['[1, 2, 3]', 10],
    ['{"a": 1}', 30],
    ['"abc".startsWith("a")', 1],
    ['[1, 2, 3].all(x, x > 0)', 10 + 3 * 5 + 1],
  ])('%s', (source, wanted) => {
    expect(costOf(source)).toBe(wanted)
  })
})

import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, int, opaque } from '../types.ts'
import { CelOpaque } from '../values.ts'

const name = 'kubernetes.Semver'

export class CelSemver extends CelOpaque {
  readonly typeName = name
  readonly numbers: readonly [bigint, bigint, bigint]
  readonly prerelease: readonly string[]
  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    super()
    this.numbers = numbers
    this.prerelease = prerelease
  }
  equals(other: CelOpaque): boolean {
    return other instanceof CelSemver && compare(this, other) === 0n
  }
}

const order = (one: bigint | number | string, other: bigint | number | string): bigint => (one < other ? -1n : one > other ? 1n : 0n)

function compare(one: CelSemver, other: CelSemver): bigint {
  for (const index of [0, 1, 2] as const) {
    const found = order(one.numbers[index], other.numbers[index])
    if (found !== 0n) return found
  }
  if (one.prerelease.length === 0 || other.prerelease.length === 0)
    return order(Number(one.prerelease.length === 0), Number(other.prerelease.length === 0))
  for (const [index, left] of one.prerelease.entries()) {
    const right = other.prerelease[index]
    if (right === undefined) return 1n
    const found = comparePart(left, right)
    if (found !== 0n) return found
  }
  return order(one.prerelease.length, other.prerelease.length)
}

const isDigits = (text: string) => /^\d+$/.test(text)

/** Numbers come before words. */
function comparePart(left: string, right: string): bigint {
  if (isDigits(left) && isDigits(right)) return order(BigInt(left), BigInt(right))
  if (isDigits(left) !== isDigits(right)) return isDigits(left) ? -1n : 1n
  return order(left, right)
}

const number = '(0|[1-9]\\d{0,18})'
const word = '(?:0|[1-9]\\d{0,18}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const pattern = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${word}(?:\\.${word})*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$`)

function parse(text: string): CelSemver | string {
  if (text === '') return 'Version string empty'
  const match = pattern.exec(text)
  if (!match)
    return text.split('.').length < 3
      ? 'No Major.Minor.Patch elements found'
      : `Invalid character(s) found in version ${JSON.stringify(text)}`
  const [, major = '', minor = '', patch = '', prerelease] = match
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], prerelease?.split('.') ?? [])
}

/** Takes off a `v` and leading zeros, and adds what is missing. */
function normalized(text: string): CelSemver | string {
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.')
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length > 0 ? [rest.join('.')] : [])].map((part) =>
    part.length > 1 ? part.replace(/^0+(?=\d)/, '') : part,
  )
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return 'short version cannot contain PreRelease/Build meta data'
  while (parts.length < 3) parts.push('0')
  return parse(parts.join('.'))
}

function semverOf(parsed: CelSemver | string): CelSemver {
  if (typeof parsed === 'string') throw new CelError(parsed)
  return parsed
}

const read = (text: string, normalize: boolean) => (normalize ? normalized(text) : parse(text))
const type = opaque(name)
const self = f.instanceOf(name, CelSemver)

export const semvers: readonly Overload[] = [
  global('semver', [f.string], type, (text) => semverOf(parse(text)), 'rebuild'),
  global('semver', [f.string, f.bool], type, (text, normalize) => semverOf(read(text, normalize)), 'rebuild'),
  global('isSemver', [f.string], bool, (text) => typeof parse(text) !== 'string', 'rebuild'),
  global('isSemver', [f.string, f.bool], bool, (text, normalize) => typeof read(text, normalize) !== 'string', 'rebuild'),
  member('isGreaterThan', [self, self], bool, (one, other) => compare(one, other) > 0n),
  member('isLessThan', [self, self], bool, (one, other) => compare(one, other) < 0n),
  member('compareTo', [self, self], int, compare),
  member('major', [self], int, ({ numbers }) => numbers[0]),
  member('minor', [self], int, ({ numbers }) => numbers[1]),
  member('patch', [self], int, ({ numbers }) => numbers[2]),
]

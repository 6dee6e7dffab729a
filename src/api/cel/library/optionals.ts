import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, optionalOf, param } from '../types.ts'
import { CelDuration, CelList, CelMap, CelOptional, CelTimestamp, CelUint, type CelValue, none } from '../values.ts'

const A = param('A')
const maybe = f.optional(A)

/** Whether a value is its type's empty one. */
function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true
  if (value instanceof CelUint) return value.value === 0n
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0
  if (value instanceof CelTimestamp) return false
  if (value instanceof CelDuration) return value.nanos === 0n
  return value instanceof CelOptional && value.value === undefined
}

export const optionals: readonly Overload[] = [
  global('optional.of', [f.A], optionalOf(A), (value) => new CelOptional(value)),
  global('optional.ofNonZeroValue', [f.A], optionalOf(A), (value) => (isZero(value) ? none : new CelOptional(value))),
  global('optional.none', [], optionalOf(A), () => none),
  member('hasValue', [maybe], bool, ({ value }) => value !== undefined),
  member('value', [maybe], A, ({ value }) => {
    if (value === undefined) throw new CelError('optional.none() dereference')
    return value
  }),
  member('or', [maybe, maybe], optionalOf(A), (one, other) => (one.value === undefined ? other : one)),
  member('orValue', [maybe, f.A], A, ({ value }, other) => (value === undefined ? other : value)),
]

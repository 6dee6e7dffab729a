import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../../quantity.ts'
import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, double, int, opaque } from '../types.ts'
import { CelOpaque, maxInt, minInt } from '../values.ts'

const name = 'kubernetes.Quantity'
const one = 1_000_000_000n

export class CelQuantity extends CelOpaque {
  readonly typeName = name
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }
  equals(other: CelOpaque): boolean {
    return other instanceof CelQuantity && other.quantity.nanos === this.quantity.nanos
  }
}

const type = opaque(name)
const self = f.instanceOf(name, CelQuantity)

function quantityOf(text: string): CelQuantity {
  const quantity = parseQuantity(text)
  if (!quantity) throw new CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
  return new CelQuantity(quantity)
}

const wholeOf = ({ quantity: { nanos } }: CelQuantity): bigint | undefined =>
  nanos % one === 0n && nanos / one <= maxInt && nanos / one >= minInt ? nanos / one : undefined

function asInteger(quantity: CelQuantity): bigint {
  const whole = wholeOf(quantity)
  if (whole === undefined) throw new CelError('cannot convert value to integer')
  return whole
}

const plus = (left: Quantity, right: Quantity, sign: bigint) =>
  new CelQuantity(addQuantities(left, { ...right, nanos: right.nanos * sign }))
const units = (value: bigint): Quantity => ({ nanos: value * one, format: 'decimal' })

export const quantities: readonly Overload[] = [
  global('quantity', [f.string], type, quantityOf, 'rebuild'),
  global('isQuantity', [f.string], bool, (text) => parseQuantity(text) !== undefined, 'rebuild'),
  member('sign', [self], int, ({ quantity: { nanos } }) => (nanos > 0n ? 1n : nanos < 0n ? -1n : 0n)),
  member('asInteger', [self], int, asInteger),
  member('isInteger', [self], bool, (quantity) => wholeOf(quantity) !== undefined),
  member('asApproximateFloat', [self], double, ({ quantity: { nanos } }) => Number(nanos) / 1e9),
  member('isGreaterThan', [self, self], bool, (left, right) => compareQuantities(left.quantity, right.quantity) > 0),
  member('isLessThan', [self, self], bool, (left, right) => compareQuantities(left.quantity, right.quantity) < 0),
  member('compareTo', [self, self], int, (left, right) => BigInt(compareQuantities(left.quantity, right.quantity))),
  member('add', [self, self], type, (left, right) => plus(left.quantity, right.quantity, 1n)),
  member('add', [self, f.int], type, (left, right) => plus(left.quantity, units(right), 1n)),
  member('sub', [self, self], type, (left, right) => plus(left.quantity, right.quantity, -1n)),
  member('sub', [self, f.int], type, (left, right) => plus(left.quantity, units(right), -1n)),
]

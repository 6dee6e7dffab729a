import { addQuantities, compareQuantities, parseQuantity, type Quantity } from './quantity.ts'

/** Exact amounts by resource name, which keep the format in which people wrote them. */
export type Quantities = ReadonlyMap<string, Quantity>

export const zeroQuantity: Quantity = { nanos: 0n, format: 'decimal' }

export const quantitiesOf = (list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text) ?? zeroQuantity]))

/** Adds amounts in place. */
export function addAll(into: Map<string, Quantity>, amounts: Quantities): Map<string, Quantity> {
  for (const [name, amount] of amounts) into.set(name, addQuantities(into.get(name) ?? zeroQuantity, amount))
  return into
}

/** The larger one of each resource, in place. */
export function raiseAll(into: Map<string, Quantity>, amounts: Quantities): Map<string, Quantity> {
  for (const [name, amount] of amounts) {
    const before = into.get(name)
    if (!before || compareQuantities(before, amount) < 0) into.set(name, amount)
  }
  return into
}

import { milliUnits, wholeUnits } from './quantity.ts'

/**
 * Amounts of a pod or a node by resource name, in the smallest unit that is counted: thousandths of `cpu`, whole units
 * (bytes, pods, devices) of everything else. Plain numbers: exact up to 8 PiB.
 */
export type Amounts = ReadonlyMap<string, number>

export type ResourceList = Readonly<Record<string, string>>

const amountOf = (resource: string, quantity: string) => (resource === 'cpu' ? milliUnits(quantity) : wholeUnits(quantity))

export const amountsOf = (list: ResourceList | undefined): Map<string, number> =>
  new Map(Object.entries(list ?? {}).map(([resource, quantity]) => [resource, amountOf(resource, quantity)]))

/** Adds (or, with -1, takes away) amounts in place. */
export function accumulate(into: Map<string, number>, amounts: Amounts, sign: 1 | -1 = 1): Map<string, number> {
  for (const [resource, amount] of amounts) into.set(resource, (into.get(resource) ?? 0) + sign * amount)
  return into
}

/** The larger one of each resource, in place. */
export function raise(into: Map<string, number>, amounts: Amounts): Map<string, number> {
  for (const [resource, amount] of amounts) into.set(resource, Math.max(into.get(resource) ?? 0, amount))
  return into
}

/** Counts as the API shows them: a zero is left out. */
export function counted<Name extends string>(counts: Readonly<Record<Name, number>>): Partial<Record<Name, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<Record<Name, number>>
}

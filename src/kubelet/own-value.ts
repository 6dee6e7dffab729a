/** What a map has under a key that a user chose: `constructor` and the like are there only where somebody wrote them. */
export const ownValue = <Value>(map: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined =>
  map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined

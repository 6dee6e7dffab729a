/**
 * A set of field paths as `fieldsV1` has it: `f:name` a field or a key of a map, `k:{…}` an item of a list by its keys,
 * `v:…` an item of a set. A path is in the set when its node is empty or has `.`; undefined is the empty set. Sets are
 * values: nothing here changes one, and results share parts with what they were made of.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

const self = '.'
const leaf: FieldSet = Object.freeze({})

export const leafSet: FieldSet = leaf

/** The set of these children, and of the node itself where it is a member. */
export function nodeOf(isMember: boolean, children: Record<string, FieldSet>): FieldSet | undefined {
  for (const _ in children) return isMember ? { [self]: leaf, ...children } : children
  return isMember ? leaf : undefined
}

export function isMember(set: FieldSet): boolean {
  if (self in set) return true
  for (const _ in set) return false
  return true
}

export function union(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || left === right) return right
  if (right === undefined) return left
  const children: Record<string, FieldSet> = {}
  for (const element of Object.keys(left)) if (element !== self) put(children, element, union(left[element], own(right, element)))
  for (const element of Object.keys(right)) if (element !== self && !Object.hasOwn(left, element)) put(children, element, right[element])
  return nodeOf(isMember(left) || isMember(right), children)
}

/** What of `left` is not in `right`; to take out a path does not take out what is below it. */
export function difference(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return left
  const children: Record<string, FieldSet> = {}
  for (const element of Object.keys(left)) if (element !== self) put(children, element, difference(left[element], own(right, element)))
  return nodeOf(isMember(left) && !isMember(right), children)
}

export function intersection(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return undefined
  const children: Record<string, FieldSet> = {}
  for (const element of Object.keys(left)) if (element !== self) put(children, element, intersection(left[element], own(right, element)))
  return nodeOf(isMember(left) && isMember(right), children)
}

export function sameSet(left: FieldSet | undefined, right: FieldSet | undefined): boolean {
  if (left === right) return true
  if (left === undefined || right === undefined || isMember(left) !== isMember(right)) return false
  const elements = childrenOf(left)
  return elements.length === childrenOf(right).length && elements.every((element) => sameSet(left[element], own(right, element)))
}

export const childrenOf = (set: FieldSet): string[] => Object.keys(set).filter((element) => element !== self)

/** The node below an element; names like `constructor` are elements like others. */
export const own = (set: FieldSet | undefined, element: string): FieldSet | undefined =>
  set !== undefined && Object.hasOwn(set, element) ? set[element] : undefined

/** The paths in the set as errors name them: `.spec.containers[name="c"].image`, sorted. */
export function pathsOf(set: FieldSet | undefined, path = ''): string[] {
  if (set === undefined) return []
  const below = childrenOf(set)
    .sort()
    .flatMap((element) => pathsOf(set[element], path + shownElement(element)))
  return path !== '' && isMember(set) ? [path, ...below] : below
}

/** An element as errors show it. */
export function shownElement(element: string): string {
  const text = element.slice(2)
  if (element.startsWith('f:')) return `.${text}`
  if (element.startsWith('v:')) return `[=${text}]`
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}

/** Elements begin with a letter and a colon, so that no name of a field is ever `__proto__` here. */
function put(children: Record<string, FieldSet>, element: string, set: FieldSet | undefined): void {
  if (set !== undefined) children[element] = set
}

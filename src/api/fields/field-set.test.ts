import fc from 'fast-check'
import { expect, test } from 'vitest'
import { difference, type FieldSet, intersection, pathsOf, sameSet, union } from './field-set.ts'

/** Sets of few elements, so that they often meet. */
const sets: fc.Arbitrary<FieldSet | undefined> = fc
  .uniqueArray(fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"name":"c"}', 'v:"d"'), { minLength: 1, maxLength: 3 }), {
    selector: String,
    maxLength: 8,
  })
  .map((paths) => {
    const root: Record<string, unknown> = {}
    for (const path of paths) {
      let node = root
      for (const element of path) {
        node[element] ??= {}
        node = node[element] as Record<string, unknown>
      }
      node['.'] = {}
    }
    return paths.length === 0 ? undefined : simplest(root)
  })

/** A member without children is written as an empty node. */
function simplest(node: Record<string, unknown>): FieldSet {
  const children = Object.entries(node).filter(([element]) => element !== '.')
  if (children.length === 0) return {}
  return {
    ...('.' in node && { '.': {} }),
    ...Object.fromEntries(children.map(([element, child]) => [element, simplest(child as Record<string, unknown>)])),
  }
}

const asSet = (set: FieldSet | undefined) => new Set(pathsOf(set))

test('union, difference and intersection are those of the paths', () => {
  fc.assert(
    fc.property(sets, sets, (left, right) => {
      expect(asSet(union(left, right))).toEqual(asSet(left).union(asSet(right)))
      expect(asSet(difference(left, right))).toEqual(asSet(left).difference(asSet(right)))
      expect(asSet(intersection(left, right))).toEqual(asSet(left).intersection(asSet(right)))
      expect(sameSet(left, right)).toBe(String(pathsOf(left)) === String(pathsOf(right)))
    }),
  )
})

test('nothing left is the empty set', () => {
  const set = { 'f:spec': { 'f:a': {} } }
  expect(difference(set, set)).toBeUndefined()
  expect(intersection(set, { 'f:spec': {} })).toBeUndefined()
})

test('paths are written as errors name them', () => {
  const set = {
    'f:spec': { 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } }, 'f:finalizers': { 'v:"x"': {} } },
  }
  expect(pathsOf(set)).toEqual([
    '.spec.finalizers[="x"]',
    '.spec.ports[containerPort=80,protocol="TCP"]',
    '.spec.ports[containerPort=80,protocol="TCP"].name',
  ])
})

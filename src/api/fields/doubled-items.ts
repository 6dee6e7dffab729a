import type { Schema } from '../schema.ts'
import { elementsOf, granular } from './elements.ts'
import { shownElement } from './field-set.ts'

/**
 * Items that a configuration states twice in a list where each has a name of its own: nobody could say which is meant.
 * As upstream words it: `.spec.containers: duplicate entries for key [name="c"]`.
 */
export function doubledItems(schema: Schema, value: unknown, path = ''): string[] {
  const view = granular(schema, value)
  if (!view || typeof value !== 'object' || value === null) return []
  if (view.type === 'items') {
    const seen = new Set<string>()
    const told = new Set<string>()
    return elementsOf(view.list, value).flatMap(([element, item]) => {
      const below = doubledItems(view.item, item, path + shownElement(element))
      if (seen.has(element) && !told.has(element)) {
        told.add(element)
        below.unshift(`${path}: duplicate entries for key ${shownElement(element)}`)
      }
      seen.add(element)
      return below
    })
  }
  return Object.entries(value).flatMap(([field, item]) => {
    const at = view.at(field)
    return at ? doubledItems(at.schema, item, `${path}.${field}`) : []
  })
}

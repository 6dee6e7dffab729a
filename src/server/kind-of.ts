import type { Catalog } from '../api/catalog.ts'
import type { Kind } from '../api/kind.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { assert } from '../base/assert.ts'

/** The built-in kind of a resource that the server itself works with. */
export function kindOf(catalog: Catalog, { group, version, plural }: ResourceRef): Kind {
  const kind = catalog.byResource(group, version, plural)
  assert(kind, `the facts have ${plural}`)
  return kind
}

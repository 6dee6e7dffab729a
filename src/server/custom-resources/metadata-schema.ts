import type { Catalog } from '../../api/catalog.ts'
import { configMaps } from '../../api/resources.ts'
import type { Schema } from '../../api/schema.ts'
import { assert } from '../../base/assert.ts'
import { kindOf } from '../kind-of.ts'

/** The metadata that every object has. */
export function metadataSchema(catalog: Catalog): Schema {
  const { schema } = kindOf(catalog, configMaps)
  const field = schema.type === 'object' ? schema.fields.get('metadata') : undefined
  assert(field, 'every object has metadata')
  return field.schema()
}

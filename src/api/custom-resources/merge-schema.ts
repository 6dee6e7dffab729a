import { lazily } from '../../base/lazily.ts'
import type { Field, Schema } from '../schema.ts'
import type { Structural } from './structural.ts'

const any: Schema = { type: 'any' }
const text: Schema = { type: 'string' }

const fieldOf = (schema: () => Schema): Field => ({ schema, patchStrategy: [], patchMergeKey: undefined })

/** How values of a structural schema are merged and owned; `metadata` is that of every object. */
export function mergeSchema(schema: Structural, metadata: Schema, isRoot = true): Schema {
  const isObject = isRoot || schema.isEmbedded
  const properties = schema.properties()
  if (schema.type === 'array') {
    const item = schema.items()
    return {
      type: 'list',
      item: lazily(() => (item ? mergeSchema(item, metadata, false) : any)),
      list: schema.listType,
      keys: schema.listKeys,
    }
  }
  if (schema.type === 'object' || isObject) {
    const additional = schema.additional()
    if (properties.size === 0 && !isObject && !schema.keepsUnknown)
      return {
        type: 'map',
        value: lazily(() => (typeof additional === 'object' ? mergeSchema(additional, metadata, false) : any)),
        atomic: schema.isAtomicMap,
      }
    const fields = new Map([...properties].map(([name, property]) => [name, fieldOf(lazily(() => mergeSchema(property, metadata, false)))]))
    if (isObject) {
      fields.set(
        'apiVersion',
        fieldOf(() => text),
      )
      fields.set(
        'kind',
        fieldOf(() => text),
      )
      fields.set(
        'metadata',
        fieldOf(() => metadata),
      )
    }
    return {
      type: 'object',
      name: undefined,
      fields,
      required: new Set(),
      atomic: schema.isAtomicMap,
      open: schema.keepsUnknown || additional !== false,
    }
  }
  switch (schema.type) {
    case 'string':
      return text
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: schema.type }
    default:
      return schema.isIntOrString ? { type: 'int-or-string' } : any
  }
}

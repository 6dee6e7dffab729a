import { lazily } from '../base/lazily.ts'
import type { Field, ListSchema, ObjectSchema, ScalarSchema, Schema } from './schema.ts'

/** The part of an OpenAPI v2 schema that the facts use. */
export interface FactSchema {
  readonly type?: string
  readonly format?: string
  readonly $ref?: string
  readonly items?: FactSchema
  readonly additionalProperties?: FactSchema
  readonly properties?: Readonly<Record<string, FactSchema>>
  readonly required?: readonly string[]
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
}

export type Definitions = Readonly<Record<string, FactSchema>>

const machinery = 'io.k8s.apimachinery.pkg'
const scalars: Readonly<Record<string, ScalarSchema['type']>> = {
  [`${machinery}.api.resource.Quantity`]: 'quantity',
  [`${machinery}.util.intstr.IntOrString`]: 'int-or-string',
  [`${machinery}.apis.meta.v1.Time`]: 'time',
  [`${machinery}.apis.meta.v1.MicroTime`]: 'micro-time',
}

/**
 * Turns facts into resolved schemas; each definition is made once, when it is first asked for. `always` names, by
 * definition, the fields that Go always writes; `messages` marks those that Go has as pointers (`name?`).
 */
export function schemaSource(
  definitions: Definitions,
  always: Readonly<Record<string, string>> = {},
  messages: Readonly<Record<string, string>> = {},
): (definition: string) => Schema {
  const made = new Map<string, Schema>()
  const named = (name: string): Schema => {
    const known = made.get(name)
    if (known) return known
    const scalar = scalars[name]
    const fact = definitions[name]
    const schema = scalar ? { type: scalar } : fact ? resolve(fact, name) : any
    made.set(name, schema)
    return schema
  }
  const any: Schema = { type: 'any' }

  function resolve(fact: FactSchema, name: string | undefined): Schema {
    if (fact.$ref) return named(fact.$ref.slice('#/definitions/'.length))
    switch (fact.type) {
      case 'string':
        return { type: fact.format === 'byte' ? 'bytes' : 'string', ...(fact.format && { format: fact.format }) }
      case 'integer':
      case 'number':
      case 'boolean':
        return { type: fact.type, ...(fact.format && { format: fact.format }) }
      case 'array':
        return listOf(fact)
      case 'object':
        if (fact.additionalProperties) return mapOf(fact, fact.additionalProperties)
        // A struct without fields has an empty message; what may hold anything has one that holds bytes.
        return fact.properties || (name !== undefined && messages[name] === '') ? objectOf(fact, name) : any
      default:
        return any
    }
  }

  function listOf(fact: FactSchema): ListSchema {
    const listType = fact['x-kubernetes-list-type']
    return {
      type: 'list',
      item: lazily(() => resolve(fact.items ?? {}, undefined)),
      list: listType === 'set' || listType === 'map' ? listType : 'atomic',
      keys: fact['x-kubernetes-list-map-keys'] ?? [],
    }
  }

  function mapOf(fact: FactSchema, value: FactSchema): Schema {
    return { type: 'map', value: lazily(() => resolve(value, undefined)), atomic: fact['x-kubernetes-map-type'] === 'atomic' }
  }

  function objectOf(fact: FactSchema, name: string | undefined): ObjectSchema {
    const written = new Set((name === undefined ? undefined : always[name])?.split(' '))
    const plain = plainFields(messages, name)
    return {
      type: 'object',
      name,
      fields: new Map(
        Object.entries(fact.properties ?? {}).map(([field, value]) => [field, fieldOf(value, written.has(field), plain.has(field))]),
      ),
      required: new Set(fact.required),
      atomic: fact['x-kubernetes-map-type'] === 'atomic',
      open: false,
    }
  }

  function fieldOf(fact: FactSchema, isAlways: boolean, omitsZero: boolean): Field {
    return {
      // A struct that is atomic where it is used says so beside the reference.
      schema: lazily(() => {
        const schema = resolve(fact, undefined)
        return fact['x-kubernetes-map-type'] === 'atomic' && schema.type === 'object' ? { ...schema, atomic: true } : schema
      }),
      patchStrategy: fact['x-kubernetes-patch-strategy']?.split(',') ?? [],
      patchMergeKey: fact['x-kubernetes-patch-merge-key'],
      always: isAlways,
      omitsZero: omitsZero && !isAlways,
    }
  }

  return named
}

/**
 * Fields of a type's message, as scripts/import-facts.ts writes it, that are neither pointers nor always written; with those
 * of messages that are inlined in JSON (`:1:^PodSpec`).
 */
function plainFields(messages: Readonly<Record<string, string>>, name: string | undefined): ReadonlySet<string> {
  const fields = new Set<string>()
  const text = name === undefined ? '' : (messages[name] ?? '')
  for (const field of text.split(' ')) {
    const [label = '', , type = ''] = field.split(':')
    if (label !== '' && !/[?!]$/.test(label)) fields.add(label)
    if (label !== '' || type === '' || name === undefined) continue
    const inlined = type.startsWith('^') ? `${name.slice(0, name.lastIndexOf('.'))}.${type.slice(1)}` : type
    for (const inner of plainFields(messages, inlined)) fields.add(inner)
  }
  return fields
}

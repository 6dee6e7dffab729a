// Writes src/api/types/<group>-<version>.ts, one file of interfaces per group and version, from the facts in src/api/facts.
//   node scripts/generate-types.ts
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The part of an OpenAPI v2 schema that the facts use. */
interface Schema {
  type?: string
  format?: string
  $ref?: string
  items?: Schema
  additionalProperties?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

const factsPath = join(import.meta.dirname, '../src/api/facts/facts.json')
const outDir = join(import.meta.dirname, '../src/api/types')
const { definitions } = JSON.parse(readFileSync(factsPath, 'utf8')) as { definitions: Record<string, Schema> }

const scalars: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'string',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'number | string',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': '{ [field: string]: unknown }',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': '{ [field: string]: unknown }',
}

/** Splits `io.k8s.api.core.v1.Pod` into its file (`core-v1`) and name (`Pod`). */
function locate(definition: string): { file: string; name: string } {
  const parts = definition.split('.')
  const name = parts.pop() as string
  if (definition.startsWith('io.k8s.apimachinery.pkg.version')) return { file: 'version', name }
  const version = parts.pop() as string
  return { file: `${parts.pop()}-${version}`, name }
}

const files = new Map<string, { imports: Map<string, Set<string>>; body: string[] }>()
function fileOf(name: string) {
  let file = files.get(name)
  if (!file) {
    file = { imports: new Map(), body: [] }
    files.set(name, file)
  }
  return file
}

function typeOf(schema: Schema, from: string): string {
  if (schema.$ref) {
    const target = schema.$ref.replace('#/definitions/', '')
    const scalar = scalars[target]
    if (scalar) return scalar
    const { file, name } = locate(target)
    if (file !== from) {
      const imports = fileOf(from).imports
      if (!imports.has(file)) imports.set(file, new Set())
      imports.get(file)?.add(name)
      return `${alias(file)}.${name}`
    }
    return name
  }
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array': {
      const item = typeOf(schema.items ?? {}, from)
      return item.includes(' ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
    }
    case 'object':
      return schema.additionalProperties
        ? `{ [key: string]: ${typeOf(schema.additionalProperties, from)} }`
        : '{ [field: string]: unknown }'
    default:
      return 'unknown'
  }
}

const alias = (file: string) => file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
const property = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)

for (const [definition, schema] of Object.entries(definitions)) {
  if (scalars[definition]) continue
  const { file, name } = locate(definition)
  const isObject = schema.properties?.metadata?.$ref?.endsWith('ObjectMeta') && schema.properties.apiVersion !== undefined
  const isList = schema.properties?.metadata?.$ref?.endsWith('ListMeta') && schema.properties.items !== undefined
  // The server always writes apiVersion, kind and metadata, and a name; spec is written wherever the kind has one.
  const required = new Set([
    ...(schema.required ?? []),
    ...(isObject ? ['apiVersion', 'kind', 'metadata', 'spec'] : []),
    ...(isList ? ['apiVersion', 'kind', 'metadata'] : []),
    ...(name === 'ObjectMeta' ? ['name'] : []),
  ])
  const body = fileOf(file).body
  if (!schema.properties) {
    body.push(`export type ${name} = ${typeOf(schema, file)}\n`)
    continue
  }
  const lines = Object.entries(schema.properties).map(
    ([field, value]) => `  ${property(field)}${required.has(field) ? '' : '?'}: ${typeOf(value, file)}`,
  )
  body.push(`export interface ${name} {\n${lines.join('\n')}\n}\n`)
}

rmSync(outDir, { recursive: true, force: true })
mkdirSync(outDir, { recursive: true })
for (const [name, { imports, body }] of files) {
  const head = [...imports.keys()].sort().map((file) => `import type * as ${alias(file)} from './${file}.ts'\n`)
  writeFileSync(
    join(outDir, `${name}.ts`),
    `// Made by scripts/generate-types.ts from src/api/facts. Do not edit.\n${head.join('')}\n${body.join('\n')}`,
  )
}

// Writes src/api/facts/facts.json, all that is known of the built-in types, from three sources:
//   node scripts/import-facts.ts OPENAPI PROTOBUF EXECUTABLE...
// OPENAPI: { definitions, resources } – structure without texts, and a row per resource and subresource.
// PROTOBUF: all messages as protobufjs has them in JSON. EXECUTABLE: kubectl and helm, whose reflection data tells which
// fields Go has as pointers and which it writes even when nobody set them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GoField, goStructFields } from './go-struct-fields.ts'

interface ProtoField {
  readonly rule?: string
  readonly keyType?: string
  readonly type: string
  readonly id: number
}
interface ProtoNode {
  readonly fields?: Readonly<Record<string, ProtoField>>
  readonly nested?: Readonly<Record<string, ProtoNode>>
}
interface Definition {
  readonly properties?: Readonly<Record<string, { readonly type?: string; readonly $ref?: string }>>
  readonly required?: readonly string[]
}

const [openApiPath, protobufPath, ...executables] = process.argv.slice(2)
if (openApiPath === undefined || protobufPath === undefined || executables.length === 0)
  throw new Error('Usage: node scripts/import-facts.ts OPENAPI PROTOBUF EXECUTABLE...')

const { definitions, resources } = JSON.parse(readFileSync(openApiPath, 'utf8')) as {
  definitions: Record<string, Definition>
  resources: readonly unknown[]
}
const protos = new Map<string, NonNullable<ProtoNode['fields']>>()
collect(JSON.parse(readFileSync(protobufPath, 'utf8')) as ProtoNode, [])
const goTypes = new Map<string, readonly GoField[]>()
for (const executable of executables) {
  for (const [name, fields] of goStructFields(executable, (path) =>
    /^k8s\.io\/(api|apimachinery|apiextensions-apiserver|kube-aggregator)\//.test(path),
  ))
    goTypes.set(definitionName(name.replaceAll('/', '.')), fields)
}

const messages = Object.fromEntries(
  [...protos]
    .filter(([name]) => !/\.pkg\.apis\.metrics|\.api\.admission\./.test(name))
    .map(([name, fields]) => [name, messageOf(name, fields)]),
)
const always = Object.fromEntries(
  Object.keys(definitions)
    .map((name) => [name, alwaysWritten(name).join(' ')])
    .filter(([, fields]) => fields !== ''),
)
writeFileSync(join(import.meta.dirname, '../src/api/facts/facts.json'), JSON.stringify({ definitions, resources, always, messages }))

function collect(node: ProtoNode, path: readonly string[]): void {
  for (const [name, child] of Object.entries(node.nested ?? {})) {
    if (child.fields) protos.set(definitionName([...path, name].join('.')), child.fields)
    collect(child, [...path, name])
  }
}

/** `k8s.io.kube_aggregator.pkg…` → `io.k8s.kube-aggregator.pkg…`, as OpenAPI has it. */
function definitionName(name: string): string {
  return name.replace(/^\.?k8s\.io\./, 'io.k8s.').replaceAll('_', '-')
}

/**
 * A message as text: `NAME:NUMBER:TYPE` for each field. NAME is the field's in JSON, empty for a message whose fields stand
 * in its owner there; `?` after it marks a pointer (zero differs from unset), `!` a field that Go always writes. TYPE is
 * s(tring), y (bytes), i(nteger), b(oolean), d(ouble) or a message (`^` stands for the same package); `*` before it: a list,
 * `%`: a map with strings as keys.
 */
function messageOf(message: string, fields: NonNullable<ProtoNode['fields']>): string {
  const goFields = new Map(
    (goTypes.get(message) ?? []).flatMap((field) => (field.number === undefined ? [] : [[field.number, field] as const])),
  )
  const { properties, required = [] } = definitions[message] ?? {}
  return Object.entries(fields)
    .map(([name, { id, type, rule, keyType }]) => {
      const go = goFields.get(id)
      const isInlined = go ? go.inline : properties !== undefined && !(name in properties) && protos.has(definitionName(type)) && !rule
      const json = isInlined ? '' : go?.json || name
      const isKept = go ? !go.omitEmpty && !go.omitZero : required.includes(json)
      const flag = go?.shape === 'pointer' ? '?' : isKept ? '!' : ''
      const prefix = rule === 'repeated' ? '*' : keyType !== undefined ? '%' : ''
      return `${json}${json === '' ? '' : flag}:${id}:${prefix}${typeOf(type, message)}`
    })
    .join(' ')
}

function typeOf(type: string, message: string): string {
  const scalars: Record<string, string> = { string: 's', bytes: 'y', int32: 'i', int64: 'i', uint32: 'i', bool: 'b', double: 'd' }
  const scalar = scalars[type]
  if (scalar !== undefined) return scalar
  const packageName = message.slice(0, message.lastIndexOf('.'))
  const name = type.startsWith('.') ? definitionName(type) : `${packageName}.${type}`
  if (!protos.has(name)) throw new Error(`${message} has a field of the unknown type ${type}`)
  return name.startsWith(`${packageName}.`) ? `^${name.slice(packageName.length + 1)}` : name
}

/** Structs, lists and maps that Go writes even when nobody set them, so that an object without them is one with empty ones. */
function alwaysWritten(name: string): string[] {
  return (goTypes.get(name) ?? []).flatMap((field) => {
    if (field.inline) return field.shape === 'struct' && field.number !== undefined ? embedded(name, field.number) : []
    if (field.json === '') return []
    if (field.shape === 'struct') return field.omitZero ? [] : [field.json]
    return (field.shape === 'list' || field.shape === 'map') && !field.omitEmpty && !field.omitZero ? [field.json] : []
  })
}

function embedded(name: string, number: number): string[] {
  const type = Object.values(protos.get(name) ?? {}).find(({ id }) => id === number)?.type
  if (type === undefined) return []
  return alwaysWritten(type.startsWith('.') ? definitionName(type) : `${name.slice(0, name.lastIndexOf('.'))}.${type}`)
}

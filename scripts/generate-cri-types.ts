// Writes src/cri/types.ts: the messages and services of the Container Runtime Interface v1, from src/cri/protobuf.json.
//   node scripts/generate-cri-types.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Field {
  type: string
  rule?: string
  keyType?: string
}
interface Node {
  nested?: Record<string, Node>
  fields?: Record<string, Field>
  values?: Record<string, number>
  methods?: Record<string, { requestType: string; responseType: string; responseStream?: boolean }>
}

const root = JSON.parse(readFileSync(join(import.meta.dirname, '../src/cri/protobuf.json'), 'utf8')) as Node
const messages = root.nested?.runtime?.nested?.v1?.nested ?? {}

const scalars: Record<string, string> = { string: 'string', bool: 'boolean', bytes: 'Uint8Array' }
const typeOf = (name: string) => scalars[name] ?? (/^(u?int|s?fixed|sint|double|float)/.test(name) ? 'number' : name)
function fieldType(field: Field): string {
  if (field.keyType) return `{ [key: string]: ${typeOf(field.type)} }`
  return field.rule === 'repeated' ? `readonly ${typeOf(field.type)}[]` : typeOf(field.type)
}

const out: string[] = [
  '// Made by scripts/generate-cri-types.ts from src/cri/protobuf.json. Do not edit.',
  '// int64 fields are numbers: nanosecond timestamps are exact to a quarter of a microsecond. Enums are their names.',
]
for (const [name, node] of Object.entries(messages).flatMap(([name, node]) => [
  [name, node] as const,
  ...Object.entries(node.nested ?? {}),
])) {
  if (node.values)
    out.push(
      `export type ${name} = ${Object.keys(node.values)
        .map((value) => `'${value}'`)
        .join(' | ')}`,
    )
  if (node.fields) {
    const fields = Object.entries(node.fields).map(([field, fact]) => `  ${field}?: ${fieldType(fact)} | undefined`)
    out.push(`export interface ${name} {\n${fields.join('\n')}\n}`)
  }
  if (node.methods) {
    const methods = Object.entries(node.methods).map(([method, { requestType, responseType, responseStream }]) => {
      const reply = responseStream ? `AsyncIterable<${responseType}>` : `Promise<${responseType}>`
      return `  ${method[0]?.toLowerCase()}${method.slice(1)}(request: ${requestType}, signal?: AbortSignal): ${reply}`
    })
    out.push(`export interface ${name} {\n${methods.join('\n')}\n}`)
  }
}
writeFileSync(join(import.meta.dirname, '../src/cri/types.ts'), `${out.join('\n\n')}\n`)

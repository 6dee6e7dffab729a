import type { Structural } from '../structural.ts'

const tokens = /'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'/g
const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', "'": "'", '\\': '\\' }

/**
 * A path such as `.spec.labels['a']` from a part of a schema to one below it, as problems show it; or why it leads nowhere, in
 * upstream's words.
 */
export function resolveFieldPath(text: string, from: Structural): { readonly path: string } | { readonly problem: string } {
  const parts = text.match(tokens) ?? []
  let schema = from
  let path = ''
  let next = 0
  while (next < parts.length) {
    const delimiter = parts[next++]
    if (delimiter !== '.' && delimiter !== '[') return { problem: `expected [ or . but got: ${delimiter}` }
    const token = parts[next++]
    if (token === undefined) return { problem: 'unexpected end of JSON path' }
    const name = delimiter === '.' ? token : unquoted(token)
    if (typeof name !== 'string') return name
    const step = stepInto(schema, name)
    if (!step) return { problem: 'does not refer to a valid field' }
    path += step.isKey ? `[${name}]` : path === '' ? name : `.${name}`
    schema = step.schema
    if (delimiter === '.') continue
    const end = parts[next++]
    if (end === undefined) return { problem: 'unexpected end of JSON path' }
    if (end !== ']') return { problem: `expected ] but got ${end}` }
  }
  return { path }
}

function unquoted(token: string): string | { readonly problem: string } {
  if (token.length < 2 || !token.startsWith("'") || !token.endsWith("'"))
    return { problem: `expected single quoted string but got ${token}` }
  const body = token.slice(1, -1)
  const wrong = body.match(/\\./g)?.find((pair) => escapes[pair.charAt(1)] === undefined)
  if (wrong) return { problem: `invalid string literal: invalid escape char ${wrong}` }
  return body.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? '')
}

function stepInto(schema: Structural, name: string): { readonly schema: Structural; readonly isKey: boolean } | undefined {
  const properties = schema.properties()
  if (properties.size > 0) {
    const property = properties.get(name)
    return property && { schema: property, isKey: false }
  }
  const additional = schema.additional()
  return typeof additional === 'object' ? { schema: additional, isKey: true } : undefined
}

import type { Found } from '../checks.ts'
import { isJsonObject } from '../merge-patch.ts'
import { duplicate } from '../problem.ts'
import type { Structural } from './structural.ts'

/** Sets have each value once, and keyed lists each key: what a server-side apply relies on. */
export function checkLists(found: Found, schema: Structural, value: unknown, path = ''): void {
  if (Array.isArray(value)) {
    const item = schema.items()
    if (schema.listType !== 'atomic') checkOnce(found, schema, value, path)
    if (item && typeof value[0] === 'object') value.forEach((element, index) => void checkLists(found, item, element, `${path}[${index}]`))
    return
  }
  if (!isJsonObject(value)) return
  const properties = schema.properties()
  const additional = schema.additional()
  for (const name of Object.keys(value)) {
    const property = properties.get(name)
    if (property) checkLists(found, property, value[name], path === '' ? name : `${path}.${name}`)
    else if (typeof additional === 'object') checkLists(found, additional, value[name], `${path}[${name}]`)
  }
}

function checkOnce(found: Found, { listType, listKeys }: Structural, items: readonly unknown[], path: string): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    const name = listType === 'set' ? item : namesOf(item, listKeys)
    const text = canonical(name)
    if (seen.has(text)) found.push(duplicate(`${path}[${index}]`, name))
    seen.add(text)
  })
}

const namesOf = (item: unknown, keys: readonly string[]) =>
  isJsonObject(item) ? Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(item, key) ? [[key, item[key]]] : []))) : item

/** The same text for equal values, whatever the order of their fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value) ?? 'null'
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

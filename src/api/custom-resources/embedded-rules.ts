import type { Found } from '../checks.ts'
import { isJsonObject } from '../merge-patch.ts'
import { dns1035LabelProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { invalid, required } from '../problem.ts'
import type { Structural } from './structural.ts'

/** Objects of the API that stand in a custom one say what they are. */
export function checkEmbedded(found: Found, schema: Structural, value: unknown, path = ''): void {
  if (Array.isArray(value)) {
    const item = schema.items()
    if (item) value.forEach((element, index) => void checkEmbedded(found, item, element, `${path}[${index}]`))
    return
  }
  if (!isJsonObject(value)) return
  if (schema.isEmbedded) checkObject(found, value, path)
  const properties = schema.properties()
  const additional = schema.additional()
  for (const name of Object.keys(value)) {
    const property = properties.get(name)
    if (property) checkEmbedded(found, property, value[name], path === '' ? name : `${path}.${name}`)
    else if (typeof additional === 'object') checkEmbedded(found, additional, value[name], `${path}[${name}]`)
  }
}

function checkObject(found: Found, object: JsonObject, path: string): void {
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = object[field]
    const at = `${path}.${field}`
    if (value === undefined) found.push(required(at, 'must not be empty'))
    else if (typeof value !== 'string') found.push(invalid(at, value, 'must be a string'))
    else if (value === '') found.push(invalid(at, value, 'must not be empty'))
    else if (field === 'apiVersion') {
      if (value.split('/').length > 2) found.push(invalid(at, value, `unexpected GroupVersion string: ${value}`))
    } else {
      const problems = dns1035LabelProblems(value.toLowerCase())
      if (problems.length > 0) found.push(invalid(at, value, `may have mixed case, but should otherwise match: ${problems.join(',')}`))
    }
  }
}

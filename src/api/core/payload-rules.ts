import { checkFormat, type Found } from '../checks.ts'
import { jsonEqual } from '../json-equal.ts'
import { configKeyProblems } from '../names.ts'
import { forbidden, tooLong } from '../problem.ts'

/** Of all values of a ConfigMap or Secret together. */
const maxBytes = 1 << 20

type Values = Readonly<Record<string, string>> | undefined

export function checkKeys(found: Found, field: string, values: Values): void {
  for (const key of Object.keys(values ?? {})) checkFormat(found, `${field}[${key}]`, key, configKeyProblems)
}

export function checkSize(found: Found, field: string, bytes: number): void {
  if (bytes > maxBytes) found.push(tooLong(field, maxBytes))
}

/** Of text as it is in a file. */
export const textBytes = (values: Values): number => Object.values(values ?? {}).reduce((sum, text) => sum + Buffer.byteLength(text), 0)

/** Of base64 once decoded. */
export const encodedBytes = (values: Values): number =>
  Object.values(values ?? {}).reduce((sum, text) => sum + Math.floor((text.replace(/=+$/, '').length * 3) / 4), 0)

interface Payload {
  readonly immutable?: boolean
}

/** Once `immutable`, always so, and none of its values changes. */
export function checkImmutable<T extends Payload>(found: Found, object: T, old: T, fields: readonly (keyof T & string)[]): void {
  if (!old.immutable) return
  const rule = 'field is immutable when `immutable` is set'
  if (!object.immutable) found.push(forbidden('immutable', rule))
  for (const field of fields) if (!jsonEqual(object[field], old[field])) found.push(forbidden(field, rule))
}

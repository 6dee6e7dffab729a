import { type JsonObject, setField } from '../object.ts'
import { showDuration, showTimestamp } from './times.ts'
import { CelDuration, CelList, CelMap, CelOptional, CelTimestamp, CelUint, type CelValue, typeName } from './values.ts'

/** What a value has no text in JSON for. */
export class NotJson extends Error {
  override readonly name = 'NotJson'
}

/** A value as JSON has it. Throws NotJson for values of libraries' own types, and for whole numbers that JSON would change. */
export function toJson(value: CelValue): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson(`${value} has no form in JSON`)
    return value
  }
  if (typeof value === 'bigint') return whole(value)
  if (value instanceof CelUint) return whole(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof CelTimestamp) return showTimestamp(value)
  if (value instanceof CelDuration) return showDuration(value)
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value)
  if (value instanceof CelList) return [...value].map(toJson)
  if (value instanceof CelMap) {
    const object: JsonObject = {}
    for (const key of value.keys()) {
      if (typeof key !== 'string') throw new NotJson(`keys of JSON objects are strings, not ${typeName(key)}`)
      setField(object, key, toJson(value.get(key) ?? null))
    }
    return object
  }
  throw new NotJson(`${typeName(value)} has no form in JSON`)
}

function whole(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new NotJson(`${value} is beyond what JSON keeps`)
  return number
}

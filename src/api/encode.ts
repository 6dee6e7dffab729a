import { freeze } from './decode.ts'
import type { JsonObject, KubeObject } from './object.ts'
import type { ManagedFieldsEntry } from './types/meta-v1.ts'

/**
 * An object is kept without its resourceVersion, which the store gives out after encoding: kind, apiVersion and metadata
 * come first, so that the revision can be put in at a place that is found without parsing; managedFields come first in
 * metadata, so that they can be left out of parsing.
 */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object
  const { resourceVersion: _, managedFields, ...kept } = metadata
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { ...(managedFields && { managedFields }), ...kept }, ...rest }))
}

const metadataOpens = Buffer.from('"metadata":{')

/** The stored bytes with `"resourceVersion":"REVISION"` as the first field of metadata; 0 is what was never stored, and has none. */
export function spliceRevision(stored: Uint8Array, revision: number): Buffer {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (revision === 0) return buffer
  const at = buffer.indexOf(metadataOpens) + metadataOpens.length
  const comma = buffer[at] === closingBrace ? '' : ','
  return Buffer.concat([buffer.subarray(0, at), Buffer.from(`"resourceVersion":"${revision}"${comma}`), buffer.subarray(at)])
}

/** What the bytes were before this revision was put in. */
export function withoutRevision(spliced: Uint8Array, revision: number): Buffer {
  const buffer = Buffer.from(spliced.buffer, spliced.byteOffset, spliced.byteLength)
  const at = buffer.indexOf(metadataOpens) + metadataOpens.length
  const end = at + `"resourceVersion":"${revision}"`.length
  return Buffer.concat([buffer.subarray(0, at), buffer.subarray(buffer[end] === commaByte ? end + 1 : end)])
}

const closingBrace = '}'.charCodeAt(0)

const ownersOpen = Buffer.from('"managedFields":[')
const quote = '"'.charCodeAt(0)
const backslash = '\\'.charCodeAt(0)
const openBrace = '{'.charCodeAt(0)
const openBracket = '['.charCodeAt(0)
const closingBracket = ']'.charCodeAt(0)
const commaByte = ','.charCodeAt(0)

/**
 * An object from its bytes with a revision, not frozen. managedFields would be three quarters of what is decoded, and
 * hardly anybody reads them: they stay bytes, and are parsed each time somebody asks (a copy or JSON has them as always).
 */
export function decodeStored(bytes: Uint8Array): KubeObject {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const owners = findOwners(buffer)
  if (!owners) return JSON.parse(buffer.toString()) as KubeObject
  const { start, end } = owners
  const object = JSON.parse(buffer.toString('utf8', 0, start) + buffer.toString('utf8', end + 1)) as KubeObject
  encodedOwners.set(object.metadata, buffer.subarray(start + ownersOpen.length - 1, end))
  Object.defineProperty(object.metadata, 'managedFields', lazyOwners)
  return object
}

/** Freezes what decodeStored gave, without parsing managedFields. */
export function freezeStored(object: KubeObject): KubeObject {
  const metadata = object.metadata as unknown as JsonObject
  for (const name of Object.keys(metadata)) if (name !== 'managedFields' || !encodedOwners.has(metadata)) freeze(metadata[name])
  Object.freeze(metadata)
  return freeze(object)
}

/**
 * What `freezeStored(decodeStored(bytes))` would give, made of the object that the bytes were encoded from, which is
 * frozen by it. Undefined where the two would differ: an object may hold undefined, which JSON leaves out.
 */
export function adoptStored(object: KubeObject, bytes: Uint8Array, revision: number): KubeObject | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { managedFields, resourceVersion: _, ...kept } = object.metadata
  const owners = managedFields && findOwners(buffer)
  if (managedFields && !owners) return undefined
  const { kind, apiVersion, metadata: __, ...rest } = object
  if (!freezeJson(rest) || !freezeJson(kept)) return undefined
  const metadata = { resourceVersion: String(revision), ...kept }
  if (owners) {
    encodedOwners.set(metadata, buffer.subarray(owners.start + ownersOpen.length - 1, owners.end))
    Object.defineProperty(metadata, 'managedFields', lazyOwners)
  }
  Object.freeze(metadata)
  return Object.freeze({ kind, apiVersion, metadata, ...rest }) as KubeObject
}

/** Freezes a value and all in it; false as soon as something turns up that JSON does not carry. */
function freezeJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined
  for (const key of Object.keys(value)) if (!freezeJson((value as JsonObject)[key])) return false
  Object.freeze(value)
  return true
}

const labelsName = Buffer.from('labels')

/** An object's labels from its bytes, of which nothing else is decoded: what selects among very many reads them only. */
export function storedLabels(bytes: Uint8Array): Readonly<Record<string, string>> | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const metadata = buffer.indexOf(metadataOpens)
  let at = metadata < 0 ? buffer.length : metadata + metadataOpens.length
  while (buffer[at] === quote) {
    const name = at + 1
    const value = endOfText(buffer, at) + 1
    const end = endOfValue(buffer, value)
    if (buffer.compare(labelsName, 0, labelsName.length, name, value - 2) === 0)
      return JSON.parse(buffer.toString('utf8', value, end)) as Record<string, string>
    at = buffer[end] === commaByte ? end + 1 : buffer.length
  }
  return undefined
}

/** Behind the closing quote of a text that begins here. */
function endOfText(buffer: Buffer, start: number): number {
  let at = start + 1
  for (; at < buffer.length && buffer[at] !== quote; at++) if (buffer[at] === backslash) at++
  return at + 1
}

/** Where a value ends that stands in an object: before a comma, or before what closes the object. */
function endOfValue(buffer: Buffer, start: number): number {
  let depth = 0
  let at = start
  while (at < buffer.length) {
    switch (buffer[at]) {
      case quote:
        at = endOfText(buffer, at)
        continue
      case openBracket:
      case openBrace:
        depth++
        break
      case closingBracket:
      case closingBrace:
        if (depth-- === 0) return at
        break
      case commaByte:
        if (depth === 0) return at
        break
      default:
    }
    at++
  }
  return at
}

const encodedOwners = new WeakMap<object, Buffer>()

/** One getter for all, so that all metadata keep one shape. */
const lazyOwners: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: object): ManagedFieldsEntry[] | undefined {
    const bytes = encodedOwners.get(this)
    return bytes && (JSON.parse(bytes.toString()) as ManagedFieldsEntry[])
  },
}

/** From the quote before the name to behind the closing bracket; undefined where they are not at their place, or all there is. */
function findOwners(buffer: Buffer): { start: number; end: number } | undefined {
  const metadata = buffer.indexOf(metadataOpens)
  if (metadata < 0) return undefined
  const start = buffer.indexOf(commaByte, metadata + metadataOpens.length) + 1
  if (start === 0 || buffer.compare(ownersOpen, 0, ownersOpen.length, start, start + ownersOpen.length) !== 0) return undefined
  let depth = 0
  for (let at = start + ownersOpen.length - 1; at < buffer.length; at++) {
    const byte = buffer[at]
    if (byte === quote) {
      for (at++; buffer[at] !== quote && at < buffer.length; at++) if (buffer[at] === backslash) at++
    } else if (byte === openBracket) depth++
    else if (byte === closingBracket && --depth === 0) return buffer[at + 1] === commaByte ? { start, end: at + 1 } : undefined
  }
  return undefined
}

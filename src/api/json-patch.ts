import { copy, DecodeError } from './decode.ts'
import { jsonEqual } from './json-equal.ts'
import { isJsonObject } from './merge-patch.ts'
import { setField } from './object.ts'
import { shownText } from './shown-text.ts'
import { StatusError } from './status-error.ts'

const maxOperations = 10_000
/** Upstream's bound on what all `copy` operations of a patch may add: each may double the document. */
const maxCopiedBytes = 3 << 20
/** How many items of lists may give way to those before them: 10,000 operations on a list of a million would take seconds. */
const maxMovedItems = 50_000_000

/**
 * RFC 6902 on a copy, with negative indexes as upstream's library has them; BadRequest for what is no patch, Invalid for
 * one that does not apply. Keys are plain data: only what a document itself holds is found in it.
 */
export function jsonPatch(original: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw new StatusError(
      'BadRequest',
      `error decoding patch: json: cannot unmarshal ${typeof patch} into Go value of type []handlers.jsonPatchOp`,
    )
  if (patch.length > maxOperations) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    )
  }
  const pass: Pass = { root: copy(original), copiedBytes: 0, movedItems: 0 }
  try {
    for (const operation of patch) apply(pass, operation)
  } catch (cause) {
    if (cause instanceof DecodeError) throw new StatusError('BadRequest', `error decoding patch: ${cause.message}`, undefined, { cause })
    if (!(cause instanceof Inapplicable)) throw cause
    throw new StatusError('Invalid', 'the server rejected our request due to an error in our request', {}, { cause })
  }
  return pass.root
}

/** Why an operation does not apply. */
class Inapplicable extends Error {}

interface Pass {
  root: unknown
  copiedBytes: number
  movedItems: number
}

function apply(pass: Pass, operation: unknown): void {
  if (!isJsonObject(operation) || typeof operation.path !== 'string')
    throw new StatusError('BadRequest', 'error decoding patch: an operation needs a path')
  const { path } = operation
  switch (operation.op) {
    case 'add':
      return insert(pass, path, copy(givenValue(operation)))
    case 'remove':
      return void take(pass, path)
    case 'replace':
      return replace(pass, path, copy(givenValue(operation)))
    case 'move':
      return insert(pass, path, take(pass, fromOf(operation)))
    case 'copy':
      return insert(pass, path, copied(pass, find(pass, fromOf(operation))))
    case 'test':
      // What is not there equals null, as upstream has it.
      if (!jsonEqual(find(pass, path) ?? null, operation.value ?? null)) throw new Inapplicable(`testing value ${path} failed`)
      return
    default:
      throw new Inapplicable(`unexpected kind: ${shownText(operation.op)}`)
  }
}

function givenValue(operation: { [field: string]: unknown }): unknown {
  if (!Object.hasOwn(operation, 'value')) throw new Inapplicable('an operation needs a value')
  return operation.value
}

function fromOf({ from }: { [field: string]: unknown }): string {
  if (typeof from !== 'string') throw new Inapplicable('an operation needs a from')
  return from
}

/** A copy of what is copied, which counts; undefined where there is nothing. */
function copied(pass: Pass, value: unknown): unknown {
  if (value === undefined) throw new Inapplicable('there is nothing to copy')
  pass.copiedBytes += JSON.stringify(value).length
  if (pass.copiedBytes > maxCopiedBytes) throw new Inapplicable(`all that is copied exceeds the limit of ${maxCopiedBytes} bytes`)
  return copy(value)
}

/** What a pointer (RFC 6901) leads to, all but its last part; undefined for the whole document. */
function parentOf(pass: Pass, path: string): { parent: unknown; key: string } | undefined {
  if (path === '') return undefined
  const [root, ...parts] = path.split('/')
  if (root !== '') throw new Inapplicable(`${path} does not begin with a slash`)
  const keys = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const key = keys.pop() ?? ''
  return { parent: keys.reduce(childOf, pass.root), key }
}

function find(pass: Pass, path: string): unknown {
  const place = parentOf(pass, path)
  return place ? childOf(place.parent, place.key) : pass.root
}

function childOf(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return parent[indexOf(key, parent.length)]
  return isJsonObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined
}

/** Negative numbers count from the end; `end` is one past the last place there is. */
function indexOf(key: string, end: number): number {
  const index = /^-?\d+$/.test(key) ? Number(key) : Number.NaN
  const place = index < 0 ? index + end : index
  return place >= 0 && place < end ? place : -1
}

function insert(pass: Pass, path: string, value: unknown): void {
  const { parent, key } = parentOf(pass, path) ?? missing(path)
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : indexOf(key, parent.length + 1)
    if (index < 0) return missing(path)
    splice(pass, parent, index, 0, value)
  } else if (isJsonObject(parent)) setField(parent, key, value)
  else missing(path)
}

function replace(pass: Pass, path: string, value: unknown): void {
  const place = parentOf(pass, path)
  if (!place) {
    pass.root = value
    return
  }
  const { parent, key } = place
  if (childOf(parent, key) === undefined) return missing(path)
  if (Array.isArray(parent)) parent[indexOf(key, parent.length)] = value
  else if (isJsonObject(parent)) setField(parent, key, value)
}

/** Removes what is there, and answers it. */
function take(pass: Pass, path: string): unknown {
  const { parent, key } = parentOf(pass, path) ?? missing(path)
  const value = childOf(parent, key)
  if (value === undefined) return missing(path)
  if (Array.isArray(parent)) splice(pass, parent, indexOf(key, parent.length), 1)
  else if (isJsonObject(parent)) delete parent[key]
  return value
}

function splice(pass: Pass, list: unknown[], index: number, removed: 0 | 1, ...added: readonly unknown[]): void {
  pass.movedItems += list.length - index
  if (pass.movedItems > maxMovedItems) throw new Inapplicable('the patch moves too many items of lists')
  list.splice(index, removed, ...added)
}

function missing(path: string): never {
  throw new Inapplicable(`there is nothing at ${path}`)
}

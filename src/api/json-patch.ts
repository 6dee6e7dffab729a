import { applyPatch, type Operation } from 'rfc6902'
import { copy } from './decode.ts'
import { StatusError } from './status-error.ts'

const maxOperations = 10_000

/** RFC 6902 on a copy; BadRequest for what is no patch, Invalid for one that does not apply. */
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
  for (const operation of patch) checkOperation(operation)
  const result = copy(original)
  const failure = applyPatch(result, patch as Operation[]).find((error) => error !== null)
  if (failure) throw new StatusError('Invalid', 'the server rejected our request due to an error in our request', {}, { cause: failure })
  return result
}

function checkOperation(operation: unknown): void {
  const path = typeof operation === 'object' && operation !== null && 'path' in operation ? operation.path : undefined
  if (typeof path !== 'string') throw new StatusError('BadRequest', 'error decoding patch: an operation needs a path')
  // Its keys would change prototypes instead of the document.
  if (path.split('/').some((part) => part === '__proto__')) throw new StatusError('BadRequest', 'error decoding patch: __proto__ in a path')
}

import { copy } from '../api/decode.ts'
import type { ApiRequest } from '../api/exchange.ts'
import { applyConfiguration } from '../api/fields/apply.ts'
import { doubledItems } from '../api/fields/doubled-items.ts'
import type { FieldWriter, Unowned } from '../api/fields/managed-fields.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { StatusError } from '../api/status-error.ts'
import { metadataOf, type ObjectRef } from './registry.ts'

export const isApplyPatch = ({ headers }: ApiRequest) =>
  /^application\/apply-patch\+(yaml|json)\s*(;|$)/i.test(headers['content-type'] ?? '')

export interface AppliedConfiguration {
  readonly kind: Kind
  readonly config: JsonObject
  readonly writer: FieldWriter
  readonly unowned: Unowned
  readonly force: boolean
  readonly withoutZeros?: (object: JsonObject) => JsonObject
}

/** What an apply makes of an object, its managedFields with it; of none, the object that is to be created. */
export function applyChange({ kind, ...rest }: AppliedConfiguration): (current: KubeObject | undefined) => JsonObject {
  const { resourceVersion: bound } = metadataOf(rest.config)
  return (current) => {
    const live = current as unknown as JsonObject | undefined
    const { object, managed } = applyConfiguration({ ...rest, schema: kind.schema, live, managed: current?.metadata.managedFields ?? [] })
    const draft = copy(object)
    const metadata = metadataOf(draft)
    // Only a version that the configuration itself names binds the write.
    if (current && bound === undefined) delete metadata.resourceVersion
    metadata.managedFields = managed
    return draft
  }
}

/**
 * Refuses a configuration of which nobody can say what it states: fields that the kind does not have, whatever
 * fieldValidation says, and items that stand twice. Upstream says so with 500, for what is the client's mistake.
 */
export function refuseUnclear(
  { kind, namespace = '', name }: ObjectRef,
  shown: Kind,
  config: JsonObject,
  unknownFields: readonly string[],
): void {
  const problems = [...unknownFields.map((field) => `.${field}: field not declared in schema`), ...doubledItems(shown.schema, config)]
  if (problems.length === 0) return
  const which = `${kind.namespaced ? namespace : ''}/${name}; ${shown.group}/${shown.version}, Kind=${shown.kind}`
  const text = problems.length === 1 ? problems[0] : `errors:${problems.map((problem) => `\n  ${problem}`).join('')}`
  throw new StatusError('BadRequest', `failed to create typed patch object (${which}): ${text}`)
}

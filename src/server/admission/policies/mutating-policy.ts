import {
  admissionEnvironment,
  appliedResult,
  type CompiledExpression,
  type CompiledVariables,
  compileExpression,
  compileVariables,
  patchResult,
} from '../../../api/admissionregistration/policy-expressions.ts'
import { StructValue } from '../../../api/cel/struct-value.ts'
import { NotJson, toJson } from '../../../api/cel/to-json.ts'
import { CelList, CelMap, type CelValue } from '../../../api/cel/values.ts'
import { merged } from '../../../api/fields/applied.ts'
import { granular } from '../../../api/fields/elements.ts'
import { jsonPatch } from '../../../api/json-patch.ts'
import { isJsonObject } from '../../../api/merge-patch.ts'
import type { JsonObject } from '../../../api/object.ts'
import type { Schema } from '../../../api/schema.ts'
import { StatusError } from '../../../api/status-error.ts'
import type { MutatingAdmissionPolicy } from '../../../api/types/admissionregistration-v1.ts'
import { type CompiledConditions, compileConditions } from './match-conditions.ts'

/** One change: what an expression gives is laid over the object, or is a patch of it. */
export interface CompiledMutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch'
  readonly expression: CompiledExpression
}

/** One version of a policy, ready to change. */
export interface CompiledMutatingPolicy {
  readonly failurePolicy: string
  readonly paramKind: MutatingAdmissionPolicy['spec']['paramKind']
  readonly conditions: CompiledConditions
  readonly variables: CompiledVariables
  readonly mutations: readonly CompiledMutation[]
  /** It wants to look again when others changed the object after it. */
  readonly isReinvoked: boolean
}

export function compileMutatingPolicy({ spec }: MutatingAdmissionPolicy): CompiledMutatingPolicy {
  const scope = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true, isMutation: true }
  const variables = compileVariables(spec.variables ?? [], scope)
  const environment = admissionEnvironment(scope, variables.type)
  return {
    failurePolicy: spec.failurePolicy ?? 'Fail',
    paramKind: spec.paramKind,
    conditions: compileConditions(spec.matchConditions, scope.hasParams),
    variables,
    mutations: (spec.mutations ?? []).map(({ patchType, jsonPatch, applyConfiguration }) =>
      patchType === 'JSONPatch'
        ? { type: patchType, expression: compileExpression((jsonPatch?.expression ?? '').trim(), environment, patchResult) }
        : {
            type: 'ApplyConfiguration' as const,
            expression: compileExpression((applyConfiguration?.expression ?? '').trim(), environment, appliedResult),
          },
    ),
    isReinvoked: spec.reinvocationPolicy === 'IfNeeded',
  }
}

/** A change that cannot be made. */
export class MutationProblem extends Error {
  override readonly name = 'MutationProblem'
}

/** The object as a mutation makes it of what its expression gave. Never changes its argument; throws a MutationProblem. */
export function mutated(object: JsonObject, { type }: CompiledMutation, value: CelValue, schema: Schema): JsonObject {
  const json = jsonOf(value)
  if (type === 'JSONPatch') return patched(object, json)
  checkTypes(value, 'Object')
  if (!isJsonObject(json)) throw new MutationProblem('ApplyConfiguration expression did not give an object')
  const replaced = replacedWholes(schema, json, '')
  if (replaced.length > 0)
    throw new MutationProblem(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${replaced.join(', ')}`)
  return merged(schema, object, json) as JsonObject
}

function jsonOf(value: CelValue): unknown {
  try {
    return toJson(value)
  } catch (error) {
    if (error instanceof NotJson) throw new MutationProblem(error.message, { cause: error })
    throw error
  }
}

function patched(object: JsonObject, operations: unknown): JsonObject {
  try {
    const result = jsonPatch(object, operations)
    if (isJsonObject(result)) return result
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    const { message } = error.cause instanceof Error ? error.cause : error
    throw new MutationProblem(`JSON Patch: ${message}`, { cause: error })
  }
  throw new MutationProblem('JSON Patch: the patch does not leave an object')
}

/** Parts are named after where they stand. */
function checkTypes(value: CelValue, path: string): void {
  if (value instanceof StructValue) {
    if (value.typeName !== path)
      throw new MutationProblem(
        `unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
      )
    for (const field of value.keys()) checkTypes(value.get(field) ?? null, `${path}.${field}`)
  } else if (value instanceof CelList) for (const item of value) checkTypes(item, path)
  else if (value instanceof CelMap) for (const key of value.keys()) checkTypes(value.get(key) ?? null, `${path}.${String(key)}`)
}

/** What a configuration would replace as a whole, though it has parts. */
function replacedWholes(schema: Schema, value: unknown, path: string): readonly string[] {
  const hasParts = Array.isArray(value) || isJsonObject(value)
  if (!hasParts) return []
  const view = granular(schema, value)
  if (!view) return [path]
  if (view.type === 'items')
    return Array.isArray(value) ? value.flatMap((item, index) => replacedWholes(view.item, item, `${path}[${index}]`)) : []
  return Object.entries(value as JsonObject).flatMap(([field, part]) => {
    const at = view.at(field)
    return at ? replacedWholes(at.schema, part, `${path}.${field}`) : []
  })
}

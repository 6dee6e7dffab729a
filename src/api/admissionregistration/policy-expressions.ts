import type { CelEnvironment } from '../cel/check.ts'
import { type CelProgram, compileCel } from '../cel/compile-cel.ts'
import { type Functions, functionsOf, global, string as stringSlot } from '../cel/functions.ts'
import { authorizerType, resourceCheckType } from '../cel/library/authorizer.ts'
import { standardFunctions } from '../cel/library/standard.ts'
import {
  bool,
  type CelType,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  type ObjectType,
  objectOf,
  sameType,
  showType,
  string,
  timestamp,
} from '../cel/types.ts'
import type { Variable } from '../types/admissionregistration-v1.ts'

/** What an expression sees beside the object and the request. */
export interface ExpressionScope {
  readonly hasParams: boolean
  readonly hasAuthorizer: boolean
  /** Changes are made of it: it may make objects and patches. */
  readonly isMutation?: boolean
}

export type CompiledExpression =
  | { readonly type: 'program'; readonly source: string; readonly program: CelProgram }
  /** Upstream's sentence. */
  | { readonly type: 'problem'; readonly source: string; readonly problem: string }

/** Variables that a policy declares, in order: each sees those before it. */
export interface CompiledVariables {
  readonly type: CelType
  readonly each: readonly { readonly name: string; readonly compiled: CompiledExpression }[]
}

const fields = (name: string, of: Readonly<Record<string, CelType>>): ObjectType => objectOf(name, new Map(Object.entries(of)))

const kindType = fields('kubernetes.GroupVersionKind', { group: string, version: string, kind: string })
const resourceType = fields('kubernetes.GroupVersionResource', { group: string, version: string, resource: string })
const requestType = fields('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: string,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: fields('kubernetes.UserInfo', { username: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) }),
  dryRun: bool,
  options: dyn,
})

const namespaceType = fields('kubernetes.Namespace', {
  metadata: fields('kubernetes.NamespaceMetadata', {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: listOf(string),
  }),
  spec: fields('kubernetes.NamespaceSpec', { finalizers: listOf(string) }),
  status: fields('kubernetes.NamespaceStatus', { phase: string }),
})

export const jsonPatchType = fields('JSONPatch', { op: string, path: string, from: string, value: dyn })

/** `Object` and what is below it, `Object.spec` and so on: which fields they have is for the object that is changed. */
const objectType = (name: string): ObjectType => ({ kind: 'object', name, field: () => dyn })
export const appliedType = objectType('Object')

function mutationTypes(name: string): ObjectType | undefined {
  if (name === 'JSONPatch') return jsonPatchType
  return name === 'Object' || name.startsWith('Object.') ? objectType(name) : undefined
}

/** A key as JSON pointers name it (RFC 6901). */
const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

const mutationFunctions: Functions = new Map([
  ...standardFunctions,
  ...functionsOf([global('jsonpatch.escapeKey', [stringSlot], string, escapePointer)]),
])

/** `object` is one of any kind, unless its type is known. */
export function admissionEnvironment(
  { hasParams, hasAuthorizer, isMutation = false }: ExpressionScope,
  variables: CelType | undefined,
  { object = dyn, params = dyn }: { readonly object?: CelType; readonly params?: CelType } = {},
): CelEnvironment {
  return {
    functions: isMutation ? mutationFunctions : standardFunctions,
    variables: new Map<string, CelType>([
      ['object', object],
      ['oldObject', object],
      ['request', requestType],
      ['namespaceObject', namespaceType],
      ...(hasParams ? [['params', params] as const] : []),
      ...(hasAuthorizer ? [['authorizer', authorizerType] as const, ['authorizer.requestResource', resourceCheckType] as const] : []),
      ...(variables ? [['variables', variables] as const] : []),
    ]),
    ...(isMutation && { structs: mutationTypes }),
  }
}

export const conditionResult: readonly CelType[] = [bool]
export const messageResult: readonly CelType[] = [string]
export const annotationResult: readonly CelType[] = [string, nullType]
export const appliedResult: readonly CelType[] = [appliedType]
export const patchResult: readonly CelType[] = [listOf(jsonPatchType)]

/** Compiles an expression that has to give a value of one of the types; `undefined`: of any. */
export function compileExpression(
  source: string,
  environment: CelEnvironment,
  results: readonly CelType[] | undefined,
): CompiledExpression {
  const compiled = compileCel(source, environment)
  if (compiled.type === 'mistakes') return { type: 'problem', source, problem: `compilation failed: ${compiled.text}` }
  const { program } = compiled
  if (!results || results.some((type) => sameType(type, program.resultType))) return { type: 'program', source, program }
  const given = showType(program.resultType)
  const [only] = results
  const wanted = only && results.length === 1 ? showType(only) : `one of [${results.map(runtimeText).join(' ')}]`
  return { type: 'problem', source, problem: `must evaluate to ${wanted} but got ${given}` }
}

const runtimeText = (type: CelType) => (type.kind === 'null' ? 'null_type' : showType(type))

export function compileVariables(
  variables: readonly Variable[],
  scope: ExpressionScope,
  types: Parameters<typeof admissionEnvironment>[2] = {},
): CompiledVariables {
  const known = new Map<string, CelType>()
  const each: { name: string; compiled: CompiledExpression }[] = []
  for (const { name, expression } of variables) {
    const compiled = compileExpression(expression, admissionEnvironment(scope, variablesType(known), types), undefined)
    known.set(name, compiled.type === 'program' ? compiled.program.resultType : dyn)
    each.push({ name, compiled })
  }
  return { type: variablesType(known), each }
}

/** Those known at this point. */
const variablesType = (known: ReadonlyMap<string, CelType>): CelType => objectOf('kubernetes.variables', new Map(known))

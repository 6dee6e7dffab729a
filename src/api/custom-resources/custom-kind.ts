import { lazily } from '../../base/lazily.ts'
import { nodeIn, type SchemaNode } from '../apiextensions/schema-node.ts'
import type { Decoded } from '../decode.ts'
import { encodeStored } from '../encode.ts'
import { jsonEqual } from '../json-equal.ts'
import type { Kind, StorageCodec, Strategy, Subresource } from '../kind.ts'
import { type JsonObject, type KubeObject, setField } from '../object.ts'
import { invalid, invalidTogether, type Problem } from '../problem.ts'
import { apiVersionOf } from '../resource-ref.ts'
import type { Schema } from '../schema.ts'
import { StatusError } from '../status-error.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../types/apiextensions-v1.ts'
import { customColumns } from './custom-columns.ts'
import { fillDefaults } from './defaulting.ts'
import { customDefinitions } from './definitions.ts'
import { checkEmbedded } from './embedded-rules.ts'
import { checkLists } from './list-rules.ts'
import { mergeSchema } from './merge-schema.ts'
import { pruned } from './pruning.ts'
import { fieldNames, valueAt } from './scale-fields.ts'
import { type Before, schemaCheck } from './schema-validation.ts'
import { type Structural, structuralOf } from './structural.ts'

/** Brings objects of one definition, each in a version of its own, to one version. Never changes its argument. */
export type Convert = (objects: readonly JsonObject[], apiVersion: string) => readonly JsonObject[] | Promise<readonly JsonObject[]>

/** Checks an object by the rules of its schema (`x-kubernetes-validations`). `old` is undefined for a create. */
export type RuleCheck = (object: JsonObject, old: JsonObject | undefined) => readonly Problem[] | Promise<readonly Problem[]>

/** Compiles the rules of a version's schema; undefined where it has none. */
export type CompileRules = (root: SchemaNode) => RuleCheck | undefined

export interface CustomKindParts {
  /** The metadata that every object has. */
  readonly metadata: Schema
  readonly convert: Convert
  readonly compileRules?: CompileRules
  /** Whether the definition is on its way out by now. */
  readonly isTerminating: () => boolean
}

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const terminatingVerbs = verbs.filter((verb) => verb !== 'create')
const partVerbs = ['get', 'patch', 'update']
const maxReplicas = 2 ** 31 - 1

/** The kinds of all versions that a definition serves: the same values that built-in kinds are, made at run time. */
export const customKinds = (definition: CustomResourceDefinition, parts: CustomKindParts): readonly Kind[] =>
  definition.spec.versions.filter(({ served }) => served).map((version) => customKind(definition, version, parts))

/** The kind of one version, whether it is served or not. */
export function customKind(
  { spec, status }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  parts: CustomKindParts,
): Kind {
  const { group } = spec
  const { plural } = spec.names
  const names = { ...spec.names, ...(status?.acceptedNames?.kind && status.acceptedNames) }
  const { kind, singular = kind.toLowerCase(), listKind = `${kind}List`, shortNames = [], categories = [] } = names
  const node = nodeIn(version.schema?.openAPIV3Schema) ?? {}
  const structural = lazily(() => structuralOf(node))
  const schema = lazily(() => mergeSchema(structural(), parts.metadata))
  const definitions = lazily(() => {
    const named = { group, version: version.name, kind, listKind }
    return { v2: customDefinitions(named, node, 'v2'), v3: customDefinitions(named, node, 'v3') }
  })
  const scale = version.subresources?.scale
  const own = { group, version: version.name, kind }
  const stored = spec.versions.find(({ storage }) => storage)?.name ?? version.name
  const decode = (value: JsonObject): Decoded => {
    const unknownFields: string[] = []
    return { object: pruned(structural(), value, parts.metadata, unknownFields), unknownFields, hasZeros: false }
  }
  const deprecation = version.deprecationWarning ?? `${apiVersionOf(own)} ${kind} is deprecated`

  return {
    ...own,
    listKind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === 'Namespaced',
    get verbs() {
      return parts.isTerminating() ? terminatingVerbs : verbs
    },
    subresources: new Map<string, Subresource>([
      ...(version.subresources?.status ? [part('status', own)] : []),
      ...(scale ? [part('scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' })] : []),
    ]),
    get schema() {
      return schema()
    },
    storage: { group, version: stored, plural, codec: storageCodec({ ...own, stored, decode, structural }, spec, parts) },
    strategy: strategyOf(version, structural, node, parts),
    columns: customColumns(version.additionalPrinterColumns),
    selectableFields: selectableFieldsOf(version, spec.scope === 'Namespaced'),
    decode,
    ...(scale && {
      scale: {
        specReplicas: fieldNames(scale.specReplicasPath),
        statusReplicas: fieldNames(scale.statusReplicasPath),
        selector: scale.labelSelectorPath ? fieldNames(scale.labelSelectorPath) : undefined,
      },
    }),
    get definitions() {
      return definitions()
    },
    ...(version.deprecated && { deprecation }),
    get createRefusal() {
      return parts.isTerminating() ? 'create not allowed while custom resource definition is terminating' : undefined
    },
  }
}

const part = (name: string, kind: Subresource['kind']): [string, Subresource] => [name, { name, verbs: partVerbs, kind }]

function selectableFieldsOf({ selectableFields = [] }: CustomResourceDefinitionVersion, namespaced: boolean): Kind['selectableFields'] {
  const fields = new Map<string, (object: KubeObject) => string>([['metadata.name', ({ metadata }) => metadata.name]])
  if (namespaced) fields.set('metadata.namespace', ({ metadata }) => metadata.namespace ?? '')
  for (const { jsonPath } of selectableFields) {
    const names = fieldNames(jsonPath)
    fields.set(names.join('.'), (object) => {
      const value = valueAt(object, names)
      return value === undefined || value === null || typeof value === 'object' ? '' : String(value)
    })
  }
  return fields
}

/** What is stored may be of another version, or older than the schema: it is read as if it were written now. */
function storageCodec(
  {
    group,
    version,
    kind,
    stored,
    decode,
    structural,
  }: {
    group: string
    version: string
    kind: string
    stored: string
    decode: (value: JsonObject) => Decoded
    structural: () => Structural
  },
  { versions, conversion }: CustomResourceDefinitionSpec,
  { convert, metadata }: CustomKindParts,
): StorageCodec {
  const storedStructural = lazily(() => structuralOf(nodeIn(versions.find(({ name }) => name === stored)?.schema?.openAPIV3Schema) ?? {}))
  const own = apiVersionOf({ group, version })
  const currentType = Buffer.from(JSON.stringify({ kind, apiVersion: apiVersionOf({ group, version: stored }) }).slice(0, -1))
  const finished = (object: JsonObject): JsonObject => {
    const result = decode(object).object
    fillDefaults(structural(), result)
    return result
  }
  const encoded = (object: JsonObject) => encodeStored(object as unknown as KubeObject)
  return {
    read(values) {
      const objects = values.map(
        (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as JsonObject,
      )
      const foreign = objects.filter(({ apiVersion }) => apiVersion !== own)
      const finish = (converted: readonly JsonObject[]) => {
        let next = 0
        return objects.map((object, index) => {
          const bytes = values[index]
          const result = finished(object.apiVersion === own ? object : (converted[next++] ?? {}))
          return bytes && jsonEqual(object, result) ? bytes : encoded(result)
        })
      }
      if (foreign.length === 0) return finish([])
      const pending = convert(foreign, own)
      return pending instanceof Promise ? pending.then(finish) : finish(pending)
    },
    write(object) {
      if (stored === version) return object
      const pending = convert([object as unknown as JsonObject], apiVersionOf({ group, version: stored }))
      // What the stored version does not know is not stored.
      const first = ([converted = {}]: readonly JsonObject[]) => pruned(storedStructural(), converted, metadata) as unknown as KubeObject
      return pending instanceof Promise ? pending.then(first) : first(pending)
    },
    inVersion(object, apiVersion) {
      if (conversion?.strategy === 'Webhook' && object.apiVersion !== apiVersion)
        throw new StatusError(
          'InternalError',
          `Internal error occurred: ${kind} is not converted to ${apiVersion} for admission: its definition leaves that to a webhook`,
        )
      return { ...object, apiVersion }
    },
    // Stored objects begin with their type.
    isCurrent: (bytes) => currentType.compare(bytes, 0, currentType.length) === 0,
  }
}

function strategyOf(
  { subresources }: CustomResourceDefinitionVersion,
  structural: () => Structural,
  node: SchemaNode,
  { compileRules }: CustomKindParts,
): Strategy {
  const hasStatus = subresources?.status !== undefined
  const rules = lazily(() => compileRules?.(node) ?? noRules)
  const check = schemaCheck(node)
  const statusNode = nodeIn(nodeIn(node.properties)?.status)

  /** In upstream's order; lists that were doubled before may stay so. */
  function problemsOf(object: KubeObject, old: KubeObject | undefined, subresource: string): readonly Problem[] {
    const found: Problem[] = []
    const [value, before] = [object as unknown as JsonObject, old as unknown as JsonObject | undefined]
    if (subresource === 'status') {
      if (statusNode && value.status !== undefined)
        schemaCheck(statusNode)(value.status, 'status', found, before && beforeOf(before, 'status'))
    } else check(value, '', found, before && { value: before })
    checkScale(found, value)
    checkEmbedded(found, structural(), value)
    if (!before || doubledIn(before).length === 0) found.push(...doubledIn(value))
    // A rule may rely on what the schema says.
    return found.length > 0 && rules() !== noRules ? [...found, unchecked] : found
  }

  function doubledIn(value: JsonObject): readonly Problem[] {
    const found: Problem[] = []
    checkLists(found, structural(), value)
    return found
  }

  function checkScale(found: Problem[], value: JsonObject): void {
    const { scale } = subresources ?? {}
    if (!scale) return
    for (const path of [scale.specReplicasPath, scale.statusReplicasPath]) {
      const replicas = valueAt(value, fieldNames(path))
      if (replicas === undefined) continue
      if (typeof replicas !== 'number' || !Number.isInteger(replicas))
        found.push(
          invalid(path, 0, `${path} accessor error: ${JSON.stringify(replicas)} is of the type ${typeof replicas}, expected int64`),
        )
      else if (replicas < 0) found.push(invalid(path, replicas, 'should be a non-negative integer'))
      else if (replicas > maxReplicas) found.push(invalid(path, replicas, `should be less than or equal to ${maxReplicas}`))
    }
  }

  return {
    defaults: (draft) => fillDefaults(structural(), draft),
    prepareForCreate(draft) {
      if (hasStatus) delete draft.status
    },
    prepareForUpdate(draft, old, subresource) {
      if (!hasStatus) return
      const before = old as unknown as JsonObject
      if (subresource === 'status') keepAllButStatus(draft, before)
      else if (before.status === undefined) delete draft.status
      else draft.status = before.status
    },
    validate: (object) => problemsOf(object, undefined, ''),
    validateUpdate: problemsOf,
    validateRules: (object, old) => rules()(object as unknown as JsonObject, old as unknown as JsonObject | undefined),
    warnings: () => [],
    generation: true,
    versionRequired: true,
    holdsDeletion: () => false,
  }
}

const noRules: RuleCheck = () => []

const unchecked = invalidTogether(
  '<nil>',
  'null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)

const beforeOf = (object: JsonObject, field: string): Before | undefined =>
  Object.hasOwn(object, field) ? { value: object[field] } : undefined

/** A status writer changes nothing else, not even metadata. */
function keepAllButStatus(draft: JsonObject, old: JsonObject): void {
  const { managedFields } = draft.metadata as JsonObject
  for (const field of Object.keys(draft)) if (field !== 'status') delete draft[field]
  for (const field of Object.keys(old)) if (field !== 'status') setField(draft, field, old[field])
  const { resourceVersion: _, managedFields: __, ...metadata } = old.metadata as JsonObject
  draft.metadata = { ...metadata, ...(managedFields !== undefined && { managedFields }) }
}

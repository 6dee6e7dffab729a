import { lazily } from '../base/lazily.ts'
import { copy } from './decode.ts'
import type { KindDefinition } from './define-kind.ts'
import facts from './facts/facts.json' with { type: 'json' }
import type { Column, Kind, Strategy, Subresource } from './kind.ts'
import { kindDefinitions } from './kinds.ts'
import { isJsonObject } from './merge-patch.ts'
import type { JsonObject, KubeObject } from './object.ts'
import type { Schema } from './schema.ts'
import { type Definitions, schemaSource } from './schema-of.ts'
import { createdColumn, nameColumn } from './table-columns.ts'
import { zeroValue } from './zero-value.ts'

/** Everything that is served: found by resource or by kind. */
export interface Catalog {
  readonly kinds: readonly Kind[]
  /** Grows with each change of what is served, where kinds come and go. */
  readonly generation: number
  /** The facts' own schemas, which OpenAPI documents are made of. */
  readonly definitions: Definitions
  /** The facts' messages, as src/api/protobuf reads them. */
  readonly messages: Readonly<Record<string, string>>
  byResource(group: string, version: string, plural: string): Kind | undefined
  byKind(group: string, version: string, kind: string): Kind | undefined
  /** This catalog and more kinds, which win over those of the same resource. */
  with(kinds: readonly Kind[]): Catalog
}

/** A row of the facts: one resource or subresource. */
interface ResourceFact {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly subresource: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
}

/**
 * Alpha and beta versions are off unless upstream's `--runtime-config` turns them on: by `group/version`, else by how ripe
 * they are (`api/ga`, `api/beta`, `api/alpha`), else `api/all`.
 */
export function builtinCatalog(runtimeConfig: ReadonlyMap<string, boolean> = new Map()): Catalog {
  const isServed = ({ group, version }: ResourceFact) => {
    const stage = /^v\d+(alpha|beta)?/.exec(version)?.[1] ?? 'ga'
    const own = runtimeConfig.get(group === '' ? version : `${group}/${version}`)
    return own ?? runtimeConfig.get(`api/${stage}`) ?? runtimeConfig.get('api/all') ?? stage === 'ga'
  }
  const resources = (facts.resources as readonly ResourceFact[]).filter(isServed)
  const definitions = facts.definitions as unknown as Definitions
  const schemaOf = schemaSource(definitions, facts.always, facts.messages)
  const definitionNames = namesByKind(definitions)
  const special = Map.groupBy(kindDefinitions, (definition) => `${definition.group}/${definition.kind}`)
  const subresources = Map.groupBy(
    resources.filter(({ subresource }) => subresource !== ''),
    resourceKey,
  )
  return catalogOf(
    resources
      .filter(({ subresource }) => subresource === '')
      .map((fact) => {
        const { group, version, kind } = fact
        const definition: KindDefinition = special
          .get(`${group}/${kind.kind}`)
          ?.find(({ versions }) => versions?.includes(version) ?? true) ?? { group, kind: kind.kind }
        const name = definitionNames.get(`${kind.group}/${kind.version}/${kind.kind}`) ?? ''
        const below = new Map(
          (subresources.get(resourceKey(fact)) ?? []).map((row): [string, Subresource] => [
            row.subresource,
            { name: row.subresource, verbs: row.verbs, kind: row.kind },
          ]),
        )
        return {
          group,
          version,
          kind: kind.kind,
          listKind: `${kind.kind}List`,
          plural: fact.plural,
          singular: definition.singular ?? kind.kind.toLowerCase(),
          shortNames: definition.shortNames ?? [],
          categories: definition.categories ?? [],
          namespaced: fact.namespaced,
          verbs: fact.verbs,
          subresources: below,
          get schema() {
            return schemaOf(name)
          },
          storage: definition.storage ?? { group, version, plural: fact.plural },
          strategy: strategyOf(definition, below.has('status'), () => schemaOf(name)),
          columns: columnsOf(definition),
          ...(definition.rowOrder && { rowOrder: definition.rowOrder }),
          selectableFields: selectableFieldsOf(definition, fact.namespaced),
        }
      }),
    definitions,
  )
}

function catalogOf(kinds: readonly Kind[], definitions: Definitions): Catalog {
  const resources = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
  const names = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.kind}`, kind]))
  return {
    kinds,
    generation: 0,
    definitions,
    messages: facts.messages,
    byResource: (group, version, plural) => resources.get(`${group}/${version}/${plural}`),
    byKind: (group, version, kind) => names.get(`${group}/${version}/${kind}`),
    with: (more) => {
      const replaced = new Set(more.map((kind) => `${kind.group}/${kind.version}/${kind.plural}`))
      return catalogOf([...kinds.filter((kind) => !replaced.has(`${kind.group}/${kind.version}/${kind.plural}`)), ...more], definitions)
    },
  }
}

const resourceKey = ({ group, version, plural }: ResourceFact) => `${group}/${version}/${plural}`

function namesByKind(definitions: Definitions): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = schema['x-kubernetes-group-version-kind'] ?? []
    // Types that every group shares (DeleteOptions, WatchEvent) are nobody's kind.
    if (kinds.length === 1 && kinds[0]) names.set(`${kinds[0].group}/${kinds[0].version}/${kinds[0].kind}`, name)
  }
  return names
}

function strategyOf(definition: KindDefinition, hasStatus: boolean, schema: () => Schema): Strategy {
  const parts = lazily(() => partsAlwaysThere(schema()))
  return {
    defaults(draft) {
      if (parts().spec) draft.spec ??= {}
      definition.defaults?.(draft)
    },
    prepareForCreate(draft) {
      const { status } = parts()
      if (hasStatus) {
        const given = definition.statusOnCreate && isJsonObject(draft.status) ? draft.status : {}
        if (status) draft.status = { ...copy(status), ...given }
        else delete draft.status
      }
      definition.prepareForCreate?.(draft)
    },
    prepareForUpdate(draft, old, subresource) {
      if (hasStatus) keepOtherHalf(draft, old as unknown as JsonObject, subresource)
      const { status } = parts()
      if (hasStatus && status) draft.status ??= copy(status)
      definition.prepareForUpdate?.(draft, old, subresource)
    },
    validate: (object) => [...(definition.validate?.(object) ?? []), ...(definition.validateCreate?.(object) ?? [])],
    validateUpdate(object, old, subresource) {
      if (subresource !== '') return definition.validateSubresource?.(object, old, subresource) ?? []
      return [...(definition.validate?.(object) ?? []), ...(definition.validateUpdate?.(object, old) ?? [])]
    },
    warnings: (object, old) => definition.warnings?.(object, old) ?? [],
    generation: definition.generation ?? false,
    holdsDeletion: (object) => definition.holdsDeletion?.(object) ?? false,
    ...(definition.markDeletion && { markDeletion: definition.markDeletion }),
    ...(definition.graceSeconds && { graceSeconds: definition.graceSeconds }),
    ...(definition.orphansByDefault && { orphansByDefault: true }),
    ...(definition.versionRequired && { versionRequired: true }),
    ...(definition.createsOnUpdate && { createsOnUpdate: true }),
  }
}

/** `spec` and `status` are written also where nobody set them, if Go has them as plain structs. */
function partsAlwaysThere(schema: Schema): { readonly spec: boolean; readonly status: JsonObject | undefined } {
  const fields = schema.type === 'object' ? schema.fields : undefined
  const [spec, status] = [fields?.get('spec'), fields?.get('status')]
  return { spec: spec?.always ?? false, status: status?.always ? zeroValue(status.schema()) : undefined }
}

function selectableFieldsOf(definition: KindDefinition, namespaced: boolean): Kind['selectableFields'] {
  const fields = new Map([['metadata.name', ({ metadata }: KubeObject) => metadata.name]])
  if (namespaced) fields.set('metadata.namespace', ({ metadata }) => metadata.namespace ?? '')
  for (const [name, value] of Object.entries(definition.selectableFields ?? {})) fields.set(name, value)
  return fields
}

/** An update of the object keeps status; an update of status keeps all but status and what metadata a status writer may change. */
function keepOtherHalf(draft: JsonObject, old: JsonObject, subresource: string): void {
  if (subresource === '') {
    if (old.status === undefined) delete draft.status
    else draft.status = old.status
    return
  }
  if (subresource !== 'status') return
  for (const field of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (field === 'status' || field === 'metadata' || field === 'kind' || field === 'apiVersion') continue
    if (old[field] === undefined) delete draft[field]
    else draft[field] = old[field]
  }
}

function columnsOf(definition: KindDefinition): readonly Column[] {
  if (!definition.columns) return [nameColumn, createdColumn]
  return definition.columns.map((column) => ({ type: 'string', priority: 0, description: '', ...column }))
}

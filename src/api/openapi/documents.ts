import type { Catalog } from '../catalog.ts'
import type { Kind, Subresource } from '../kind.ts'
import { apiVersionOf, collectionPath } from '../resource-ref.ts'
import type { Definitions, FactSchema } from '../schema-of.ts'

/** Texts for `kubectl explain`, by definition name; they are no part of the facts. */
export type Descriptions = Readonly<
  Record<string, { readonly description?: string; readonly properties?: Readonly<Record<string, string>> }>
>

export interface OpenApiInput {
  readonly catalog: Catalog
  readonly definitions: Definitions
  readonly descriptions?: Descriptions
  /** The server's version, such as `v1.36.0`. */
  readonly version: string
}

type Json = { [field: string]: unknown }
type Dialect = 'v2' | 'v3'

/** `/openapi/v3`: where the document of each group and version is; `hash` of the text that decides a document changes with it. */
export function openApiV3Index({ catalog, version }: OpenApiInput, hash: (text: string) => string) {
  const paths = [...groupVersions(catalog)].map(([root, kinds]) => {
    const served = kinds.map((kind) => [kind.plural, kind.kind, kind.verbs, [...kind.subresources.values()], ownHash(kind, hash)])
    return [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash(JSON.stringify([version, served]))}` }] as const
  })
  return { paths: Object.fromEntries(paths) }
}

const ownHashes = new WeakMap<Kind, string>()

/** Of the schemas that a kind brings itself; those of the facts go with the server's version. */
function ownHash(kind: Kind, hash: (text: string) => string): string | undefined {
  if (!kind.definitions) return undefined
  const known = ownHashes.get(kind) ?? hash(JSON.stringify(kind.definitions.v3))
  ownHashes.set(kind, known)
  return known
}

/** A document that is made schema by schema, since all of them together take long. */
export interface OpenApiParts<Whole> {
  /** The document with schemas in their place, which is its end. */
  readonly whole: (schemas: Json) => Whole
  /** Its schemas by name, each made when it is come to. */
  schemas(): Iterable<readonly [name: string, schema: object]>
}

/** `/openapi/v3/api/v1`, `/openapi/v3/apis/apps/v1`: `root` is what follows `/openapi/v3/`. Undefined where nothing is served. */
export function openApiV3Parts(input: OpenApiInput, root: string): OpenApiParts<OpenApiV3Document> | undefined {
  const kinds = groupVersions(input.catalog).get(root)
  if (!kinds) return undefined
  const info = { title: 'Kubernetes', version: input.version }
  return {
    whole: (schemas) => ({ openapi: '3.0.0', info, paths: pathsOf(kinds, 'v3'), components: { schemas } }),
    schemas: () => schemasOf(input, kinds, 'v3'),
  }
}

/** `/openapi/v2`: everything in one Swagger document. */
export function openApiV2Parts(input: OpenApiInput): OpenApiParts<OpenApiV2Document> {
  const { kinds } = input.catalog
  const info = { title: 'Kubernetes', version: input.version }
  return {
    whole: (definitions) => ({ swagger: '2.0', info, paths: pathsOf(kinds, 'v2'), definitions }),
    schemas: () => schemasOf(input, kinds, 'v2'),
  }
}

/** The document in one go. */
export const wholeDocument = <Whole>({ whole, schemas }: OpenApiParts<Whole>): Whole => whole(Object.fromEntries(schemas()))

interface OpenApiV3Document {
  readonly openapi: string
  readonly info: object
  readonly paths: Json
  readonly components: { readonly schemas: Json }
}

interface OpenApiV2Document {
  readonly swagger: string
  readonly info: object
  readonly paths: Json
  readonly definitions: Json
}

/** The kinds of each document of version 3, by what follows `/openapi/v3/`. */
export const groupVersions = (catalog: Catalog): ReadonlyMap<string, readonly Kind[]> =>
  Map.groupBy(catalog.kinds, ({ group, version }) => (group === '' ? `api/${version}` : `apis/${group}/${version}`))

/** The definitions that the kinds, their lists and their subresources reach. */
function* schemasOf(
  { definitions: facts, descriptions }: OpenApiInput,
  kinds: readonly Kind[],
  dialect: Dialect,
): Generator<readonly [string, Json]> {
  const definitions = withOwn(facts, kinds, dialect)
  const spoken = new Set(
    kinds.flatMap((kind) => {
      const apiVersion = apiVersionOf(kind)
      return [`${apiVersion}/${kind.kind}`, `${apiVersion}/${kind.listKind}`, ...[...kind.subresources.values()].map(spokenKind)]
    }),
  )
  const waiting = Object.keys(definitions).filter((name) =>
    definitions[name]?.['x-kubernetes-group-version-kind']?.some((known) => spoken.has(`${apiVersionOf(known)}/${known.kind}`)),
  )
  const reached = new Set(waiting)
  for (const name of reached) for (const target of refsOf(definitions[name] ?? {})) reached.add(target)
  for (const name of [...reached].sort()) yield [name, described(rendered(definitions[name] ?? {}, dialect), descriptions?.[name])]
}

/** The facts' schemas, and those that kinds bring themselves. */
function withOwn(facts: Definitions, kinds: readonly Kind[], dialect: Dialect): Definitions {
  const own = kinds.flatMap(({ definitions }) => (definitions ? Object.entries(definitions[dialect]) : []))
  return own.length === 0 ? facts : { ...facts, ...Object.fromEntries(own) }
}

const spokenKind = ({ kind }: Subresource) => `${apiVersionOf(kind)}/${kind.kind}`

const refPrefix = '#/definitions/'

function refsOf(fact: FactSchema): string[] {
  if (fact.$ref) return [fact.$ref.slice(refPrefix.length)]
  const parts = [fact.items, fact.additionalProperties, ...Object.values(fact.properties ?? {})]
  return parts.flatMap((part) => (part ? refsOf(part) : []))
}

/** OpenAPI 3.0 ignores what stands beside a reference, hence the allOf. */
function rendered(fact: FactSchema, dialect: Dialect): Json {
  const { $ref, items, additionalProperties, properties, ...rest } = fact
  const entries = Object.entries(properties ?? {}).map(([name, value]) => [name, rendered(value, dialect)] as const)
  return {
    ...($ref && (dialect === 'v2' ? { $ref } : { allOf: [{ $ref: $ref.replace(refPrefix, '#/components/schemas/') }] })),
    ...rest,
    ...(items && { items: rendered(items, dialect) }),
    ...(additionalProperties && { additionalProperties: rendered(additionalProperties, dialect) }),
    ...(properties && { properties: Object.fromEntries(entries) }),
  }
}

function described(schema: Json, texts: Descriptions[string] | undefined): Json {
  if (!texts) return schema
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>).map(([name, value]) => {
    const description = texts.properties?.[name]
    return [name, description === undefined ? value : { description, ...value }] as const
  })
  return {
    ...(texts.description !== undefined && { description: texts.description }),
    ...schema,
    ...(schema.properties !== undefined && { properties: Object.fromEntries(properties) }),
  }
}

/** Method and action of each verb: on a collection, and on one object. */
const collectionVerbs = { list: ['get', 'list'], create: ['post', 'post'], deletecollection: ['delete', 'deletecollection'] } as const
const objectVerbs = { get: ['get', 'get'], update: ['put', 'put'], patch: ['patch', 'patch'], delete: ['delete', 'delete'] } as const
/** A subresource is addressed through its object, creating included. */
const belowVerbs = { ...objectVerbs, create: ['post', 'post'], connect: ['post', 'connect'] } as const

function pathsOf(kinds: readonly Kind[], dialect: Dialect): Json {
  const paths: Json = {}
  for (const kind of kinds) {
    const collection = collectionPath(kind, kind.namespaced ? '{namespace}' : undefined)
    const places = kind.namespaced ? ['namespace'] : []
    const add = (path: string, places: readonly string[], verbs: readonly string[], known: Verbs, of: Subresource['kind']) => {
      const operations = operationsOf(verbs, known, of, dialect)
      if (Object.keys(operations).length > 0)
        paths[path] = { ...operations, parameters: places.map((name) => parameter(name, 'path', dialect)) }
    }
    add(collection, places, kind.verbs, collectionVerbs, kind)
    add(`${collection}/{name}`, [...places, 'name'], kind.verbs, objectVerbs, kind)
    if (kind.namespaced)
      add(
        collectionPath(kind),
        [],
        kind.verbs.filter((verb) => verb === 'list'),
        collectionVerbs,
        kind,
      )
    for (const below of kind.subresources.values()) {
      add(`${collection}/{name}/${below.name}`, [...places, 'name'], below.verbs, belowVerbs, below.kind)
    }
  }
  return paths
}

type Verbs = Readonly<Record<string, readonly [method: string, action: string]>>

function operationsOf(verbs: readonly string[], known: Verbs, { group, version, kind }: Subresource['kind'], dialect: Dialect): Json {
  const operations: Json = {}
  for (const verb of verbs) {
    const entry = known[verb]
    if (!entry) continue
    const [method, action] = entry
    // kubectl looks at the parameters of patch to learn whether the server validates fields.
    const writes = action === 'post' || action === 'put' || action === 'patch'
    const names = writes ? ['dryRun', 'fieldManager', 'fieldValidation'] : action === 'delete' ? ['dryRun'] : []
    operations[method] = {
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': { group, version, kind },
      parameters: names.map((name) => parameter(name, 'query', dialect)),
      responses: { 200: { description: 'OK' } },
    }
  }
  return operations
}

function parameter(name: string, place: 'path' | 'query', dialect: Dialect): Json {
  const type = dialect === 'v2' ? { type: 'string' } : { schema: { type: 'string' } }
  return { name, in: place, ...(place === 'path' && { required: true }), ...type }
}

import type { Decoded } from './decode.ts'
import type { JsonObject, KubeObject } from './object.ts'
import type { Problem } from './problem.ts'
import type { Schema } from './schema.ts'
import type { Definitions } from './schema-of.ts'

/**
 * Everything the server, the codecs and the tables know about one kind: structure from the facts, what is special from
 * the kind's own file. A CRD builds the same value at run time.
 */
export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** By name, such as `status` or `scale`; the kind that each speaks. */
  readonly subresources: ReadonlyMap<string, Subresource>
  readonly schema: Schema
  /** Where objects are kept; kinds that show the same objects (events of both groups, autoscaling versions) share it. */
  readonly storage: Storage
  readonly strategy: Strategy
  readonly columns: readonly Column[]
  /** In which order a table has its rows; left out: as the list. */
  readonly rowOrder?: (one: KubeObject, other: KubeObject) => number
  /** Fields that a field selector may name, and how an object answers for each. */
  readonly selectableFields: ReadonlyMap<string, (object: KubeObject) => string>
  /** How a body becomes an object; left out: as Go reads the schema. */
  decode?(value: JsonObject): Decoded
  /** Where `scale` finds its numbers; left out: where the built-in kinds have them. */
  readonly scale?: ScalePaths
  /** Its schemas in each dialect of OpenAPI, by name; left out: the facts have them. */
  readonly definitions?: { readonly v2: Definitions; readonly v3: Definitions }
  /** What every reply says of a version that will go. */
  readonly deprecation?: string
  /** Why nothing new of it is taken: its definition is on its way out. */
  readonly createRefusal?: string | undefined
}

/** Fields by the names that lead to them. */
export interface ScalePaths {
  readonly specReplicas: readonly string[]
  readonly statusReplicas: readonly string[]
  readonly selector: readonly string[] | undefined
}

export interface Subresource {
  readonly name: string
  readonly verbs: readonly string[]
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
}

export interface Storage {
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Between this version and the stored one, whose schema it is; left out where they are the same. They may change their argument. */
  toStored?(object: JsonObject, schema?: Schema): JsonObject
  fromStored?(object: JsonObject): JsonObject
  /** For objects that are kept in several versions at once; left out: all are kept as this kind has them. */
  readonly codec?: StorageCodec
}

/** Between what the store has and a kind. Answers without a promise where it can. */
export interface StorageCodec {
  /** The bytes of objects, in whatever version each was stored, as this kind has them; in the same order. */
  read(stored: readonly Uint8Array[]): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** The object as it is stored now. */
  write(object: KubeObject): KubeObject | Promise<KubeObject>
  /** The object in another version of its kind, for who is to judge it there. Throws a StatusError where only a webhook could tell. */
  inVersion(object: JsonObject, apiVersion: string): JsonObject
  /** Whether the bytes are of the version in which objects are stored now. */
  isCurrent(stored: Uint8Array): boolean
}

/** What a kind's writes go through. Functions change the draft they are given and read `old` only. */
export interface Strategy {
  /** Fills in what was left out; also for objects read in older shapes. Idempotent. */
  defaults(draft: JsonObject): void
  /** Drops or sets what a client may not decide on create (status, generation of names). */
  prepareForCreate(draft: JsonObject): void
  /** Keeps what this update may not touch. `subresource` is '' for the object itself. */
  prepareForUpdate(draft: JsonObject, old: KubeObject, subresource: string): void
  validate(object: KubeObject): readonly Problem[]
  validateUpdate(object: KubeObject, old: KubeObject, subresource: string): readonly Problem[]
  /** What may take longer, of an object that is right otherwise; `old` is undefined for a create. Answers without a promise when it can. */
  validateRules?(object: KubeObject, old: KubeObject | undefined): readonly Problem[] | Promise<readonly Problem[]>
  /** `Warning:` headers for deprecated fields and the like. */
  warnings(object: KubeObject, old: KubeObject | undefined): readonly string[]
  /** Whether who replaces an object has to say which version of it they read; upstream's AllowUnconditionalUpdate is the opposite. */
  readonly versionRequired?: boolean
  /** Whether replacing what is not there makes it. */
  readonly createsOnUpdate?: boolean
  /** Whether spec changes count up metadata.generation. */
  readonly generation: boolean
  /** What a delete that is asked for leaves on the object before anything else is decided: finalizers, conditions. */
  markDeletion?(draft: JsonObject, time: string): void
  /** Seconds that a delete waits for the owner to confirm (pods); undefined: deleted at once. */
  graceSeconds?(object: KubeObject, asked: number | undefined): number | undefined
  /** Whether what it owns stays when a delete does not say what becomes of it. */
  readonly orphansByDefault?: boolean
  /** Whether something beside metadata.finalizers still holds a deleted object (a namespace's spec.finalizers). */
  holdsDeletion(object: KubeObject): boolean
}

export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description: string
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: number
  /** The cell's value for one object; `nowMs` for ages. */
  cell(object: KubeObject, nowMs: number): string | number | boolean | null
}

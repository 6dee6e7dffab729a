import type { Column, Storage, Strategy } from './kind.ts'
import type { JsonObject, KubeObject } from './object.ts'

/**
 * What is special about one kind; everything else comes from the facts. `T` is the kind's type in src/api/types.
 * Drafts are plain JSON that may be changed; objects are decoded, defaulted and not to be changed.
 */
export interface KindDefinition<T extends KubeObject = KubeObject> {
  readonly group: string
  /** The versions this holds for; left out: all that the facts have. */
  readonly versions?: readonly string[]
  readonly kind: string
  readonly singular?: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  /** Whether who replaces an object has to say which version of it they read. */
  readonly versionRequired?: boolean
  /** Whether replacing what is not there makes it. */
  readonly createsOnUpdate?: boolean
  /** Whether changes outside metadata and status count up metadata.generation. */
  readonly generation?: boolean
  /** Whether who makes an object may say its status, too, as kubelets do of their node. */
  readonly statusOnCreate?: boolean
  /** Whether what it owns stays when a delete does not say what becomes of it, as of old. */
  readonly orphansByDefault?: boolean
  readonly storage?: Storage
  defaults?(draft: JsonObject): void
  prepareForCreate?(draft: JsonObject): void
  prepareForUpdate?(draft: JsonObject, old: T, subresource: string): void
  validate?(object: T): ReturnType<Strategy['validate']>
  /** What an update breaks beside the rules that hold for every object; left out for `subresource` other than ''. */
  validateUpdate?(object: T, old: T): ReturnType<Strategy['validateUpdate']>
  /** Rules that hold when the object is made and not any more later. */
  validateCreate?(object: T): ReturnType<Strategy['validate']>
  /** For subresources that are the object itself, such as a pod's `ephemeralcontainers`. */
  validateSubresource?(object: T, old: T, subresource: string): ReturnType<Strategy['validateUpdate']>
  warnings?(object: T, old: T | undefined): readonly string[]
  markDeletion?(draft: JsonObject, time: string): void
  graceSeconds?(object: T, asked: number | undefined): number | undefined
  holdsDeletion?(object: T): boolean
  readonly columns?: readonly ColumnDefinition<T>[]
  rowOrder?(one: T, other: T): number
  /** What field selectors may name beside metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>
}

export type ColumnDefinition<T> = Omit<Column, 'cell' | 'priority' | 'type' | 'description'> & {
  readonly type?: Column['type']
  readonly priority?: number
  readonly description?: string
  cell(object: T, nowMs: number): string | number | boolean | null
}

/** Lets the compiler check a definition against the type of its kind. */
export const defineKind = <T extends KubeObject>(definition: KindDefinition<T>): KindDefinition => definition as unknown as KindDefinition

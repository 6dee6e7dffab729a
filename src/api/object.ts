import type { ListMeta, ObjectMeta } from './types/meta-v1.ts'

/** What every object has. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

export interface KubeList<Item = KubeObject> {
  apiVersion: string
  kind: string
  metadata: ListMeta
  items: Item[]
}

/** A JSON object of unknown shape, as decoders give and patches work on. */
export interface JsonObject {
  [field: string]: unknown
}

/** The name of a namespaced object within its kind: `namespace/name`; of a cluster-scoped one: `name`. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

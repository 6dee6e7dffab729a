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

/** Sets an own field. Keys are plain data: assigning `__proto__` would change the prototype instead of adding a key. */
export function setField(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** The name of a namespaced object within its kind: `namespace/name`; of a cluster-scoped one: `name`. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

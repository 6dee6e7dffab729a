import type { KubeObject } from '../../api/object.ts'
import { followCache } from '../follow-cache.ts'
import type { WatchCache } from '../watch-cache.ts'

/** Finds a namespace's objects of one resource without looking for them; undefined where there are none, which is what most writes hear. */
export function objectsByNamespace<T extends KubeObject>(cache: WatchCache): (namespace: string) => ReadonlyMap<string, T> | undefined {
  const namespaces = new Map<string, Map<string, T>>()
  followCache(cache, {
    set(object) {
      const { namespace = '', name } = object.metadata
      const objects = namespaces.get(namespace) ?? new Map<string, T>()
      objects.set(name, object as T)
      namespaces.set(namespace, objects)
    },
    remove({ metadata: { namespace = '', name } }) {
      const objects = namespaces.get(namespace)
      objects?.delete(name)
      if (objects?.size === 0) namespaces.delete(namespace)
    },
  })
  return (namespace) => namespaces.get(namespace)
}

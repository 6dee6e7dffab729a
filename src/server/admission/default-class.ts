import type { KubeObject } from '../../api/object.ts'
import type { WatchCache } from '../watch-cache.ts'

/** The class that stands for all who name none: of several that say so the newest, then the first by name. */
export function defaultClassIn(classes: WatchCache, annotations: readonly string[]): Readonly<KubeObject> | undefined {
  let chosen: Readonly<KubeObject> | undefined
  for (const { object } of classes.range(classes.prefix)) {
    if (!annotations.some((name) => object.metadata.annotations?.[name] === 'true')) continue
    // The cache is in the order of names: of two that are as old the first stays.
    if (!chosen || createdAt(object) > createdAt(chosen)) chosen = object
  }
  return chosen
}

const createdAt = ({ metadata }: Readonly<KubeObject>) => metadata.creationTimestamp ?? ''

import { controllerOf } from '../api/controller-of.ts'
import { type Requirement, type Selector, selectorOf } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { replicaSets, replicationControllers, services, statefulSets } from '../api/resources.ts'
import type { LabelSelector } from '../api/types/meta-v1.ts'
import type { Cache, Caches } from '../client/client.ts'
import type { PodInfo } from './pod-info.ts'

const byFirstPair = 'selector.firstPair'

/** Finds what selects the pods that belong together with one: its Services' selectors and its controller's, all at once. */
export function siblingsOf(caches: Caches): (pod: PodInfo) => Selector | undefined {
  const all = caches.cache(services)
  // A Service that selects a pod is found under one of the pod's labels.
  all.addIndex(byFirstPair, ({ metadata, spec }) => {
    const [pair] = Object.entries(spec?.selector ?? {}).sort()
    return pair ? [`${metadata.namespace}/${pair[0]}=${pair[1]}`] : []
  })
  const controllers = new Map<string, (namespace: string, name: string) => LabelSelector | undefined>([
    ['ReplicaSet', selectorIn(caches, replicaSets, ({ spec }) => spec?.selector)],
    ['StatefulSet', selectorIn(caches, statefulSets, ({ spec }) => spec?.selector)],
    ['ReplicationController', selectorIn(caches, replicationControllers, ({ spec }) => spec?.selector && { matchLabels: spec.selector })],
  ])

  return ({ pod, namespace }) => {
    const labels = pod.metadata.labels ?? {}
    const found = new Map<string, Requirement>()
    const add = (selector: LabelSelector | undefined) => {
      for (const requirement of selectorOf(selector) ?? []) found.set(JSON.stringify(requirement), requirement)
    }
    for (const [key, value] of Object.entries(labels)) {
      for (const { spec } of all.byIndex(byFirstPair, `${namespace}/${key}=${value}`)) {
        const selector = spec?.selector ?? {}
        if (Object.entries(selector).every(([name, wanted]) => labels[name] === wanted)) add({ matchLabels: selector })
      }
    }
    const owner = controllerOf(pod)
    if (owner) add(controllers.get(owner.kind)?.(namespace, owner.name))
    return found.size > 0 ? [...found.values()] : undefined
  }
}

function selectorIn<T extends KubeObject>(caches: Caches, ref: ResourceRef<T>, selectorOfObject: (object: T) => LabelSelector | undefined) {
  const cache: Cache<T> = caches.cache(ref)
  return (namespace: string, name: string) => {
    const object = cache.get(namespace, name)
    return object && selectorOfObject(object)
  }
}

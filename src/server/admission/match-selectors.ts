import type { Kind } from '../../api/kind.ts'
import { matchesLabels, type Selector } from '../../api/label-selector.ts'
import type { KubeObject } from '../../api/object.ts'
import { notFound, objectKey } from '../registry.ts'
import type { WatchCache } from '../watch-cache.ts'
import type { AdmissionRequest } from './admission.ts'

export interface Namespaces {
  readonly kind: Kind
  readonly cache: WatchCache
}

/**
 * Whether what is written is in a namespace that the selector wants. A namespace is judged by its own labels, and what
 * is in no namespace is always wanted. Throws NotFound where there is no such namespace.
 */
export function namespaceMatches(selector: Selector, request: AdmissionRequest, namespaces: Namespaces): boolean {
  if (selector.length === 0) return true
  const { kind, namespace, draft, old } = request
  if (kind.group === '' && kind.plural === 'namespaces') {
    const itself = (request.subresource === '' && draft) || old
    return matchesLabels(selector, labelsOf(itself))
  }
  if (namespace === undefined) return true
  const home = namespaces.cache.get(objectKey({ kind: namespaces.kind, namespace: undefined, name: namespace }))
  if (!home) throw notFound(namespaces.kind, namespace)
  return matchesLabels(selector, home.object.metadata.labels)
}

/** Whether the object as it was or as it will be is one that the selector wants. */
export function objectMatches(selector: Selector, { draft, old }: AdmissionRequest): boolean {
  if (selector.length === 0) return true
  return [draft, old].some((object) => object?.metadata !== undefined && matchesLabels(selector, labelsOf(object)))
}

const labelsOf = (object: object | undefined) => (object as Partial<KubeObject> | undefined)?.metadata?.labels

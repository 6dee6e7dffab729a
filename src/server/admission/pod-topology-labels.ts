import { nodes as nodesRef } from '../../api/resources.ts'
import type { Binding, PodSpec } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import { metadataOf, objectKey } from '../registry.ts'
import { type AdmissionRequest, isWriteOf } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const topology = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']

/** Pods learn by labels in which zone and region their node is (KEP-4742): those of their node stand above their own. */
export const podTopologyLabels: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, nodesRef)
  const nodes = await caches.load(kind)
  return {
    name: 'PodTopologyLabels',
    mutate(request) {
      const { draft, operation } = request
      const name = operation === 'CREATE' && draft ? nodeOf(request, draft) : undefined
      if (!draft || !name) return
      const labels = nodes.get(objectKey({ kind, namespace: undefined, name }))?.object.metadata.labels ?? {}
      const known = topology.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]] as const]))
      if (known.length === 0) return
      const metadata = metadataOf(draft)
      metadata.labels = { ...(metadata.labels as object | undefined), ...Object.fromEntries(known) }
    },
  }
}

/** The node to which a binding, or a pod that is made with one, brings a pod. */
function nodeOf(request: AdmissionRequest, draft: object): string | undefined {
  const { kind, subresource } = request
  if (isWriteOf(request, '', 'pods')) return (draft as { spec?: PodSpec }).spec?.nodeName
  const isBinding = kind.group === '' && (kind.plural === 'pods' ? subresource === 'binding' : kind.plural === 'bindings')
  return isBinding ? (draft as Binding).target?.name : undefined
}

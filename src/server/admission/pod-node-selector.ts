import { isJsonObject } from '../../api/merge-patch.ts'
import { namespaces as namespacesRef } from '../../api/resources.ts'
import type { PodSpec } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'
import type { AdmissionFactory } from './standard-admission.ts'

type Labels = Readonly<Record<string, string>>

const annotation = 'scheduler.alpha.kubernetes.io/node-selector'
const defaultKey = 'clusterDefaultNodeSelector'

/** All pods of a namespace run on the nodes that its annotation selects, and within what the configuration lets it have. */
export const podNodeSelector: AdmissionFactory = async ({ catalog, caches, configuration }) => {
  const kind = kindOf(catalog, namespacesRef)
  const namespaces = await caches.load(kind)
  const configured = isJsonObject(configuration?.podNodeSelectorPluginConfig) ? configuration.podNodeSelectorPluginConfig : {}
  const selectorFor = (name: string): string | undefined => (typeof configured[name] === 'string' ? configured[name] : undefined)

  return {
    name: 'PodNodeSelector',
    mutate(request) {
      if (request.operation !== 'CREATE' || !isPodWrite(request)) return
      const spec = request.draft.spec as PodSpec | undefined
      const wanted = selectorOf(request)
      if (!spec || Object.keys(wanted).length === 0) return
      if (conflicts(wanted, spec.nodeSelector ?? {}))
        throw forbidden(request, 'pod node label selector conflicts with its namespace node label selector')
      spec.nodeSelector = { ...spec.nodeSelector, ...wanted }
    },
    validate(request) {
      if (request.operation !== 'CREATE' || !isPodWrite(request)) return
      const { nodeSelector = {} } = request.draft.spec as PodSpec
      const wanted = selectorOf(request)
      if (conflicts(wanted, nodeSelector))
        throw forbidden(request, 'pod node label selector conflicts with its namespace node label selector')
      const allowed = selectorFor(request.namespace ?? '')
      if (allowed === undefined || allowed === '') return
      const labels = parse(allowed)
      if (Object.entries({ ...nodeSelector, ...wanted }).some(([key, value]) => labels[key] !== value))
        throw forbidden(request, 'pod node label selector labels conflict with its namespace whitelist')
    },
  }

  /** What the namespace says, or what is configured for all that say nothing. */
  function selectorOf({ namespace: name = '' }: AdmissionRequest): Labels {
    const own = namespaces.get(objectKey({ kind, namespace: undefined, name }))?.object.metadata.annotations?.[annotation]
    return parse(own ?? selectorFor(defaultKey) ?? '')
  }
}

const conflicts = (one: Labels, other: Labels) =>
  Object.entries(one).some(([key, value]) => other[key] !== undefined && other[key] !== value)

/** `key=value,other=value`. */
const parse = (text: string): Labels =>
  Object.fromEntries(
    text
      .split(',')
      .map((part) => part.trim().split(/==?/))
      .flatMap(([key = '', value = '']) => (key === '' ? [] : [[key.trim(), value.trim()]])),
  )

import { conditionOf } from '../api/conditions.ts'
import type { Pod, Service } from '../api/types/core-v1.ts'
import type { Cache } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { type Watch, watchOf } from './controller.ts'
import { hasEndpoints } from './service-endpoints.ts'

const labelIndex = 'namespace, label and value'
const selectorIndex = 'one label of the selector'

/** Which services select a pod, and which pods a service selects, without looking at all of either. */
export function selectingServices({ services, pods }: { services: Cache<Service>; pods: Cache<Pod> }) {
  pods.addIndex(labelIndex, ({ metadata }) =>
    Object.entries(metadata.labels ?? {}).map(([name, value]) => labelKey(metadata.namespace, name, value)),
  )
  services.addIndex(selectorIndex, (service) => {
    const first = Object.entries(service.spec?.selector ?? {})[0]
    return hasEndpoints(service) && first ? [labelKey(service.metadata.namespace, ...first)] : []
  })

  const servicesOf = ({ metadata }: Pod): readonly Service[] =>
    Object.entries(metadata.labels ?? {}).flatMap(([name, value]) =>
      services.byIndex(selectorIndex, labelKey(metadata.namespace, name, value)).filter((service) => selects(service, metadata.labels)),
    )

  return {
    /** The pods that a service selects, found by the rarest of its labels. */
    podsOf(service: Service): readonly Pod[] {
      const groups = Object.entries(service.spec?.selector ?? {}).map(([name, value]) =>
        pods.byIndex(labelIndex, labelKey(service.metadata.namespace, name, value)),
      )
      const smallest = groups.reduce<readonly Pod[] | undefined>(
        (best, group) => (best && best.length <= group.length ? best : group),
        undefined,
      )
      return (smallest ?? []).filter(({ metadata }) => selects(service, metadata.labels))
    },

    servicesOf,

    /** Reconciles the services that selected a pod before or select it now, when what endpoints tell of it changed. */
    watch: (): Watch =>
      watchOf(pods, (before, after) => {
        if (before && after && semanticEqual(factsOf(before), factsOf(after))) return []
        const concerned = [...(before ? servicesOf(before) : []), ...(after ? servicesOf(after) : [])]
        return new Set(concerned.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
      }),
  }
}

function selects({ spec }: Service, labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(spec?.selector ?? {}).every(([name, value]) => labels[name] === value)
}

/** What endpoints tell of a pod. */
function factsOf({ metadata, spec, status }: Pod): unknown {
  const ready = conditionOf(status, 'Ready')
  return [
    metadata.labels,
    metadata.deletionTimestamp,
    spec.nodeName,
    spec.hostname,
    spec.subdomain,
    status?.phase,
    status?.podIP,
    status?.podIPs,
    ready?.status,
  ]
}

const labelKey = (namespace: string | undefined, name: string, value: string) => `${namespace}\0${name}\0${value}`

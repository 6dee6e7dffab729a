import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import { ageColumn, column, labelsText, nameColumn, wideColumn } from '../table-columns.ts'
import type { Service, ServiceSpec } from '../types/core-v1.ts'
import { checkService, checkServiceUpdate } from './service-rules.ts'

const defaultAffinitySeconds = 10_800

function externalText({ spec, status }: Service): string {
  const own = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return own.join(',') || '<none>'
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || [])
      return [...[...new Set(ingress)].sort(), ...own].join(',') || '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

const portsText = ({ spec }: Service) =>
  (spec.ports ?? [])
    .map(({ port, nodePort, protocol }) => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`))
    .join(',') || '<none>'

/** Addresses and node ports are given out by the server, which knows those of all services. */
export const service = defineKind<Service>({
  group: '',
  kind: 'Service',
  createsOnUpdate: true,
  shortNames: ['svc'],
  categories: ['all'],
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<ServiceSpec>
    spec.sessionAffinity ||= 'None'
    if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
    if (spec.sessionAffinity === 'ClientIP')
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: defaultAffinitySeconds, ...spec.sessionAffinityConfig?.clientIP } }
    spec.type ||= 'ClusterIP'
    for (const port of spec.ports ?? []) {
      port.protocol ||= 'TCP'
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
    }
    const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && spec.externalIPs?.length)
    if (isExternal) spec.externalTrafficPolicy ||= 'Cluster'
    if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
    if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  },
  prepareForUpdate(draft, old, subresource) {
    if (subresource !== '') return
    const spec = draft.spec as JsonObject & Partial<ServiceSpec>
    const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || spec.externalIPs?.length
    // What only the type before had goes with it, unless it was written anew.
    if (!isExternal && spec.externalTrafficPolicy === old.spec.externalTrafficPolicy) delete spec.externalTrafficPolicy
    if (spec.type !== 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === old.spec.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts
    if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy
  },
  warnings({ spec }) {
    const found: string[] = []
    if (spec.clusterIP === 'None' && spec.sessionAffinity !== undefined && spec.sessionAffinity !== 'None')
      found.push('spec.SessionAffinity is ignored for headless services')
    if (spec.externalName && spec.type !== 'ExternalName') found.push('spec.externalName is ignored when spec.type is not "ExternalName"')
    return found
  },
  validate: checkService,
  validateUpdate: checkServiceUpdate,
  columns: [
    nameColumn,
    column('Type', 'From where the service is reached.', ({ spec }) => spec.type ?? ''),
    column('Cluster-IP', 'Its address in the cluster.', ({ spec }) => spec.clusterIPs?.[0] ?? '<none>'),
    column('External-IP', 'Where it is reached from outside.', externalText),
    column('Port(s)', 'Its ports, with those of the nodes.', portsText),
    ageColumn,
    wideColumn('Selector', 'Labels of the pods behind it.', ({ spec }) => labelsText(spec.selector)),
  ],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
})

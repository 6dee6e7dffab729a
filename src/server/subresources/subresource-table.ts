import type { Catalog } from '../../api/catalog.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import {
  deployments,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  serviceAccounts,
  services,
  statefulSets,
} from '../../api/resources.ts'
import type { Clock } from '../../base/clock.ts'
import type { Connector } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import type { Registry } from '../registry.ts'
import type { ServiceAccountTokens } from '../service-account-tokens.ts'
import type { EndpointsOf } from '../services/service-endpoints.ts'
import { bindingHandler } from './binding.ts'
import { evictionHandler } from './eviction.ts'
import { logHandler } from './log.ts'
import { proxyHandler } from './proxy.ts'
import { nodeTarget, podTarget, serviceTarget } from './proxy-targets.ts'
import { scaleHandler } from './scale.ts'
import { streamHandler } from './streams.ts'
import type { SubresourceHandler, SubresourceTable } from './subresource.ts'
import { subresourceBody } from './subresource-body.ts'
import { tokenHandler } from './token.ts'

/** What subresources work with; those whose part is left out are not served. */
export interface SubresourceParts {
  readonly registry: Registry
  readonly catalog: Catalog
  readonly endpointsOf: EndpointsOf
  readonly clock: Clock
  readonly tokens?: ServiceAccountTokens
  readonly connector?: Connector
}

/** Every subresource that has work of its own. */
export function subresourceTable({ registry, catalog, endpointsOf, clock, tokens, connector }: SubresourceParts): SubresourceTable {
  const body = subresourceBody(catalog.definitions)
  const scale = scaleHandler({ registry, body, clock })
  return new Map<string, SubresourceHandler>([
    ['/pods/binding', bindingHandler({ registry, clock, body })],
    ['/pods/eviction', evictionHandler({ registry, budgets: kindOf(catalog, podDisruptionBudgets), clock, body })],
    ...(tokens ? [row(serviceAccounts, 'token', tokenHandler({ registry, catalog, tokens, body }))] : []),
    ...(connector ? connectedRows({ registry, catalog, endpointsOf, connector }) : []),
    ...[deployments, replicaSets, statefulSets, replicationControllers].map((ref) => row(ref, 'scale', scale)),
    ['scale', scale],
  ])
}

function connectedRows(parts: {
  registry: Registry
  catalog: Catalog
  endpointsOf: EndpointsOf
  connector: Connector
}): [string, SubresourceHandler][] {
  return [
    row(pods, 'log', logHandler(parts)),
    row(pods, 'exec', streamHandler('exec', parts)),
    row(pods, 'attach', streamHandler('attach', parts)),
    row(pods, 'portforward', streamHandler('portForward', parts)),
    row(pods, 'proxy', proxyHandler(podTarget(parts), parts)),
    row(services, 'proxy', proxyHandler(serviceTarget(parts), parts)),
    row(nodes, 'proxy', proxyHandler(nodeTarget(parts), parts)),
  ]
}

const row = ({ group, plural }: ResourceRef, subresource: string, handler: SubresourceHandler): [string, SubresourceHandler] => [
  `${group}/${plural}/${subresource}`,
  handler,
]

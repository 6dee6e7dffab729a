import type { Catalog } from '../../api/catalog.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import {
  deployments,
  podDisruptionBudgets,
  replicaSets,
  replicationControllers,
  serviceAccounts,
  statefulSets,
} from '../../api/resources.ts'
import type { Clock } from '../../base/clock.ts'
import { kindOf } from '../kind-of.ts'
import type { Registry } from '../registry.ts'
import type { ServiceAccountTokens } from '../service-account-tokens.ts'
import { bindingHandler } from './binding.ts'
import { evictionHandler } from './eviction.ts'
import { scaleHandler } from './scale.ts'
import type { SubresourceHandler, SubresourceTable } from './subresource.ts'
import { subresourceBody } from './subresource-body.ts'
import { tokenHandler } from './token.ts'

/** What subresources work with; those whose part is left out are not served. */
export interface SubresourceParts {
  readonly registry: Registry
  readonly catalog: Catalog
  readonly clock: Clock
  readonly tokens?: ServiceAccountTokens
}

/** Every subresource that has work of its own. */
export function subresourceTable({ registry, catalog, clock, tokens }: SubresourceParts): SubresourceTable {
  const body = subresourceBody(catalog.definitions)
  const scale = scaleHandler({ registry, body })
  return new Map<string, SubresourceHandler>([
    ['/pods/binding', bindingHandler({ registry, clock, body })],
    ['/pods/eviction', evictionHandler({ registry, budgets: kindOf(catalog, podDisruptionBudgets), clock, body })],
    ...(tokens ? [row(serviceAccounts, 'token', tokenHandler({ registry, catalog, tokens, body }))] : []),
    ...[deployments, replicaSets, statefulSets, replicationControllers].map((ref) => row(ref, 'scale', scale)),
  ])
}

const row = ({ group, plural }: ResourceRef, subresource: string, handler: SubresourceHandler): [string, SubresourceHandler] => [
  `${group}/${plural}/${subresource}`,
  handler,
]

import type { Catalog } from '../api/catalog.ts'
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../api/discovery.ts'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import type { MetricRegistry } from '../base/metrics/metric-registry.ts'
import type { Aggregation } from './aggregation/aggregation.ts'
import { isHealthPath } from './health.ts'
import { metricsReply } from './metrics/metrics-reply.ts'
import { jsonReply } from './replies.ts'

/** The Kubernetes version that is spoken. */
export const kubernetesVersion = { major: '1', minor: '36', gitVersion: 'v1.36.0+sampan' }

/** What answers at paths that are no resource's. */
export interface FixedPathParts {
  readonly catalog: Catalog
  readonly aggregation: Aggregation
  readonly metrics: MetricRegistry
  /** `host:port` that discovery names. */
  readonly serverAddress: string
  readonly openApi: (path: string, accept?: string) => Promise<ApiReply | undefined>
  readonly health: (path: string, query: string) => ApiReply | undefined
  /** The issuer of service accounts' tokens, where there is one. */
  readonly issuer: ((path: string) => Promise<ApiReply> | undefined) | undefined
}

/** Answers discovery, OpenAPI, health, metrics, the version and the tokens' issuer; undefined for other paths. */
export function fixedPaths(parts: FixedPathParts): (request: ApiRequest) => Promise<ApiReply | undefined> {
  const { catalog, aggregation, metrics, serverAddress, openApi, health, issuer } = parts
  return async ({ path, query, headers, method }) => {
    if (method !== 'GET' && method !== 'HEAD') return undefined
    const isAggregated = headers.accept?.includes('g=apidiscovery.k8s.io') ?? false
    switch (path) {
      case '/version':
        return jsonReply(200, {
          ...kubernetesVersion,
          gitCommit: '',
          gitTreeState: 'clean',
          buildDate: '',
          goVersion: '',
          compiler: '',
          platform: 'linux/amd64',
        })
      case '/api':
        return isAggregated ? aggregatedReply(aggregatedDiscovery(catalog, 'core')) : jsonReply(200, apiVersions(serverAddress))
      case '/apis':
        return isAggregated
          ? aggregatedReply(aggregation.discovery(aggregatedDiscovery(catalog, 'named')))
          : jsonReply(200, aggregation.groupList(apiGroupList(catalog)))
      case '/metrics':
        return metricsReply(metrics)
    }
    if (path.startsWith('/openapi/')) {
      const documented = await openApi(path, headers.accept)
      return documented && path === '/openapi/v3' ? aggregation.openApiIndex(documented) : documented
    }
    if (path.startsWith('/.well-known/') || path.startsWith('/openid/')) return issuer?.(path)
    if (isHealthPath(path)) return health(path, query)
    const found = discoveryAt(path)
    return found && jsonReply(200, found)
  }

  /** `/api/VERSION`, `/apis/GROUP` and `/apis/GROUP/VERSION`. */
  function discoveryAt(path: string): object | undefined {
    const [, root, group, version, more] = path.split('/')
    if (more !== undefined || group === undefined) return undefined
    if (root === 'api') return version === undefined ? apiResourceList(catalog, '', group) : undefined
    if (root !== 'apis') return undefined
    return version === undefined ? aggregation.group(group, apiGroup(catalog, group)) : apiResourceList(catalog, group, version)
  }
}

const aggregatedReply = (document: object): ApiReply =>
  jsonReply(200, document, { 'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })

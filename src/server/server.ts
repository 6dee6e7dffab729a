import type { Catalog } from '../api/catalog.ts'
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../api/discovery.ts'
import type { ApiReply, ApiRequest, Handler, UserInfo } from '../api/exchange.ts'
import type { Descriptions } from '../api/openapi/documents.ts'
import { StatusError } from '../api/status-error.ts'
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Store } from '../store/store.ts'
import { type Authenticate, anonymous } from './authentication.ts'
import { openApiHandler } from './open-api.ts'
import { createRegistry, type Registry } from './registry.ts'
import { errorReply, jsonReply, textReply } from './replies.ts'
import { resourceHandler } from './resource-handler.ts'
import { parseRoute } from './route.ts'

export interface ServerOptions {
  readonly store: Store
  readonly catalog: Catalog
  readonly authenticate: Authenticate
  /** `host:port` that discovery names. */
  readonly serverAddress: string
  /** Texts of fields for `kubectl explain`; left out, it shows structure alone. */
  readonly descriptions?: Descriptions
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface ApiServer {
  readonly handle: Handler
  readonly registry: Registry
}

/** The Kubernetes version that is spoken. */
export const kubernetesVersion = { major: '1', minor: '36', gitVersion: 'v1.36.0+sampan' }

const initialNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const bookmarkMs = 60_000

/** The API server as a function over one store. Runs its bookmarks until the signal aborts. */
export async function createServer(options: ServerOptions, signal: AbortSignal): Promise<ApiServer> {
  const { store, catalog, authenticate, serverAddress, clock, random, log } = options
  const namespaceKind = catalog.byResource('', 'v1', 'namespaces')
  assert(namespaceKind, 'the facts have namespaces')
  const registry = createRegistry({ store, clock, random, namespaceKind })
  const openApi = openApiHandler({
    catalog,
    definitions: catalog.definitions,
    version: kubernetesVersion.gitVersion,
    ...(options.descriptions && { descriptions: options.descriptions }),
  })
  const resources = resourceHandler({ registry, store, clock })
  await ensureNamespaces()
  repeatBookmarks()

  return { registry, handle }

  /** authenticate → authorize → the path's own work; every error becomes a Status. */
  async function handle(request: ApiRequest): Promise<ApiReply> {
    try {
      const user = await authenticate(request)
      authorize(user, request)
      return (await fixedPath(request)) ?? (await resourcePath(request))
    } catch (error) {
      if (error instanceof StatusError) return errorReply(error)
      log.error('A request failed', { error, method: request.method, path: request.path })
      return errorReply(
        new StatusError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`),
      )
    }
  }

  async function resourcePath(request: ApiRequest): Promise<ApiReply> {
    const route = parseRoute(request.path)
    const kind = route && catalog.byResource(route.group, route.version, route.plural)
    if (!route || !kind) return textReply(404, '404 page not found\n')
    return resources(kind, route, request)
  }

  async function fixedPath({ path, headers, method }: ApiRequest): Promise<ApiReply | undefined> {
    if (method !== 'GET' && method !== 'HEAD') return undefined
    const isAggregated = headers.accept?.includes('g=apidiscovery.k8s.io') ?? false
    switch (path) {
      case '/healthz':
      case '/livez':
      case '/readyz':
        return textReply(200, 'ok')
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
        return isAggregated ? aggregatedReply(aggregatedDiscovery(catalog, 'named')) : jsonReply(200, apiGroupList(catalog))
    }
    if (path.startsWith('/openapi/')) return openApi(path)
    const [, root, group, version, more] = path.split('/')
    if (more !== undefined || group === undefined) return undefined
    const found =
      root === 'api' && version === undefined
        ? apiResourceList(catalog, '', group)
        : root === 'apis'
          ? groupPath(group, version)
          : undefined
    return found && jsonReply(200, found)
  }

  function groupPath(group: string, version: string | undefined) {
    return version === undefined ? apiGroup(catalog, group) : apiResourceList(catalog, group, version)
  }

  async function ensureNamespaces(): Promise<void> {
    assert(namespaceKind, 'the facts have namespaces')
    for (const name of initialNamespaces) {
      try {
        await registry.create(namespaceKind, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { dryRun: false })
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error
      }
    }
  }

  function repeatBookmarks(): void {
    if (signal.aborted) return
    const cancel = clock.after(bookmarkMs, () => {
      signal.removeEventListener('abort', cancel)
      for (const kind of catalog.kinds) registry.loadedCache(kind)?.sendBookmarks()
      repeatBookmarks()
    })
    signal.addEventListener('abort', cancel, { once: true })
  }
}

const open = new Set(['/healthz', '/livez', '/readyz', '/version'])

/** Everybody who is known may do everything; RBAC takes this place. */
function authorize(user: UserInfo, { path, method }: ApiRequest): void {
  if (user !== anonymous || open.has(path)) return
  throw new StatusError('Forbidden', `forbidden: User "${user.name}" cannot ${method.toLowerCase()} path "${path}"`)
}

const aggregatedReply = (document: object): ApiReply =>
  jsonReply(200, document, { 'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })

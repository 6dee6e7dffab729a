import type { Catalog } from '../api/catalog.ts'
import { apiGroup } from '../api/discovery.ts'
import type { ApiReply, ApiRequest, Handler } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import { liveCatalog } from '../api/live-catalog.ts'
import type { Descriptions } from '../api/openapi/documents.ts'
import { protobufCodec } from '../api/protobuf/envelope.ts'
import { events, ipAddresses, serviceCidrs, services } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import { lazily } from '../base/lazily.ts'
import type { Log } from '../base/log.ts'
import { MetricRegistry } from '../base/metrics/metric-registry.ts'
import type { Random } from '../base/random.ts'
import type { Store } from '../store/store.ts'
import { admissionChain } from './admission/admission.ts'
import { type AdmissionFactory, basicAdmission } from './admission/standard-admission.ts'
import { createAggregation } from './aggregation/aggregation.ts'
import { type ExtensionAuthentication, publishAuthentication } from './aggregation/publish-authentication.ts'
import { type AuditOptions, createAudit } from './audit/audit.ts'
import { type Authenticate, type AuthenticationFactory, authenticationOf } from './authentication.ts'
import { authorization } from './authorization/authorization-filter.ts'
import { type AuthorizerFactory, allowKnown, allowPrivileged, unionOf } from './authorization/authorizer.ts'
import { ensureBootstrapPolicy } from './authorization/ensure-bootstrap-policy.ts'
import { escalationCheck } from './authorization/escalation.ts'
import { requireCreateBy } from './authorization/require-create.ts'
import { loadRoleIndex } from './authorization/role-index.ts'
import { parseBody } from './body.ts'
import { ensureBootstrapObjects } from './bootstrap-objects.ts'
import type { AnswerCall, Call, Filter } from './call.ts'
import { compactRegularly } from './compaction.ts'
import type { ComputedResource } from './computed-resources.ts'
import type { Connector } from './connector.ts'
import { serveCustomResources } from './custom-resources/serve-custom-resources.ts'
import { withDeadlines } from './deadlines.ts'
import { expireEvents } from './event-expiry.ts'
import { fixedPaths, kubernetesVersion } from './fixed-paths.ts'
import { createFlowControl } from './flow-control/flow-control.ts'
import { keepFlowObjects } from './flow-control/flow-objects.ts'
import { healthHandler } from './health.ts'
import { impersonation } from './impersonation.ts'
import { kindOf } from './kind-of.ts'
import { countedAuthentication, countedAuthorization } from './metrics/access-metrics.ts'
import { timedPlugins } from './metrics/admission-metrics.ts'
import { countRequests } from './metrics/request-metrics.ts'
import { countObjects, timedStore } from './metrics/storage-metrics.ts'
import type { Reading } from './negotiation.ts'
import { Notes } from './notes.ts'
import { openApiHandler } from './open-api.ts'
import { createRegistry, type Registry } from './registry.ts'
import { errorReply, textReply, withWarnings } from './replies.ts'
import { attributesOf, type RequestAttributes } from './request-attributes.ts'
import { createResourceCaches } from './resource-caches.ts'
import { resourceHandler } from './resource-handler.ts'
import { serveResourceMetrics } from './resource-metrics/resource-metrics.ts'
import { parseRoute, type ResourceRoute } from './route.ts'
import { noResource, notAllowed } from './routing-errors.ts'
import { issuerHandler } from './service-account-issuer.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import { type Advertised, ensureApiServerService } from './services/api-server-service.ts'
import { reachServices } from './services/reach-services.ts'
import { serviceAddresses } from './services/service-addresses.ts'
import { defaultNodePorts, defaultServiceRange, serviceHook } from './services/service-hook.ts'
import { StartSteps } from './start-steps.ts'
import { subresourceTable } from './subresources/subresource-table.ts'
import { virtualResources } from './virtual-resources.ts'
import { noWebhooks, webhookClient } from './webhooks/webhook-client.ts'
import { createWire } from './wire.ts'
import type { WriteHook } from './write-hook.ts'
import { createYamlReader } from './yaml-reader.ts'

export interface ServerOptions {
  readonly store: Store
  readonly catalog: Catalog
  readonly authenticate: Authenticate | AuthenticationFactory
  /** `host:port` that discovery names. */
  readonly serverAddress: string
  /** Texts of fields for `kubectl explain`; left out, it shows structure alone. */
  readonly descriptions?: Descriptions
  /** Asked in order what somebody may do; left out: who is known may do everything. */
  readonly authorizers?: readonly AuthorizerFactory[]
  /** Whether upstream's default roles and bindings are made, and brought to what they should have; left out: no. */
  readonly bootstrapPolicy?: boolean
  /** Stations between authentication and authorization, the outermost first. */
  readonly filters?: readonly Filter[]
  /** What is recorded of requests, and where; left out: nothing. */
  readonly audit?: AuditOptions
  /** Priority and fairness, by so many seats; left out, every request is done when it comes. */
  readonly flowControlSeats?: number
  /** Plug-ins that every write passes, in order; left out: those that need no controller. */
  readonly admission?: readonly AdmissionFactory[]
  /** Where services get their addresses and node ports from; left out: upstream's usual ranges. */
  readonly serviceRange?: string
  readonly nodePorts?: { readonly first: number; readonly last: number }
  /** Where pods and nodes reach this server; left out, there is no service `kubernetes`. */
  readonly advertised?: Advertised
  /** Signs what `serviceaccounts/token` gives out; left out, that is not served. */
  readonly tokens?: ServiceAccountTokens
  /** Reaches kubelets, pods and services; left out, logs, exec, attach, port-forward and proxy are not served. */
  readonly connector?: Connector
  /** What is told extension servers about whom to believe; left out, it is not told. */
  readonly extensionAuthentication?: ExtensionAuthentication
  /** What `/metrics` shows, beside what the server itself counts there. */
  readonly metrics?: MetricRegistry
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface ApiServer {
  readonly handle: Handler
  readonly registry: Registry
}

const bookmarkMs = 60_000

/** The API server as a function over one store. Runs its bookmarks until the signal aborts. */
export async function createServer(options: ServerOptions, signal: AbortSignal): Promise<ApiServer> {
  const { serverAddress, clock, random, log, metrics = new MetricRegistry() } = options
  // Kinds of custom resources come and go.
  const catalog = liveCatalog(options.catalog)
  const store = timedStore(options.store, metrics, clock)
  const steps = new StartSteps()
  const { serviceRange = defaultServiceRange, nodePorts = defaultNodePorts } = options
  const caches = createResourceCaches(store)
  countObjects(metrics, caches)
  const roles = lazily(() => loadRoleIndex({ catalog, caches }))
  const authorizers = (options.authorizers ?? [() => allowKnown]).map((make) => make({ catalog, caches, roles, clock, random, log }))
  const authorize = unionOf([allowPrivileged, ...(await Promise.all(authorizers))])
  const { tokens, connector } = options
  const { resolve, endpointsOf } = reachServices({ catalog, caches, random })
  const webhooks = connector ? webhookClient({ connector, resolve, clock }) : noWebhooks
  const plugins = [...(options.admission ?? basicAdmission), escalationCheck(roles)].map((make) =>
    make({ catalog, caches, authorize, registry: () => registry, webhooks, clock, random, log }),
  )
  const admission = admissionChain((await Promise.all(plugins)).map(timedPlugins(metrics, clock)))
  const registry: Registry = createRegistry({ store, caches, clock, random, admission, hooks: await writeHooks() })
  const openApi = openApiHandler({
    catalog,
    definitions: catalog.definitions,
    version: kubernetesVersion.gitVersion,
    ...(options.descriptions && { descriptions: options.descriptions }),
  })
  const place = options.advertised ? `${options.advertised.address}:${options.advertised.port}` : serverAddress
  const issuer = tokens && issuerHandler({ tokens, server: place })
  const wire = createWire(protobufCodec(catalog.definitions, catalog.messages), createYamlReader({ clock }))
  const subresources = subresourceTable({
    registry,
    catalog,
    endpointsOf,
    clock,
    ...(tokens && { tokens }),
    ...(connector && { connector }),
  })
  const { authenticate, reviewToken } = await authenticationOf(options.authenticate, { catalog, caches, clock, log })
  const identify = countedAuthentication(metrics, authenticate)
  const virtual = virtualResources({
    reviewToken,
    authorize,
    registry,
    catalog,
    clock,
  })
  const computed = connector ? await serveResourceMetrics({ catalog, caches, connector, clock, log }) : new Map<string, ComputedResource>()
  const requireCreate = requireCreateBy(authorize)
  const resources = resourceHandler({ registry, caches, clock, random, catalog, subresources, virtual, computed, requireCreate })
  await steps.run('scheduling/bootstrap-system-priority-classes', () => ensureBootstrapObjects(registry, catalog, serviceRange))
  if (options.bootstrapPolicy) await steps.run('rbac/bootstrap-roles', () => ensureBootstrapPolicy({ registry, catalog, log }))
  if (options.advertised) await ensureApiServerService({ registry, catalog, serviceRange, advertised: options.advertised })
  const customResources = await steps.run('crd-informer-synced', () =>
    serveCustomResources({ registry, catalog, caches, callWebhook: webhooks, clock, log, signal }),
  )
  if (options.extensionAuthentication) await publishAuthentication(registry, catalog, options.extensionAuthentication)
  const forwarding = connector ? { connector, resolve } : undefined
  const aggregation = await createAggregation({ registry, catalog, caches, customResources, forwarding, clock, log }, signal)
  repeatBookmarks()
  compactRegularly({ store, clock, log }, signal)
  expireEvents({ registry, kind: kindOf(catalog, events), clock, log }, signal)
  const { flowControlSeats: seats = 0 } = options
  const flowControl = seats
    ? await steps.run('priority-and-fairness-config-consumer', () => createFlowControl({ catalog, caches, seats, clock, metrics }))
    : undefined
  if (flowControl)
    await steps.run('priority-and-fairness-config-producer', () => keepFlowObjects({ registry, catalog, clock, log }, flowControl, signal))
  const health = healthHandler({
    alive: [{ name: 'etcd', check: () => store.failure() }, ...steps.checks()],
    ready: [
      { name: 'etcd-readiness', check: () => store.failure() },
      { name: 'shutdown', check: () => (signal.aborted ? new Error('The server is being stopped') : undefined) },
    ],
    onFailure: (endpoint, name, error) => log.warn('A health check failed', { endpoint, check: name, error }),
  })

  const atFixedPath = fixedPaths({ catalog, aggregation, metrics, serverAddress, openApi, health, issuer })

  const audit =
    options.audit && createAudit({ ...options.audit, bodyOf: (request) => parseBody(wire.decoded(request)), clock, random, metrics })

  // A station never sees the next one throw what the API can say.
  const stations = [
    ...(audit ? [audit.filter] : []),
    ...(options.filters ?? []),
    impersonation(authorize),
    ...(flowControl ? [flowControl.filter] : []),
    authorization(countedAuthorization(metrics, authorize), audit !== undefined),
  ]
  const pipeline = stations.reduceRight<AnswerCall>((next, filter) => replying(filter(next)), replying(answer))

  const written = async (request: ApiRequest, attributes: RequestAttributes) => wire.write(request, await handle(request, attributes))
  const answerRequest = countRequests({ metrics, clock, kindOf: servedKind }, withDeadlines({ clock, signal }, written, errorReply))
  return { registry, handle: (request) => answerRequest(request, attributesOf(request)) }

  function servedKind(attributes: RequestAttributes): Kind | undefined {
    return attributes.type === 'resource' ? catalog.byResource(attributes.group, attributes.version, attributes.resource) : undefined
  }

  async function writeHooks(): Promise<ReadonlyMap<string, WriteHook>> {
    const kind = kindOf(catalog, services)
    const addresses = serviceAddresses({
      serviceRange,
      cidrs: await caches.load(kindOf(catalog, serviceCidrs)),
      ipAddresses: await caches.load(kindOf(catalog, ipAddresses)),
    })
    const hook = serviceHook({ kind, services: await caches.load(kind), addresses, nodePorts, random })
    return new Map([[`${kind.storage.group}/${kind.storage.plural}`, hook]])
  }

  /** authenticate → the pipeline's stations → authorize → the path's own work; every error becomes a Status. */
  async function handle(request: ApiRequest, attributes: RequestAttributes): Promise<ApiReply> {
    try {
      const user = await identify(request)
      const notes = new Notes()
      return withWarnings(await pipeline({ request, user, attributes, notes }), notes.warnings)
    } catch (error) {
      const reply = replyTo(error, request)
      return audit ? audit.refused(request, attributes, reply) : reply
    }
  }

  function replying(inner: AnswerCall): AnswerCall {
    return async (call) => {
      try {
        return await inner(call)
      } catch (error) {
        return replyTo(error, call.request)
      }
    }
  }

  function replyTo(error: unknown, { method, path }: ApiRequest): ApiReply {
    if (error instanceof StatusError) return errorReply(error)
    log.error('A request failed', { error, method, path })
    return errorReply(
      new StatusError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  async function answer(call: Call): Promise<ApiReply> {
    return (await aggregation.answer(call)) ?? (await atFixedPath(call.request)) ?? (await resourcePath(call))
  }

  async function resourcePath(call: Call): Promise<ApiReply> {
    const { request, user, notes } = call
    const route = parseRoute(request.path)
    const kind = route && (servedAt(route) ?? (await servedSoon(route)))
    if (!route || !kind) return unrouted(request)
    if (kind.deprecation) notes.warn(kind.deprecation)
    const representation = wire.accepted(request, kind, readingOf(call.attributes), route.subresource !== '')
    const read = wire.read(request)
    return resources(kind, route, { request: read instanceof Promise ? await read : read, user, notes }, representation)
  }

  function servedAt({ group, version, plural }: ResourceRoute): Kind | undefined {
    return catalog.byResource(group, version, plural)
  }

  /** A definition that was just written is served to whoever read the reply. */
  async function servedSoon(route: ResourceRoute): Promise<Kind | undefined> {
    await customResources.pending(`${route.plural}.${route.group}`)
    return servedAt(route)
  }

  /** Below the groups that are served, the router answers in the API's words; elsewhere there is nothing. */
  function unrouted({ path }: ApiRequest): ApiReply {
    const [, root = '', group = ''] = path.split('/')
    if (path === '/version' || path === '/api' || path === '/apis') throw notAllowed()
    if (root === 'api' || (root === 'apis' && apiGroup(catalog, group))) throw noResource()
    return textReply(404, '404 page not found\n')
  }

  function repeatBookmarks(): void {
    if (signal.aborted) return
    const cancel = clock.after(bookmarkMs, () => {
      signal.removeEventListener('abort', cancel)
      for (const cache of caches.all()) cache.sendBookmarks()
      repeatBookmarks()
    })
    signal.addEventListener('abort', cancel, { once: true })
  }
}

const readingOf = ({ verb }: RequestAttributes): Reading => (verb === 'list' || verb === 'watch' ? verb : 'one')

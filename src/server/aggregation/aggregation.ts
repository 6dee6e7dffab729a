import type { Catalog } from '../../api/catalog.ts'
import type { ApiReply, UserInfo } from '../../api/exchange.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource-ref.ts'
import { apiServices, customResourceDefinitions, endpointSlices, services } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import type { APIService } from '../../api/types/apiregistration-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Call } from '../call.ts'
import type { CustomResources } from '../custom-resources/serve-custom-resources.ts'
import { followCache } from '../follow-cache.ts'
import { kindOf } from '../kind-of.ts'
import { ownWrites } from '../own-writes.ts'
import type { Registry } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { type Availability, failedDiscovery } from './availability.ts'
import { availabilityChecks } from './availability-checks.ts'
import { type ForwardParts, forward } from './forward.ts'
import { orderGroups } from './group-order.ts'
import { planOwnServices } from './own-api-services.ts'
import { probe } from './probe.ts'
import type { DiscoveredVersion } from './remote-discovery.ts'
import { type RemoteService, remoteServices } from './remote-services.ts'

/** The aggregation layer: which group versions other servers answer, and that they are asked. */
export interface Aggregation {
  /** The reply of the server that answers the path; undefined: this one does. */
  answer(call: Call): Promise<ApiReply> | undefined
  /** Our documents of discovery with what other servers have, each in its place. */
  groupList(own: GroupList): GroupList
  group(name: string, own: Group | undefined): Group | undefined
  discovery(own: DiscoveryList): DiscoveryList
  /** Where OpenAPI documents of version 3 are. */
  openApiIndex(own: ApiReply): ApiReply
}

interface Group {
  readonly name: string
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[]
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string } | undefined
}

interface GroupList {
  readonly groups: readonly Group[]
}

interface DiscoveryList {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly versions: readonly DiscoveredVersion[] }[]
}

export interface AggregationParts {
  readonly registry: Registry
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  /** Its kinds are registered as they come and go. */
  readonly customResources: CustomResources
  /** Undefined: other servers cannot be reached, and what they answer is unavailable. */
  readonly forwarding: ForwardParts | undefined
  readonly clock: Clock
  readonly log: Log
}

const openApiRoot = '/openapi/v3'

/**
 * Whether what the path means to another server is what was authorized: below a group version only what is a resource here,
 * since all else may be read by everybody, and no segments that lead elsewhere.
 */
function wasAskedFor({ request: { path }, attributes }: Call, isOpenApi: boolean): boolean {
  if (isOpenApi) return path.split('/').every((segment) => !/^(\.|%2e){1,2}$/i.test(segment) && !/%2f/i.test(segment))
  const [, , , , ...below] = path.split('/')
  return attributes.type === 'resource' || below.join('/') === ''
}
/** As whom documents are fetched. */
const aggregator: UserInfo = { name: 'system:aggregator', groups: ['system:authenticated'] }

export async function createAggregation(parts: AggregationParts, signal: AbortSignal): Promise<Aggregation> {
  const { registry, catalog, caches, customResources, forwarding, clock, log } = parts
  const kind = kindOf(catalog, apiServices)
  const cache = await caches.load(kind)
  /** What each server last said of its group version. */
  const discovered = new Map<string, DiscoveredVersion>()
  const openApiPlaces = new Map<string, string>()
  const remotes = remoteServices(cache)
  const checks = availabilityChecks({ cache, kind, probe: probed, registry, clock, log, signal })
  let isFollowing = false
  const specs = new Map<string, APIService['spec']>()
  followCache(cache, {
    set(object) {
      const { metadata, spec } = object as APIService
      // Of its status we are the writer.
      if (jsonEqual(specs.get(metadata.name), spec) && (object as APIService).status?.conditions) return
      specs.set(metadata.name, spec)
      checks.check(metadata.name)
      if (!remotes.isEmpty) followServices()
    },
    remove({ metadata }) {
      specs.delete(metadata.name)
      discovered.delete(metadata.name)
      openApiPlaces.delete(metadata.name)
      checks.check(metadata.name)
    },
  })
  await registerOwn()
  let isRegistering = false
  const registerAgain = () => {
    if (isRegistering) return
    isRegistering = true
    void registerSettled()
  }
  followCache(await caches.load(kindOf(catalog, customResourceDefinitions)), { set: registerAgain, remove: registerAgain })

  return {
    answer(call) {
      if (remotes.isEmpty) return undefined
      const { path } = call.request
      const isOpenApi = path.startsWith(openApiRoot)
      if (!wasAskedFor(call, isOpenApi)) return undefined
      const remote = remoteAt(isOpenApi ? path.slice(openApiRoot.length) : path)
      // Who may see documents has been asked here; a server may know no more of our callers.
      return remote && forward(remote, isOpenApi ? { ...call, user: aggregator } : call, forwarding)
    },
    groupList(own) {
      if (remotes.isEmpty) return own
      const known = new Map(own.groups.map((group) => [group.name, group]))
      const order = orderGroups(own.groups.map(orderOf), [...remotes.all()])
      return { ...own, groups: order.map(({ name, versions }) => groupEntry(name, versions, known.get(name))) }
    },
    group(name, own) {
      const foreign = remotes.isEmpty ? [] : [...remotes.all()].filter(({ group }) => group === name)
      if (foreign.length === 0) return own
      const [ordered] = orderGroups(own ? [orderOf(own)] : [], foreign)
      return ordered && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name, ordered.versions, own) }
    },
    discovery(own) {
      if (remotes.isEmpty) return own
      const known = new Map(own.items.map((item) => [item.metadata.name, item]))
      const ordered = orderGroups(
        own.items.map(({ metadata, versions }) => ({ name: metadata.name, versions: versions.map(({ version }) => version) })),
        [...remotes.all()],
      )
      const items = ordered.map(({ name, versions }) => {
        const mine = new Map(known.get(name)?.versions.map((entry) => [entry.version, entry]))
        const metadata = known.get(name)?.metadata ?? { name, creationTimestamp: null }
        return { metadata, versions: versions.map((version) => foreignVersion(name, version) ?? mine.get(version)) }
      })
      return { ...own, items: items as DiscoveryList['items'] }
    },
    openApiIndex(own) {
      const places = [...remotes.all()].flatMap(({ name, group, version }) => {
        const serverRelativeURL = openApiPlaces.get(name)
        return serverRelativeURL === undefined ? [] : [[`apis/${group}/${version}`, { serverRelativeURL }] as const]
      })
      if (places.length === 0 || own.body.type !== 'bytes') return own
      const index = JSON.parse(Buffer.concat(own.body.chunks).toString()) as { paths: object }
      const document = { ...index, paths: { ...index.paths, ...Object.fromEntries(places) } }
      return { ...own, body: { type: 'bytes', chunks: [Buffer.from(JSON.stringify(document))] } }
    },
  }

  function remoteAt(path: string): RemoteService | undefined {
    const [, root, group = '', version = ''] = path.split('/', 4)
    return root === 'apis' ? remotes.find(group, version) : undefined
  }

  function foreignVersion(group: string, version: string): DiscoveredVersion | undefined {
    const remote = remotes.find(group, version)
    if (!remote) return undefined
    const known = discovered.get(remote.name) ?? { version, resources: [], freshness: 'Stale' }
    return remote.isAvailable ? known : { ...known, freshness: 'Stale' }
  }

  async function registerSettled(): Promise<void> {
    await customResources.settled()
    isRegistering = false
    try {
      await registerOwn()
    } catch (error) {
      log.warn('Cannot register the groups of this server', { error })
    }
  }

  async function registerOwn(): Promise<void> {
    const existing = [...cache.range(cache.prefix)].map(({ object }) => object as APIService)
    const { create, update, remove } = planOwnServices(catalog.kinds, existing)
    await Promise.all([
      ...create.map((object) => registry.create(kind, undefined, structuredClone(object) as unknown as JsonObject, ownWrites)),
      ...update.map((object) => {
        const ref = { kind, namespace: undefined, name: object.metadata.name }
        return registry.update(ref, '', (current) => ({ ...(current as unknown as JsonObject), spec: { ...object.spec } }), ownWrites)
      }),
      ...remove.map(async ({ metadata: { name } }) => {
        try {
          await registry.delete({ kind, namespace: undefined, name }, ownWrites)
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error
        }
      }),
    ])
  }

  /** Services matter to this from the first registration that names one. */
  function followServices(): void {
    if (isFollowing) return
    isFollowing = true
    const loaded = [services, endpointSlices].map((ref) => caches.load(kindOf(catalog, ref)))
    void Promise.all(loaded).then(
      ([known, slices]) => {
        const ofService = ({ metadata }: KubeObject) => changedService(metadata.namespace, metadata.name)
        const ofSlice = ({ metadata }: KubeObject) => changedService(metadata.namespace, metadata.labels?.['kubernetes.io/service-name'])
        if (known) followCache(known, { set: ofService, remove: ofService })
        if (slices) followCache(slices, { set: ofSlice, remove: ofSlice })
      },
      (error: unknown) => {
        isFollowing = false
        log.warn('Cannot follow the services of extension servers', { error })
      },
    )
  }

  function changedService(namespace: string | undefined, name: string | undefined): void {
    for (const { service, name: registration } of remotes.all())
      if (service.namespace === namespace && service.name === name) checks.check(registration)
  }

  async function probed(remote: RemoteService): Promise<Availability> {
    if (!forwarding) return failedDiscovery('this server reaches no other servers')
    const { availability, discovered: version, openApi } = await probe(remote, { catalog, caches, forwarding, clock }, signal)
    if (version) discovered.set(remote.name, version)
    if (openApi === undefined) openApiPlaces.delete(remote.name)
    else openApiPlaces.set(remote.name, openApi)
    return availability
  }
}

const orderOf = ({ name, versions }: Group) => ({ name, versions: versions.map(({ version }) => version) })

function groupEntry(name: string, versions: readonly string[], before: Group | undefined): Group {
  const entries = versions.map((version) => ({ groupVersion: apiVersionOf({ group: name, version }), version }))
  return { ...before, name, versions: entries, preferredVersion: entries[0] }
}

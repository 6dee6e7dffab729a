import type { Catalog } from '../../api/catalog.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { boundedBytes } from '../bounded-bytes.ts'
import { connectionProblem } from '../connection-problem.ts'
import type { IncomingReply } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import { listPrefix, objectKey } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { type Availability, failedDiscovery, passed, serviceProblem } from './availability.ts'
import { type ForwardParts, targetOf } from './forward.ts'
import { type DiscoveredVersion, versionIn, versionOfList } from './remote-discovery.ts'
import type { RemoteService } from './remote-services.ts'
import { remoteUserHeaders } from './remote-user-headers.ts'

const probeMs = 5000
/** Nobody vouches for what a server answers. */
const maxDocumentBytes = 16 << 20
/** As whom a server is asked about itself. */
const aggregator = remoteUserHeaders({ name: 'system:kube-aggregator', groups: ['system:masters'] })
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

export interface ProbeParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  readonly forwarding: ForwardParts
  readonly clock: Clock
}

export interface Probed {
  readonly availability: Availability
  /** What it says of itself, where it answers. */
  readonly discovered?: DiscoveredVersion
  /** Where its OpenAPI document of version 3 is, with a hash that changes with it; left out, it has none. */
  readonly openApi?: string
}

/** Whether an extension server answers; and what, if it does. Never throws. */
export async function probe(remote: RemoteService, parts: ProbeParts, signal: AbortSignal): Promise<Probed> {
  const problem = await problemOf(remote, parts)
  if (problem) return { availability: problem }
  const path = `/apis/${remote.group}/${remote.version}`
  const address = addressOf(remote, path)
  try {
    // As upstream, whether it answers is one question and whether it is to be believed another.
    const { status, document: list } = await ask({ ...remote, verified: undefined }, path, 'application/json', parts, signal)
    if (status < 200 || status > 299) return { availability: failedDiscovery(`bad status from ${address}: ${status}`) }
    const [newer, openApi] = await Promise.all([newerForm(remote, parts, signal), openApiOf(remote, parts, signal)])
    return { availability: passed, discovered: newer ?? versionOfList(list, remote), ...(openApi !== undefined && { openApi }) }
  } catch (cause) {
    const why = connectionProblem(cause, address.slice('https://'.length, -path.length))
    return { availability: failedDiscovery(`failing or missing response from ${address}: Get ${JSON.stringify(address)}: ${why}`) }
  }
}

async function problemOf({ service: named, ...remote }: RemoteService, { catalog, caches }: ProbeParts): Promise<Availability | undefined> {
  const [kind, sliceKind] = [kindOf(catalog, services), kindOf(catalog, endpointSlices)]
  const [known, slices] = await Promise.all([caches.load(kind), caches.load(sliceKind)])
  const { namespace, name } = named
  const service = known.get(objectKey({ kind, namespace, name }))?.object as Service | undefined
  const own = [...slices.range(listPrefix(sliceKind, namespace))]
    .map(({ object }) => object as EndpointSlice)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  return serviceProblem({ ...remote, service: named }, service, own)
}

/** From aggregated discovery, which older servers lack; undefined where it cannot be had. */
async function newerForm(remote: RemoteService, parts: ProbeParts, signal: AbortSignal): Promise<DiscoveredVersion | undefined> {
  try {
    const { status, document } = await ask(remote, '/apis', `${aggregatedType},application/json`, parts, signal)
    return status === 200 && document.kind === 'APIGroupDiscoveryList' ? versionIn(document, remote) : undefined
  } catch {
    return undefined
  }
}

async function openApiOf(remote: RemoteService, parts: ProbeParts, signal: AbortSignal): Promise<string | undefined> {
  const { document } = await ask(remote, '/openapi/v3', 'application/json', parts, signal).catch(() => ({ document: {} as JsonObject }))
  const place = isJsonObject(document.paths) ? document.paths[`apis/${remote.group}/${remote.version}`] : undefined
  const url = isJsonObject(place) ? place.serverRelativeURL : undefined
  return typeof url === 'string' && url.startsWith('/openapi/v3/') ? url : undefined
}

async function ask(
  remote: RemoteService,
  path: string,
  accept: string,
  { forwarding, clock }: ProbeParts,
  signal: AbortSignal,
): Promise<{ status: number; document: JsonObject }> {
  const controller = new AbortController()
  const cancel = clock.after(probeMs, () => controller.abort())
  try {
    const reply = await forwarding.connector.send(await targetOf(remote, forwarding), {
      method: 'GET',
      path,
      headers: { ...aggregator, accept },
      isRepeatable: true,
      signal: AbortSignal.any([controller.signal, signal]),
    })
    return { status: reply.status, document: await documentIn(reply) }
  } catch (cause) {
    if (controller.signal.aborted) throw new Error('context deadline exceeded', { cause })
    throw cause
  } finally {
    cancel()
  }
}

async function documentIn({ body }: IncomingReply): Promise<JsonObject> {
  const bytes = await boundedBytes(body, maxDocumentBytes, () => new Error(`the reply is longer than ${maxDocumentBytes} bytes`))
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return isJsonObject(value) ? value : {}
  } catch (cause) {
    if (cause instanceof SyntaxError) return {}
    throw cause
  }
}

const addressOf = ({ service: { namespace, name, port } }: RemoteService, path: string) => `https://${name}.${namespace}.svc:${port}${path}`

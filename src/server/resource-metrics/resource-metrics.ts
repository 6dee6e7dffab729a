import type { Catalog } from '../../api/catalog.ts'
import type { LiveCatalog } from '../../api/live-catalog.ts'
import { nodes as nodesRef, pods as podsRef } from '../../api/resources.ts'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { boundedBytes } from '../bounded-bytes.ts'
import type { ComputedCall, ComputedResource } from '../computed-resources.ts'
import type { Connector } from '../connector.ts'
import { metadataSchema } from '../custom-resources/metadata-schema.ts'
import { kindOf } from '../kind-of.ts'
import { listPrefix, objectKey } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { kubeletOf } from '../subresources/kubelet-of.ts'
import { metricsGroup, metricsKinds } from './metrics-kinds.ts'
import { nodeMetricsOf, podMetricsOf } from './summary-metrics.ts'

/** How many kubelets are asked at once, how long each may take, and how much it may tell. */
const maxAtOnce = 32
const timeoutMs = 5_000
const maxBytes = 16 << 20

/**
 * `metrics.k8s.io`, which `kubectl top` and autoscalers ask: kubelets are asked when somebody asks here, so it costs
 * nothing otherwise. A node that does not answer is left out, as one of which nothing is known yet.
 */
export async function serveResourceMetrics({
  catalog,
  caches,
  connector,
  clock,
  log,
}: {
  catalog: LiveCatalog
  caches: ResourceCaches
  connector: Connector
  clock: Clock
  log: Log
}): Promise<ReadonlyMap<string, ComputedResource>> {
  const kinds = metricsKinds(metadataSchema(catalog))
  catalog.put(metricsGroup, [kinds.nodes, kinds.pods])
  const nodeKind = kindOf(catalog satisfies Catalog, nodesRef)
  const podKind = kindOf(catalog, podsRef)
  const nodes = await caches.load(nodeKind)
  const pods = await caches.load(podKind)

  const nodeNamed = (name: string) => nodes.get(objectKey({ kind: nodeKind, namespace: undefined, name }))?.object as Node | undefined
  const podNamed = (namespace: string, name: string) => pods.get(objectKey({ kind: podKind, namespace, name }))?.object as Pod | undefined

  return new Map<string, ComputedResource>([
    [`${metricsGroup}/nodes`, nodeMetrics],
    [`${metricsGroup}/pods`, podMetrics],
  ])

  async function nodeMetrics({ name, signal }: ComputedCall) {
    const asked = name === undefined ? [...nodes.range(nodes.prefix)].map(({ object }) => object as Node) : [nodeNamed(name)]
    return summaries(asked, signal, (summary, node) => nodeMetricsOf(summary, node, clock.now()) ?? [])
  }

  async function podMetrics({ namespace, name, signal }: ComputedCall) {
    const isAsked = ({ metadata }: Pod) =>
      (namespace === undefined || metadata.namespace === namespace) && (name === undefined || metadata.name === name)
    const find = (itsNamespace: string, itsName: string, uid: string) => {
      const pod = podNamed(itsNamespace, itsName)
      return pod && isAsked(pod) && pod.metadata.uid === uid ? pod : undefined
    }
    const hosts = nodesOf(namespace, name)
    return summaries(hosts.map(nodeNamed), signal, (summary) => podMetricsOf(summary, find, clock.now()))
  }

  /** The nodes on which pods that are asked for run. */
  function nodesOf(namespace: string | undefined, name: string | undefined): readonly string[] {
    if (namespace !== undefined && name !== undefined) return [podNamed(namespace, name)?.spec?.nodeName ?? ''].filter(Boolean)
    const names = new Set<string>()
    for (const entry of pods.range(listPrefix(podKind, namespace))) {
      const { spec } = entry.glance() as Pod
      if (spec?.nodeName) names.add(spec.nodeName)
    }
    return [...names]
  }

  /** What is read of the summaries of nodes, in their order. */
  async function summaries<T>(
    of: readonly (Node | undefined)[],
    signal: AbortSignal,
    read: (summary: unknown, node: Node) => T | readonly T[],
  ): Promise<T[]> {
    const waiting = of.flatMap((node) => node ?? [])
    const results: (T | readonly T[])[] = waiting.map(() => [])
    let next = 0
    const work = async () => {
      for (let index = next++; index < waiting.length; index = next++) {
        const node = waiting[index]
        const summary = node && (await summaryOf(node, signal))
        if (node && summary !== undefined) results[index] = read(summary, node)
      }
    }
    await Promise.all(Array.from({ length: Math.min(maxAtOnce, waiting.length) }, work))
    return results.flat() as T[]
  }

  async function summaryOf(node: Node, signal: AbortSignal): Promise<unknown> {
    const timeout = new AbortController()
    const cancel = clock.after(timeoutMs, () => timeout.abort(new Error('It did not answer in time')))
    try {
      const request = { method: 'GET', path: '/stats/summary', headers: {}, signal: AbortSignal.any([signal, timeout.signal]) }
      const { status, body } = await connector.send(kubeletOf(node), request)
      const text = (await boundedBytes(body, maxBytes, () => new Error(`The summary is longer than ${maxBytes} bytes`))).toString()
      if (status === 200) return JSON.parse(text)
      throw new Error(`It answered ${status}: ${text.slice(0, 200)}`)
    } catch (error) {
      // A kubelet may be away, silent or wrong: nothing is known of its node then.
      log.debug('A kubelet does not tell what its node uses', { node: node.metadata.name, error })
      return undefined
    } finally {
      cancel()
    }
  }
}

import { conditionOf } from '../api/conditions.ts'
import { leases, nodes } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { microTimestamp } from '../api/timestamp.ts'
import type { LeaseSpec } from '../api/types/coordination-v1.ts'
import type { Node, NodeStatus } from '../api/types/core-v1.ts'
import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Cache, Client } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import type { ImageService, RuntimeService } from '../cri/types.ts'
import type { KubeletOptions } from './kubelet-options.ts'
import { nodeLabels, nodeStatus, runtimeProblems, withoutHeartbeats } from './node-status.ts'

const leaseNamespace = 'kube-node-lease'
const leaseSeconds = 40
const leaseRenewMs = 10_000
const statusCheckMs = 10_000
/** Even where nothing changes, the status is told this often. */
const statusRepeatMs = 300_000
const retry = { firstMs: 250, maxMs: statusCheckMs }
/** How often a runtime that is not ready yet is asked: CRI has no event for it. */
const unreadyCheckMs = 250

export interface NodeAgent {
  /** Resolves once the API has the node. */
  readonly registered: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

interface Deps extends Pick<KubeletOptions, 'node' | 'machine'> {
  readonly client: Client
  /** Of this one node. */
  readonly cache: Cache<Node>
  readonly runtime: RuntimeService
  readonly images: ImageService
  readonly runtimeName: string
  readonly runtimeVersion: string
  readonly kubeletPort: number
  readonly clock: Clock
  readonly log: Log
}

/** Registers the node, and keeps its status and its lease. */
export function nodeAgent(deps: Deps): NodeAgent {
  const { client, cache, runtime, images, node: settings, machine, clock, log } = deps
  const resource = client.resource(nodes)
  let toldAtMs = 0
  let isRegistered: () => void = () => {}
  const registered = new Promise<void>((resolve) => (isRegistered = resolve))

  return {
    registered,
    async run(signal) {
      await Promise.all([keepStatus(signal), keepLease(signal)])
    },
  }

  async function keepStatus(signal: AbortSignal): Promise<void> {
    const wakeup = new Wakeup(signal)
    // What others make of the node (not ready, or gone) is put right at once.
    const unsubscribe = cache.onChange((before, after) => {
      if (!after || conditionOf(before?.status, 'Ready')?.status !== conditionOf(after.status, 'Ready')?.status) wakeup.signal()
    })
    let failures = 0
    while (!signal.aborted) {
      let againMs: number
      try {
        const { status: runtimeStatus } = await runtime.status({}, signal)
        const runtimeConditions = runtimeStatus?.conditions ?? []
        againMs = runtimeProblems(runtimeConditions).length === 0 ? statusCheckMs : unreadyCheckMs
        const { images: present = [] } = await images.listImages({}, signal)
        const make = (old: NodeStatus | undefined) => nodeStatus({ ...deps, runtimeConditions, images: present, old, nowMs: clock.now() })
        const node = cache.get(undefined, settings.name) ?? (await register(make(undefined), signal))
        isRegistered()
        await tell(node, make(node.status), signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        log.warn("The node's status could not be told", { error })
        againMs = backoffMs(retry, failures++)
      }
      const cancel = clock.after(againMs, () => wakeup.signal())
      await wakeup.wait()
      cancel()
    }
    unsubscribe()
  }

  async function register(status: NodeStatus, signal: AbortSignal): Promise<Node> {
    const labels = nodeLabels(settings, machine)
    try {
      const made = await resource.create(
        {
          metadata: { name: settings.name, labels, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
          spec: {
            ...(settings.podCidr !== undefined && { podCIDR: settings.podCidr, podCIDRs: [settings.podCidr] }),
            ...(settings.taints && settings.taints.length > 0 && { taints: [...settings.taints] }),
          },
          status,
        },
        { signal },
      )
      log.info('The node is registered', { node: settings.name })
      return made
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
    }
    const found = await resource.get(undefined, settings.name, { signal })
    const isLabelled = Object.entries(labels).every(([name, value]) => found.metadata.labels?.[name] === value)
    const spec =
      settings.podCidr !== undefined && found.spec?.podCIDR === undefined
        ? { podCIDR: settings.podCidr, podCIDRs: [settings.podCidr] }
        : undefined
    if (isLabelled && !spec) return found
    return resource.patch(undefined, settings.name, 'merge', { metadata: { labels }, ...(spec && { spec }) }, { signal })
  }

  async function tell({ status: old }: Node, status: NodeStatus, signal: AbortSignal): Promise<void> {
    const isDue = clock.now() - toldAtMs >= statusRepeatMs
    if (old && !isDue && semanticEqual(withoutHeartbeats(old), withoutHeartbeats({ ...old, ...status }))) return
    const addresses = [{ $patch: 'replace' }, ...(status.addresses ?? [])]
    await resource.patch(undefined, settings.name, 'strategic', { status: { ...status, addresses } }, { subresource: 'status', signal })
    toldAtMs = clock.now()
  }

  async function keepLease(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    if (!signal.aborted) await Promise.race([registered, aborted])
    while (!signal.aborted) {
      const spec = { holderIdentity: settings.name, leaseDurationSeconds: leaseSeconds, renewTime: microTimestamp(clock.now()) }
      try {
        await renew(spec, signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn("The node's lease could not be renewed", { error })
      }
      await sleep(clock, leaseRenewMs, signal)
    }
  }

  async function renew(spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    const lease = client.resource(leases)
    try {
      await lease.patch(leaseNamespace, settings.name, 'merge', { spec }, { signal })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
      // The node's, so that it goes with it.
      const { name, uid = '' } = cache.get(undefined, settings.name)?.metadata ?? { name: settings.name }
      const owner = uid !== '' && { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] }
      await lease.create({ metadata: { name: settings.name, namespace: leaseNamespace, ...owner }, spec }, { signal })
    }
  }
}

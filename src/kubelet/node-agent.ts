import { leases, nodes } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { Node, NodeStatus } from '../api/types/core-v1.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import type { ImageService, RuntimeService } from '../cri/types.ts'
import type { KubeletOptions } from './kubelet-options.ts'
import { nodeLabels, nodeStatus, runtimeProblems, withoutHeartbeats } from './node-status.ts'
import { microTimestamp } from './timestamp.ts'

const leaseNamespace = 'kube-node-lease'
const leaseSeconds = 40
const leaseRenewMs = 10_000
const statusCheckMs = 10_000
/** Even where nothing changes, the status is told this often. */
const statusRepeatMs = 300_000
/** How often a runtime that is not ready yet is asked: CRI has no event for it. */
const unreadyCheckMs = 250

export interface NodeAgent {
  /** The node as this kubelet told of it last. */
  node(): Node | undefined
  /** Resolves once the API has the node. */
  readonly registered: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

interface Deps extends Pick<KubeletOptions, 'node' | 'machine'> {
  readonly client: Client
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
  const { client, runtime, images, node: settings, machine, clock, log } = deps
  const resource = client.resource(nodes)
  let node: Node | undefined
  let toldAtMs = 0
  let isRegistered: () => void = () => {}
  const registered = new Promise<void>((resolve) => (isRegistered = resolve))

  return {
    node: () => node,
    registered,
    async run(signal) {
      await Promise.all([keepStatus(signal), keepLease(signal)])
    },
  }

  async function keepStatus(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let isReady = false
      try {
        const { status: runtimeStatus } = await runtime.status({}, signal)
        const runtimeConditions = runtimeStatus?.conditions ?? []
        isReady = runtimeProblems(runtimeConditions).length === 0
        const { images: present = [] } = await images.listImages({}, signal)
        const make = (old: NodeStatus | undefined) => nodeStatus({ ...deps, runtimeConditions, images: present, old, nowMs: clock.now() })
        node ??= await register(make(undefined), signal)
        isRegistered()
        await tell(make(node.status), signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn("The node's status could not be told", { error })
      }
      await sleep(clock, isReady ? statusCheckMs : unreadyCheckMs, signal)
    }
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

  async function tell(status: NodeStatus, signal: AbortSignal): Promise<void> {
    const old = node?.status
    const isDue = clock.now() - toldAtMs >= statusRepeatMs
    if (old && !isDue && semanticEqual(withoutHeartbeats(old), withoutHeartbeats({ ...old, ...status }))) return
    try {
      node = await resource.patch(
        undefined,
        settings.name,
        'strategic',
        { status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } },
        { subresource: 'status', signal },
      )
      toldAtMs = clock.now()
    } catch (error) {
      // Somebody deleted the node: it is registered anew.
      if (hasReason(error, 'NotFound')) node = undefined
      throw error
    }
  }

  async function keepLease(signal: AbortSignal): Promise<void> {
    const lease = client.resource(leases)
    await registered
    while (!signal.aborted) {
      const renewTime = microTimestamp(clock.now())
      try {
        await lease
          .patch(
            leaseNamespace,
            settings.name,
            'merge',
            { spec: { renewTime, holderIdentity: settings.name, leaseDurationSeconds: leaseSeconds } },
            { signal },
          )
          .catch((error: unknown) => {
            if (!hasReason(error, 'NotFound')) throw error
            const owner = node && {
              ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid ?? '' }],
            }
            return lease.create(
              {
                metadata: { name: settings.name, namespace: leaseNamespace, ...owner },
                spec: { holderIdentity: settings.name, leaseDurationSeconds: leaseSeconds, renewTime },
              },
              { signal },
            )
          })
      } catch (error) {
        if (signal.aborted) return
        log.warn("The node's lease could not be renewed", { error })
      }
      await sleep(clock, leaseRenewMs, signal)
    }
  }
}

import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Caches } from '../client/client.ts'
import { createEventRecorder, type EventRecorder } from '../client/event-recorder.ts'
import { type ControllerMetrics, type ControllerParts, runController, runKeys } from './controller.ts'
import { deploymentController } from './deployment.ts'
import { discoverResources } from './discover-resources.ts'
import { disruptionController } from './disruption.ts'
import { endpointSliceController } from './endpoint-slice.ts'
import { endpointSliceMirrorController } from './endpoint-slice-mirror.ts'
import { endpointsController } from './endpoints.ts'
import { followObjects } from './follow-objects.ts'
import { garbageCollector } from './garbage-collector.ts'
import { namespaceController } from './namespace.ts'
import { nodeLifecycleController } from './node-lifecycle.ts'
import { type GraphNode, ObjectGraph } from './object-graph.ts'
import { podGcController } from './pod-gc.ts'
import { replicaSetController, replicationControllerController } from './replica-set.ts'
import { rootCertificateController } from './root-certificate.ts'
import { serviceAccountController } from './service-account.ts'
import { taintEvictionController } from './taint-eviction.ts'
import { tokenSecretsController } from './token-secrets.ts'

export interface ControllersOptions {
  /** Over a client whose user may do all that controllers do. Whoever passes them also starts them, before or after. */
  readonly caches: Caches
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  /** PEM of the authority by which pods know the API server. */
  readonly rootCertificate: string
  readonly metrics?: ControllerMetrics
}

/** Runs all controllers over shared caches until the signal aborts; resolves when the last has stopped. */
export async function startControllers(options: ControllersOptions): Promise<void> {
  const { caches, clock, random, signal, rootCertificate, metrics } = options
  const log = options.log.with({ component: 'controllers' })
  const parts: ControllerParts = { clock, log, signal, ...(metrics && { metrics }) }
  const recorderOf = (component: string): EventRecorder =>
    createEventRecorder({ client: caches.client, clock, random, log, component, signal })
  const nodeRecorder = recorderOf('node-controller')
  await Promise.all([
    runController(deploymentController({ caches, clock, recorder: recorderOf('deployment-controller') }), parts),
    runController(replicaSetController({ caches, clock, recorder: recorderOf('replicaset-controller') }), parts),
    runController(replicationControllerController({ caches, clock, recorder: recorderOf('replication-controller') }), parts),
    runController(disruptionController({ caches, clock, recorder: recorderOf('controllermanager') }), parts),
    runController(endpointSliceController({ caches }), parts),
    runController(endpointsController({ caches }), parts),
    runController(endpointSliceMirrorController({ caches }), parts),
    runController(serviceAccountController({ caches }), parts),
    runController(rootCertificateController({ caches, certificate: rootCertificate }), parts),
    runController(tokenSecretsController({ caches }), parts),
    runController(nodeLifecycleController({ caches, clock, recorder: nodeRecorder }), parts),
    runController(taintEvictionController({ caches, clock, recorder: nodeRecorder }), parts),
    runController(podGcController({ caches, clock }), parts),
    runOwnership({ caches, clock, random, log, parts }),
  ])
}

/** The garbage collector and the namespace controller: both see all resources, by one watch of each. */
async function runOwnership({
  caches,
  clock,
  random,
  log,
  parts,
}: {
  caches: Caches
  clock: Clock
  random: Random
  log: Log
  parts: ControllerParts
}): Promise<void> {
  const { client } = caches
  const { signal } = parts
  const examined = new Set<(uid: string) => void>()
  const removed = new Set<(node: GraphNode) => void>()
  const examine = ({ uid }: GraphNode) => {
    for (const enqueue of examined) enqueue(uid)
  }
  const graph = new ObjectGraph({
    examine,
    orphan: examine,
    removed(node) {
      for (const listener of removed) listener(node)
    },
  })
  const resources = await discoverResources(client, signal)
  const collector = garbageCollector({
    graph,
    resources,
    client,
    examined: subscribeTo(examined),
    // The collector listens first: the first lists are what it has to look at after a restart.
    synced: () => followObjects({ resources, graph, client, clock, random, log, signal }),
  })
  await Promise.all([
    runKeys(collector, parts),
    runController(namespaceController({ caches, clock, graph, removed: subscribeTo(removed) }), parts),
  ])
}

const subscribeTo =
  <Listener>(listeners: Set<Listener>) =>
  (listener: Listener) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

import { nodes, pods, services } from '../api/resources.ts'
import type { ObjectReference, Pod } from '../api/types/core-v1.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { podDirectories } from './directories.ts'
import { collectGarbage, removeOrphans } from './garbage-collection.ts'
import { imagePuller } from './image-puller.ts'
import type { KubeletOptions } from './kubelet-options.ts'
import { rotateLogs } from './log-rotation.ts'
import { nodeAccess } from './node-access.ts'
import { nodeAgent } from './node-agent.ts'
import { createNodeServer } from './node-server.ts'
import { createObjectSource } from './object-source.ts'
import { podCgroups } from './pod-cgroups.ts'
import { type PodWorkers, podWorkers } from './pod-workers.ts'
import { podProbes } from './probes/pod-probes.ts'
import { runtimeReader } from './runtime-reader.ts'
import { watchRuntime } from './runtime-watch.ts'
import { serviceEnvironment } from './service-environment.ts'
import { accountTokens } from './volumes/account-tokens.ts'
import { podVolumes } from './volumes/pod-volumes.ts'

export type { KubeletOptions, MachineFacts, NodeSettings } from './kubelet-options.ts'

export interface Kubelet {
  /** Registers the node and runs its pods until the signal aborts; containers go on without it. Whoever made the caches starts them. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * The node's agent: brings the pods that are bound to it to life, and tells how they are. It knows the API by its client and
 * containers by CRI, and holds nothing that those two could not tell it again.
 */
export function createKubelet(options: KubeletOptions): Kubelet {
  return { run: (signal) => runKubelet(options, signal) }
}

async function runKubelet(options: KubeletOptions, signal: AbortSignal): Promise<void> {
  const { caches, runtime, images, node, machine, clock, random, log } = options
  const { client } = caches
  const podCache = caches.cache(pods, { fieldSelector: `spec.nodeName=${node.name}` })
  const nodeCache = caches.cache(nodes, { fieldSelector: `metadata.name=${node.name}` })
  const serviceCache = caches.cache(services)
  const ownNode = () => nodeCache.get(undefined, node.name)
  const directories = podDirectories(options.directories)
  const [{ runtimeName = 'unknown', runtimeVersion = '' }, cgroups] = await Promise.all([
    runtime.version({}, signal),
    podCgroups(options.cgroupParent),
  ])
  const recorder = createEventRecorder({ client, clock, random, log, component: 'kubelet', host: node.name, signal })
  const tell = (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string) =>
    recorder.record(referenceTo(pod, container), type, reason, message)
  const hear: { workers?: PodWorkers } = {}
  const objects = createObjectSource({ client, clock, random, log, onChange: (uid) => hear.workers?.objectsChanged(uid) })
  const probes = podProbes({
    runtime,
    clock,
    nodeAddress: node.internalAddress,
    tell,
    runtimeName,
    onChange: (uid) => hear.workers?.probeChanged(uid),
  })
  const server =
    options.tls &&
    createNodeServer({
      runtime,
      node,
      ...(options.machineUsage && { machineUsage: options.machineUsage }),
      tls: options.tls,
      access: nodeAccess({ client, nodeName: node.name, clock }),
      clock,
      log,
      workers: () => hear.workers,
    })
  const kubeletPort = server ? await server.listen(node.internalAddress, node.kubeletPort) : node.kubeletPort
  const agent = nodeAgent({
    client,
    cache: nodeCache,
    runtime,
    images,
    node,
    machine,
    runtimeName,
    runtimeVersion,
    kubeletPort,
    clock,
    log,
  })
  const reader = runtimeReader(runtime)
  const volumes = podVolumes({
    directories,
    objects,
    tokens: accountTokens({ client, clock }),
    clock,
    random,
    memoryBytes: machine.memoryBytes,
  })
  const workers = podWorkers({
    client,
    runtime,
    reader,
    probes,
    objects,
    cgroups,
    directories,
    node,
    tell,
    clock,
    random,
    log,
    runtimeName,
    puller: imagePuller({ images, objects, clock }),
    volumes,
    memoryBytes: machine.memoryBytes,
    hostAddresses: [node.internalAddress],
    allPods: () => podCache.list(),
    readNode: ownNode,
    fetchNode: () => client.resource(nodes).get(undefined, node.name, { signal }),
    fieldFacts: (_pod, podAddresses) => ({
      nodeName: node.name,
      hostAddresses: [node.internalAddress],
      podAddresses,
      allocatable: ownNode()?.status?.allocatable ?? {},
    }),
    serviceVariables: (pod) => {
      const own = pod.spec.enableServiceLinks === false ? [] : serviceCache.list(pod.metadata.namespace)
      const api = serviceCache.get('default', 'kubernetes')
      return serviceEnvironment(api && !own.includes(api) ? [...own, api] : own)
    },
  })
  hear.workers = workers
  // Before the workers end: their steps may wait for objects.
  signal.addEventListener('abort', () => objects.close(), { once: true })
  try {
    // A node that is there already is not registered again.
    const agentRun = Promise.race([nodeCache.synced(), aborted(signal)]).then(() => agent.run(signal))
    // Variables name services, and admission the node: both are known before the first pod is looked at.
    await Promise.race([Promise.all([podCache.synced(), serviceCache.synced(), agent.registered]), aborted(signal)])
    if (signal.aborted) return
    // Whatever happens from here on is heard, so that nothing falls between the list and the events.
    const watching = watchRuntime({
      runtime,
      clock,
      log,
      signal,
      onEvent: workers.runtimeChanged,
      onGap: () => {
        for (const { uid } of workers.entries()) workers.runtimeChanged(uid, undefined)
      },
    })
    const stopHearing = podCache.onChange(workers.podChanged)
    for (const pod of podCache.list()) workers.podChanged(undefined, pod)
    workers.adopt(await reader.readAll())
    await removeOrphans({ directories, volumes, cgroups, workers, log })
    if (signal.aborted) return
    log.info('The kubelet runs', { node: node.name, pods: podCache.list().length })
    await Promise.all([
      agentRun,
      watching,
      workers.run(signal),
      collectGarbage({ runtime, images, clock, log, signal }),
      rotateLogs({ runtime, workers, clock, log, signal }),
    ])
    stopHearing()
  } finally {
    objects.close()
    await server?.close()
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function referenceTo({ metadata, spec }: Pod, container: string | undefined): ObjectReference {
  const isInit = spec.initContainers?.some(({ name }) => name === container)
  const isEphemeral = spec.ephemeralContainers?.some(({ name }) => name === container)
  const list = isInit ? 'initContainers' : isEphemeral ? 'ephemeralContainers' : 'containers'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    name: metadata.name,
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    ...(metadata.uid !== undefined && { uid: metadata.uid }),
    ...(metadata.resourceVersion !== undefined && { resourceVersion: metadata.resourceVersion }),
    ...(container !== undefined && { fieldPath: `spec.${list}{${container}}` }),
  }
}

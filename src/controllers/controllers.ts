import type { ResourceRef } from '../api/resource-ref.ts'
import { storageVersionMigrations } from '../api/resources.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Caches, Client } from '../client/client.ts'
import { createEventRecorder, type EventRecorder } from '../client/event-recorder.ts'
import { bootstrapSigner } from './bootstrap-signer.ts'
import { certificateApprover } from './certificate-approver.ts'
import { certificateCleaner } from './certificate-cleaner.ts'
import { certificateSigner, type SignCertificate } from './certificate-signer.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts'
import { type ControllerMetrics, type ControllerParts, runController, runKeys } from './controller.ts'
import { deploymentController } from './deployment.ts'
import { type DiscoveredResource, discoverResources } from './discover-resources.ts'
import { disruptionController } from './disruption.ts'
import { endpointSliceController } from './endpoint-slice.ts'
import { endpointSliceMirrorController } from './endpoint-slice-mirror.ts'
import { endpointsController } from './endpoints.ts'
import { objectFollower } from './follow-objects.ts'
import { followResources } from './follow-resources.ts'
import { garbageCollector } from './garbage-collector.ts'
import { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './in-use-protection.ts'
import { namespaceController } from './namespace.ts'
import { nodeLifecycleController } from './node-lifecycle.ts'
import { type GraphNode, ObjectGraph, resourceKey } from './object-graph.ts'
import { podGcController } from './pod-gc.ts'
import { replicaSetController, replicationControllerController } from './replica-set.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { rootCertificateController } from './root-certificate.ts'
import { serviceAccountController } from './service-account.ts'
import { serviceAddressesController } from './service-addresses.ts'
import { serviceCidrController } from './service-cidr.ts'
import { storageVersionMigrator } from './storage-version-migrator.ts'
import { taintEvictionController } from './taint-eviction.ts'
import { tokenCleaner } from './token-cleaner.ts'
import { type SignSecretToken, tokenSecretsController } from './token-secrets.ts'

export interface ControllersOptions {
  /** Over a client whose user may read what controllers follow. Whoever passes them also starts them, before or after. */
  readonly caches: Caches
  /** In the name of one controller: what it writes. Left out: through the caches' own client, whose user may then do it all. */
  readonly clientOf?: (controller: ControllerAccount) => Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  /** PEM of the authority by which pods know the API server. */
  readonly rootCertificate: string
  /** Issues certificates; left out: nobody signs what is requested. */
  readonly signCertificate?: SignCertificate
  /** Signs tokens for Secrets; left out: these are not filled. */
  readonly signSecretToken?: SignSecretToken
  readonly metrics?: ControllerMetrics
}

/** The service accounts in kube-system in whose name upstream's controllers write, each bound to `system:controller:ACCOUNT`. */
export type ControllerAccount =
  | 'bootstrap-signer'
  | 'certificate-controller'
  | 'clusterrole-aggregation-controller'
  | 'deployment-controller'
  | 'disruption-controller'
  | 'endpoint-controller'
  | 'endpointslice-controller'
  | 'endpointslicemirroring-controller'
  | 'generic-garbage-collector'
  | 'namespace-controller'
  | 'node-controller'
  | 'pod-garbage-collector'
  | 'replicaset-controller'
  | 'replication-controller'
  | 'root-ca-cert-publisher'
  | 'service-account-controller'
  | 'token-cleaner'
  | 'pv-protection-controller'
  | 'pvc-protection-controller'
  | 'resourcequota-controller'
  | 'service-addresses-controller'
  | 'service-cidrs-controller'
  | 'storage-version-migrator-controller'
  | 'volumeattributesclass-protection-controller'

/** Runs all controllers over shared caches until the signal aborts; resolves when the last has stopped. */
export async function startControllers(options: ControllersOptions): Promise<void> {
  const { caches, clientOf, clock, random, signal, rootCertificate, signCertificate, signSecretToken, metrics } = options
  const log = options.log.with({ component: 'controllers' })
  const parts: ControllerParts = { clock, log, signal, ...(metrics && { metrics }) }
  const as = (account: ControllerAccount): Caches => (clientOf ? caches.through(clientOf(account)) : caches)
  const recorded = (account: ControllerAccount, component: string): { caches: Caches; clock: Clock; recorder: EventRecorder } => {
    const own = as(account)
    return { caches: own, clock, recorder: createEventRecorder({ client: own.client, clock, random, log, component, signal }) }
  }
  const ofNodes = recorded('node-controller', 'node-controller')
  await Promise.all([
    runController(deploymentController(recorded('deployment-controller', 'deployment-controller')), parts),
    runController(replicaSetController(recorded('replicaset-controller', 'replicaset-controller')), parts),
    runController(replicationControllerController(recorded('replication-controller', 'replication-controller')), parts),
    runController(disruptionController(recorded('disruption-controller', 'controllermanager')), parts),
    runController(endpointSliceController({ caches: as('endpointslice-controller') }), parts),
    runController(endpointsController({ caches: as('endpoint-controller') }), parts),
    runController(endpointSliceMirrorController({ caches: as('endpointslicemirroring-controller') }), parts),
    runController(serviceAccountController({ caches: as('service-account-controller') }), parts),
    runController(rootCertificateController({ caches: as('root-ca-cert-publisher'), certificate: rootCertificate }), parts),
    // Upstream's writes in the name of the whole manager, too: it makes what the accounts of the others show.
    runController(
      tokenSecretsController({ caches, certificate: rootCertificate, ...(signSecretToken && { sign: signSecretToken }) }),
      parts,
    ),
    runController(tokenCleaner({ caches: as('token-cleaner'), clock }), parts),
    runController(bootstrapSigner({ caches: as('bootstrap-signer'), clock }), parts),
    runController(certificateApprover({ caches: as('certificate-controller'), clock }), parts),
    runController(certificateCleaner({ caches: as('certificate-controller'), clock }), parts),
    signCertificate && runController(certificateSigner({ caches: as('certificate-controller'), sign: signCertificate }), parts),
    runController(nodeLifecycleController(ofNodes), parts),
    runController(taintEvictionController(ofNodes), parts),
    runController(podGcController({ caches: as('pod-garbage-collector'), clock }), parts),
    runController(claimProtectionController({ caches: as('pvc-protection-controller') }), parts),
    runController(volumeProtectionController({ caches: as('pv-protection-controller') }), parts),
    runController(serviceAddressesController({ caches: as('service-addresses-controller') }), parts),
    runController(serviceCidrController({ caches: as('service-cidrs-controller'), clock }), parts),
    runController(attributesClassProtectionController({ caches: as('volumeattributesclass-protection-controller') }), parts),
    runController(clusterRoleAggregationController({ caches: as('clusterrole-aggregation-controller') }), parts),
    runOwnership({ caches, as, clock, random, log, parts }),
  ])
}

/** The garbage collector and the namespace controller: both see all resources, by one watch of each. */
async function runOwnership({
  caches,
  as,
  clock,
  random,
  log,
  parts,
}: {
  caches: Caches
  as: (account: ControllerAccount) => Caches
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
  const follower = objectFollower({ graph, client, clock, random, log, signal })
  let refs: ReadonlyMap<string, ResourceRef> = new Map()
  const follow = async (resources: readonly DiscoveredResource[]) => {
    const before = refs
    refs = new Map(resources.map(({ ref }) => [`${ref.group}/${ref.kind}`, ref]))
    await follower.follow(resources)
    // Of owners whose kind was not served before it can be found out by now whether they are there.
    for (const [key, ref] of refs) if (!before.has(key)) for (const node of graph.virtualOf(ref)) examine(node)
  }
  const resources = await discoverResources(client, signal)
  const collector = garbageCollector({
    graph,
    refOf: (group, kind) => refs.get(`${group}/${kind}`),
    client: as('generic-garbage-collector').client,
    examined: subscribeTo(examined),
    removed: subscribeTo(removed),
    // The collector listens first: the first lists are what it has to look at after a restart.
    synced: () => follow(resources),
  })
  await Promise.all([
    followResources({ caches, changed: follow, clock, log, signal }),
    runKeys(collector, parts),
    // A beta of which most clusters know nothing.
    resources.some(({ ref }) => resourceKey(ref) === resourceKey(storageVersionMigrations)) &&
      runController(storageVersionMigrator({ caches: as('storage-version-migrator-controller'), clock }), parts),
    runController(namespaceController({ caches: as('namespace-controller'), clock, graph, removed: subscribeTo(removed) }), parts),
    runController(
      resourceQuotaController({
        caches: as('resourcequota-controller'),
        clock,
        removed: subscribeTo(removed),
        resources: (until) => discoverResources(client, until),
      }),
      parts,
    ),
  ])
}

const subscribeTo =
  <Listener>(listeners: Set<Listener>) =>
  (listener: Listener) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

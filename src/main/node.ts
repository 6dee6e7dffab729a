import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { findProgram } from '../base/find-program.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { Cluster, Places } from '../cli/cluster.ts'
import { type Engine, openEngine } from '../engine/engine.ts'
import { type Images, openImages } from '../engine/images/images.ts'
import type { PodNetwork } from '../engine/pod-network.ts'
import type { RegistryOptions } from '../oci/registry-client.ts'

export interface NodeParts {
  readonly cluster: Cluster
  readonly places: Places
  readonly podNetwork: PodNetwork
  /** Left out: every registry is asked itself. */
  readonly registries?: RegistryOptions
  readonly log: Log
}

/** What runs a node's containers. */
export async function openNode({
  cluster,
  places,
  podNetwork,
  registries = {},
  log,
}: NodeParts): Promise<{ images: Images; engine: Engine }> {
  const clock = systemClock
  const random = systemRandom
  const infraBinary = findProgram('catatonit')
  if (!infraBinary) throw new Error('catatonit is missing: `./sampan doctor` tells what to install')
  const images = await openImages({
    directory: join(places.data, 'images'),
    infraBinary,
    registries,
    clock,
    random,
    log,
  })
  const engine = await openEngine({
    places: {
      state: join(places.run, 'engine'),
      data: join(places.data, 'engine'),
      mountDirectories: [kubeletDirectory(places)],
    },
    images,
    network: podNetwork,
    cgroupParent: cgroupRoot(cluster),
    clock,
    random,
    log,
  })
  return { images, engine }
}

/** What of a cluster its network is made of. */
export const networkFacts = (cluster: Cluster, places: Places) => ({
  clusterName: cluster.name,
  clusterIndex: cluster.index,
  podRange: cluster.podRange,
  serviceRange: cluster.serviceRange,
  nodeAddress: cluster.nodeAddress,
  dnsAddress: cluster.dnsAddress,
  stateDir: join(places.run, 'network'),
})

export const kubeletDirectory = (places: Places) => join(places.data, 'kubelet')

/** All cgroups of the cluster lie below it. */
export const cgroupRoot = ({ name }: Cluster) => `/sampan/${name}`

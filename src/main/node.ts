import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { findProgram } from '../base/find-program.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { Cluster, Places } from '../cli/cluster.ts'
import type { Caches } from '../client/client.ts'
import { type Engine, openEngine } from '../engine/engine.ts'
import { type Images, openImages } from '../engine/images/images.ts'
import { createNetwork, type Network } from '../network/network.ts'

/** What a node runs containers with. */
export interface Node {
  readonly network: Network
  readonly images: Images
  readonly engine: Engine
}

export async function openNode({
  cluster,
  places,
  caches,
  log,
}: {
  cluster: Cluster
  places: Places
  caches: Caches
  log: Log
}): Promise<Node> {
  const clock = systemClock
  const random = systemRandom
  const infraBinary = findProgram('catatonit')
  if (!infraBinary) throw new Error('catatonit is missing: `./sampan doctor` tells what to install')
  const [network, images] = await Promise.all([
    createNetwork({
      caches,
      clusterName: cluster.name,
      clusterIndex: cluster.index,
      nodeName: cluster.nodeName,
      podRange: cluster.podRange,
      serviceRange: cluster.serviceRange,
      nodeAddress: cluster.nodeAddress,
      dnsAddress: cluster.dnsAddress,
      clusterDomain: 'cluster.local',
      hostAddresses: [],
      stateDir: join(places.run, 'network'),
      clock,
      log,
    }),
    openImages({ directory: join(places.data, 'images'), infraBinary, clock, random, log }),
  ])
  const engine = await openEngine({
    places: {
      state: join(places.run, 'engine'),
      data: join(places.data, 'engine'),
      mountDirectories: [kubeletDirectory(places)],
    },
    images,
    network: network.podNetwork,
    cgroupParent: cgroupRoot(cluster),
    clock,
    random,
    log,
  })
  return { network, images, engine }
}

export const kubeletDirectory = (places: Places) => join(places.data, 'kubelet')

/** All cgroups of the cluster lie below it. */
export const cgroupRoot = ({ name }: Cluster) => `/sampan/${name}`

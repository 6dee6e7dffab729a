// Takes away what a stopped cluster left in the kernel: containers, mounts, cgroups, links, rules.   clean-up.js NAME
import { silentLog } from '../base/log.ts'
import { unmount, unmountFlags } from '../base/mount.ts'
import { readMounts } from '../base/mount-info.ts'
import { readCluster } from '../cli/cluster.ts'
import { cleanUpHost } from '../network/host-address.ts'
import { createPodNetwork } from '../network/pod-network.ts'
import { networkFacts, openNode } from './node.ts'
import { machinePlaces } from './places.ts'

const places = machinePlaces(process.argv[2] ?? 'default')
const cluster = readCluster(places)
if (!cluster) throw new Error(`There is no cluster in ${places.data}`)
const facts = networkFacts(cluster, places)
const podNetwork = await createPodNetwork({ ...facts, log: silentLog })
const { engine, images } = await openNode({ cluster, places, podNetwork, log: silentLog })
await engine.cleanUp()
await images.close()
await cleanUpHost(facts)
// Volumes of pods in memory; what they hold on the disk is data and stays.
const isOurs = (path: string) => path.startsWith(`${places.data}/`) || path.startsWith(`${places.run}/`)
for (const { point } of (await readMounts()).reverse()) if (isOurs(point)) await unmount(point, unmountFlags.detach | unmountFlags.noFollow)
process.exit(0)

// Takes away what a stopped cluster left in the kernel: containers, mounts, cgroups, links, rules.   clean-up.js NAME
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { unmount, unmountFlags } from '../base/mount.ts'
import { systemRandom } from '../base/random.ts'
import { readCluster } from '../cli/cluster.ts'
import { readCredentials } from '../cli/credentials.ts'
import { createCaches } from '../client/caches.ts'
import { createClient } from '../client/create-client.ts'
import { httpTransport } from '../client/http-transport.ts'
import { mountsBelow } from './mounts-below.ts'
import { openNode } from './node.ts'
import { machinePlaces } from './places.ts'

const places = machinePlaces(process.argv[2] ?? 'default')
const cluster = readCluster(places)
if (!cluster) throw new Error(`There is no cluster in ${places.data}`)
// Nothing is asked of the API: its server has stopped.
const client = createClient({
  transport: httpTransport({ server: `https://127.0.0.1:${cluster.apiPort}`, ca: readCredentials(places.pki, 'ca').certificate }),
})
const caches = createCaches({ client, clock: systemClock, random: systemRandom, log: silentLog })
const { network, engine, images } = await openNode({ cluster, places, caches, log: silentLog })
await engine.cleanUp()
await images.close()
await network.cleanUp()
// Volumes of pods in memory; what they hold on the disk is data and stays.
for (const path of mountsBelow([places.data, places.run])) await unmount(path, unmountFlags.detach | unmountFlags.noFollow)
for (const name of await readdir(places.run)) await rm(join(places.run, name), { recursive: true, force: true })
process.exit(0)

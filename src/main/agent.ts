import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { readCluster } from '../cli/cluster.ts'
import { readCredentials } from '../cli/credentials.ts'
import { readRegistries } from '../cli/registries.ts'
import { createCaches } from '../client/caches.ts'
import { createClient } from '../client/create-client.ts'
import { httpTransport } from '../client/http-transport.ts'
import { openBuildHosts } from '../docker/build-host.ts'
import { createKubelet } from '../kubelet/kubelet.ts'
import { createNetwork } from '../network/network.ts'
import type { KeyPair } from '../server/pki.ts'
import { serveDockerApi } from './docker-socket.ts'
import { jsonLog } from './log.ts'
import { machineFacts, machineUsage } from './machine-facts.ts'
import { measure } from './measure.ts'
import { cgroupRoot, kubeletDirectory, networkFacts, openNode } from './node.ts'
import { machinePlaces } from './places.ts'
import { tellReady, tellUnready } from './ready.ts'

declare const SAMPAN_VERSION: string

const log = jsonLog('agent')
const places = machinePlaces(process.argv[2] ?? 'default')
const cluster = readCluster(places)
if (!cluster) throw new Error(`There is no cluster in ${places.data}`)
tellUnready(places.readyFile('agent'))
if (process.env.SAMPAN_MEASURE) measure(join(places.run, 'agent.measured'))

const stop = new AbortController()
const authority = readCredentials(places.pki, 'ca').certificate
/** What the kubelet does, and what the node's network does, it does in names of its own. */
const clientOf = (credentials: KeyPair, fieldManager: string) =>
  createClient({
    transport: httpTransport({ server: `https://127.0.0.1:${cluster.apiPort}`, ca: authority, ...credentials }),
    fieldManager,
  })
const clusterDomain = 'cluster.local'
const clock = systemClock
const random = systemRandom
const caches = createCaches({ client: clientOf(readCredentials(places.pki, 'node'), 'kubelet'), clock, random, log })
const networkCaches = createCaches({ client: clientOf(readCredentials(places.pki, 'proxy'), 'kube-proxy'), clock, random, log })
const network = await createNetwork({
  ...networkFacts(cluster, places),
  caches: networkCaches,
  nodeName: cluster.nodeName,
  clusterDomain,
  hostAddresses: [],
  clock,
  random,
  log,
})
const { engine, images } = await openNode({ cluster, places, podNetwork: network.podNetwork, registries: readRegistries(places), log })
await mkdir(places.podLogs, { recursive: true })
const kubelet = createKubelet({
  caches,
  runtime: engine.runtime,
  images: engine.images,
  node: {
    name: cluster.nodeName,
    hostname: cluster.nodeName,
    internalAddress: cluster.nodeAddress,
    kubeletPort: cluster.kubeletPort,
    clusterDns: [cluster.dnsAddress],
    clusterDomain,
    podCidr: cluster.podRange,
  },
  machine: machineFacts(places.data),
  machineUsage,
  directories: { root: kubeletDirectory(places), logs: places.podLogs },
  cgroupParent: `${cgroupRoot(cluster)}/pods`,
  tls: { ...readCredentials(places.pki, 'kubelet'), clientAuthority: authority },
  clock,
  random,
  log,
})
// What an earlier agent left of builds.
const contexts = join(places.data, 'build-contexts')
await rm(contexts, { recursive: true, force: true })
await mkdir(contexts, { mode: 0o700 })
const docker = await serveDockerApi({
  socket: places.dockerSocket,
  images,
  builds: {
    hosts: await openBuildHosts({ images, workspaces: engine.workspaces, directory: join(places.data, 'images') }),
    contextDirectory: () => mkdtemp(join(contexts, 'context-')),
  },
  version: SAMPAN_VERSION,
  clock,
  log,
})
for (const each of [caches, networkCaches]) each.start(stop.signal)
const running = Promise.all([network.run(stop.signal), kubelet.run(stop.signal)])
running.catch((error: unknown) => {
  log.error('The agent ends', { error })
  process.exit(1)
})
await network.ready()
tellReady(places.readyFile('agent'))
log.info('The agent runs', { node: cluster.nodeName })

process.once('SIGTERM', () => {
  void (async () => {
    stop.abort()
    await docker.close()
    // Containers go on: their shims hold them.
    await engine.close()
    await images.close()
    process.exit(0)
  })()
})

import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Caches } from '../client/client.ts'
import { clusterNames } from './dns/cluster-names.ts'
import { openDnsServer } from './dns/dns-server.ts'
import { createForwarder } from './dns/forwarder.ts'
import { resolversOf } from './dns/upstream-resolvers.ts'
import { prepareHost } from './host-address.ts'
import { createPodNetwork, type PodNetworkHandle } from './pod-network.ts'
import { createServiceProxy } from './proxy/service-proxy.ts'
import { type RunProgram, runProgram } from './run-program.ts'

export interface NetworkOptions {
  readonly caches: Caches
  readonly clusterName: string
  readonly clusterIndex: number
  readonly nodeName: string
  /** IPv4, CIDR notation. */
  readonly podRange: string
  readonly serviceRange: string
  readonly nodeAddress: string
  readonly dnsAddress: string
  /** Such as `cluster.local`. */
  readonly clusterDomain: string
  /** Further addresses of the host on which NodePorts answer. */
  readonly hostAddresses: readonly string[]
  readonly stateDir: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Where names outside of the cluster are asked; left out, /etc/resolv.conf. */
  readonly resolversFile?: string
  /** Runs `ip`, `nft`, `sh` and `conntrack`; left out, on this machine as it is. */
  readonly run?: RunProgram
}

export interface Network {
  readonly podNetwork: PodNetworkHandle
  /** Serves until the signal aborts, and leaves the kernel as it is then: connections go on. Rejects when it cannot. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves once the first rules are in the kernel and DNS answers. */
  ready(): Promise<void>
}

/** The node's network: pods' links, service proxy and DNS. The host is prepared when this resolves; pods may be attached. */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const { caches, clock, random, log, run = runProgram, nodeAddress, dnsAddress, hostAddresses, podRange, serviceRange } = options
  await prepareHost({ ...options, run })
  const proxy = createServiceProxy({
    ...options,
    run,
    nodeAddresses: [nodeAddress, ...hostAddresses],
    ownAddresses: [nodeAddress, dnsAddress, ...hostAddresses],
  })
  const podNetwork = await createPodNetwork({ ...options, onHostPorts: proxy.setHostPorts })
  proxy.setHostPorts(podNetwork.hostPortPods())
  const names = clusterNames({ caches, domain: options.clusterDomain, ranges: [podRange, serviceRange] })
  let isServing: () => void = () => {}
  const serving = new Promise<void>((resolve) => (isServing = resolve))

  return {
    podNetwork,
    ready: () => serving,
    async run(signal) {
      const wakeup = new Wakeup(signal)
      // What the caches do not hold yet would be refused by name and by address.
      await Promise.race([caches.synced(), wakeup.wait()])
      if (signal.aborted) return
      const dns = await openDnsServer({
        addresses: [dnsAddress, nodeAddress],
        port: 53,
        names,
        forwarder: createForwarder({
          resolvers: resolversOf(options.resolversFile ?? '/etc/resolv.conf', [dnsAddress, nodeAddress]),
          clock,
        }),
        random,
        log,
      })
      try {
        const following = proxy.follow(signal)
        void proxy.ready().then(isServing)
        await following
      } finally {
        await dns.close()
      }
    },
  }
}

import { endpointSlices, services } from '../api/resources.ts'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Caches } from '../client/client.ts'
import { serveDns } from './dns-server.ts'
import { cleanUpHost, prepareHost } from './host-address.ts'
import type { PodAddress } from './pod-addresses.ts'
import { createPodNetwork } from './pod-network.ts'
import { runProgram } from './run-program.ts'
import { type Rules, serviceRules } from './service-rules.ts'
import { changeText, tableText } from './service-table.ts'

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
  readonly log: Log
}

/** The node's network: pods' links and the service proxy. `run` ends when the signal aborts and leaves the kernel as it is. */
export async function createNetwork(options: NetworkOptions) {
  const { caches, clock, log } = options
  const slices = caches.cache(endpointSlices)
  slices.addIndex('service', ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`])
  const all = caches.cache(services)
  let hostPortPods: readonly PodAddress[] = []
  let wake = () => {}
  const podNetwork = await createPodNetwork({
    ...options,
    onHostPorts: async (pods) => {
      hostPortPods = pods
      wake()
    },
  })
  hostPortPods = podNetwork.hostPortPods()
  const desired = () =>
    serviceRules({
      services: all.list(),
      endpointSlices: slices.list(),
      hostPortPods,
      nodeName: options.nodeName,
      nodeAddresses: [options.nodeAddress, ...options.hostAddresses],
      ownAddresses: [options.nodeAddress, options.dnsAddress, ...options.hostAddresses],
    })
  const apply = async (before: Rules | undefined): Promise<Rules> => {
    const after = desired()
    const text = before ? changeText(options, before, after) : tableText(options, after)
    if (text) await runProgram('apply the service rules', 'nft', ['-f', '-'], text)
    return after
  }
  const proxy = async (signal: AbortSignal) => {
    const wakeup = new Wakeup(signal)
    wake = () => wakeup.signal()
    const unsubscribe = [all.onChange(wake), slices.onChange(wake)]
    let applied: Rules | undefined
    while (!signal.aborted) {
      try {
        applied = await apply(applied)
        await wakeup.wait()
      } catch (error) {
        log.error('Service rules were refused; the whole table is made anew', { error })
        applied = undefined
        await sleep(clock, 1000, signal)
      }
    }
    for (const stop of unsubscribe) stop()
  }
  return {
    podNetwork,
    async run(signal: AbortSignal): Promise<void> {
      await prepareHost(options)
      // The host's own connections to service addresses need some route, and the node's address as their source.
      const { serviceRange, nodeAddress } = options
      await runProgram('route the service range', 'ip', ['route', 'replace', serviceRange, 'dev', 'lo', 'src', nodeAddress])
      await Promise.all([all.synced(), slices.synced()])
      const records = {
        service: (namespace: string, name: string) => all.get(namespace, name),
        slicesOf: (namespace: string, name: string) => slices.byIndex('service', `${namespace}/${name}`),
      }
      await Promise.all([proxy(signal), serveDns({ address: options.dnsAddress, domain: options.clusterDomain, records, log, signal })])
    },
    cleanUp: () => cleanUpHost(options),
  }
}

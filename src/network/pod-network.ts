import type { Log } from '../base/log.ts'
import { addressNumber, parseRange } from './address-range.ts'
import { type HostPort, openPodAddresses, type PodAddress } from './pod-addresses.ts'
import { removeFromHost } from './remove-from-host.ts'
import { type RunProgram, runProgram } from './run-program.ts'

export interface PodNetworkOptions {
  readonly clusterIndex: number
  /** IPv4, CIDR notation. */
  readonly podRange: string
  /** On the host; what the host's own connections to pods come from. */
  readonly nodeAddress: string
  readonly stateDir: string
  readonly mtuBytes?: number
  readonly log: Log
  /** Told after every change of the pods that have host ports. */
  readonly onHostPorts?: (pods: readonly PodAddress[]) => void
  readonly run?: RunProgram
}

export interface PodNetworkHandle {
  attach(sandbox: Sandbox, signal?: AbortSignal): Promise<{ addresses: readonly string[] }>
  detach(sandboxId: string): Promise<void>
  retain(sandboxIds: readonly string[]): Promise<void>
  hostPortPods(): readonly PodAddress[]
}

interface Sandbox {
  readonly id: string
  readonly netnsPath: string
  readonly portMappings: readonly HostPort[]
}

const gateway = '169.254.1.1'
const hostMac = 'ee:ee:ee:ee:ee:ee'
export const linkPrefix = (clusterIndex: number) => `sp${clusterIndex}p`

/**
 * A routed veth per pod: the host has a /32 route to it, the pod a default route over a link-local gateway. Both sides
 * have a permanent neighbour entry, so that neither ARP nor proxy_arp is needed. Claims are on disk before links exist.
 */
export async function createPodNetwork(options: PodNetworkOptions): Promise<PodNetworkHandle> {
  const { podRange, nodeAddress, stateDir, log, run = runProgram } = options
  const addresses = await openPodAddresses({ range: podRange, reserved: [nodeAddress], folder: stateDir })
  const { first } = parseRange(podRange)
  const linkOf = (address: string) => `${linkPrefix(options.clusterIndex)}${(addressNumber(address) - first).toString(16)}`
  const hostPortPods = () => addresses.list().filter(({ hostPorts }) => hostPorts.length > 0)
  const tellHostPorts = (pods: readonly PodAddress[]) => {
    if (pods.some(({ hostPorts }) => hostPorts.length > 0)) options.onHostPorts?.(hostPortPods())
  }
  const detachAll = async (pods: readonly PodAddress[]) => {
    if (pods.length === 0) return
    await deleteLinks(
      pods.map(({ address }) => linkOf(address)),
      run,
    )
    await Promise.all(pods.map(({ sandboxId }) => addresses.release(sandboxId)))
    tellHostPorts(pods)
  }
  return {
    async attach(sandbox, signal) {
      signal?.throwIfAborted()
      const pod = await addresses.claim(
        sandbox.id,
        sandbox.portMappings.filter(({ hostPort }) => hostPort > 0),
      )
      const link = linkOf(pod.address)
      const { inPod, onHost } = attachCommands({ link, address: pod.address, nodeAddress, mtuBytes: options.mtuBytes ?? 1500 })
      await run(`attach sandbox ${sandbox.id}`, 'sh', ['-c', attachScript, 'sh', link, sandbox.netnsPath, inPod, onHost])
      tellHostPorts([pod])
      return { addresses: [pod.address] }
    },
    async detach(sandboxId) {
      const pod = addresses.get(sandboxId)
      if (pod) await detachAll([pod])
    },
    hostPortPods,
    async retain(sandboxIds) {
      const keep = new Set(sandboxIds)
      const gone = addresses.list().filter(({ sandboxId }) => !keep.has(sandboxId))
      if (gone.length > 0) log.info('Detaching sandboxes that are gone', { sandboxes: gone.map(({ sandboxId }) => sandboxId) })
      await detachAll(gone)
    },
  }
}

/**
 * One spawn for Node, and two programs. A link of that name is this sandbox's own from an earlier try (the claim is
 * exclusive) and is made anew. The veth is made in the pod's namespace, with its peer in the one this began in. A pod that
 * reaches itself through a Service must not be told of a shorter way (an ICMP redirect, which would also use up its share
 * of ICMP errors).
 */
const attachScript = `set -e
exec 5</proc/self/ns/net
if [ -e /sys/class/net/"$1" ]; then ip link del "$1"; fi
nsenter --net="$2" ip -batch - <<END
$3
END
echo 0 > /proc/sys/net/ipv4/conf/"$1"/send_redirects
exec ip -batch - <<END
$4
END
`

export function attachCommands({
  link,
  address,
  nodeAddress,
  mtuBytes,
}: {
  link: string
  address: string
  nodeAddress: string
  mtuBytes: number
}): { inPod: string; onHost: string } {
  const podMac = `0a:58:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`
  const inPod = [
    'link set lo up',
    `link add eth0 mtu ${mtuBytes} address ${podMac} type veth peer name ${link} mtu ${mtuBytes} address ${hostMac} netns /proc/self/fd/5`,
    `addr add ${address}/32 dev eth0`,
    'link set eth0 up',
    `neigh replace ${gateway} lladdr ${hostMac} dev eth0 nud permanent`,
    `route add ${gateway}/32 dev eth0 scope link`,
    `route add default via ${gateway} dev eth0`,
  ]
  const onHost = [
    `link set ${link} up`,
    `neigh replace ${address} lladdr ${podMac} dev ${link} nud permanent`,
    `route replace ${address}/32 dev ${link} scope link src ${nodeAddress}`,
  ]
  return { inPod: inPod.join('\n'), onHost: onHost.join('\n') }
}

/** Deleting one side deletes both. */
const deleteLinks = (links: readonly string[], run: RunProgram) =>
  removeFromHost(
    'delete links',
    links.map((link) => `link del ${link}`),
    run,
  )

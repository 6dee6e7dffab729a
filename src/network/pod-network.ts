import type { Log } from '../base/log.ts'
import { addressNumber, parseRange } from './address-range.ts'
import { type HostPort, openPodAddresses, type PodAddress } from './pod-addresses.ts'
import { runProgram } from './run-program.ts'

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
  readonly onHostPorts?: (pods: readonly PodAddress[]) => Promise<void>
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
export async function createPodNetwork(options: PodNetworkOptions) {
  const { podRange, nodeAddress, stateDir, log } = options
  const addresses = await openPodAddresses({ range: podRange, reserved: [nodeAddress], folder: stateDir })
  const linkOf = (address: string) =>
    `${linkPrefix(options.clusterIndex)}${(addressNumber(address) - parseRange(podRange).first).toString(16)}`
  const tellHostPorts = async (pod: PodAddress) => {
    if (pod.hostPorts.length > 0) await options.onHostPorts?.(addresses.list().filter((other) => other.hostPorts.length > 0))
  }
  const detach = async (sandboxId: string) => {
    const pod = addresses.get(sandboxId)
    if (!pod) return
    await deleteLink(linkOf(pod.address))
    await addresses.release(sandboxId)
    await tellHostPorts(pod)
  }
  return {
    async attach(sandbox: Sandbox, signal?: AbortSignal): Promise<{ addresses: readonly string[] }> {
      signal?.throwIfAborted()
      const pod = await addresses.claim(
        sandbox.id,
        sandbox.portMappings.filter(({ hostPort }) => hostPort > 0),
      )
      const link = linkOf(pod.address)
      const commands = attachCommands({ link, address: pod.address, nodeAddress, mtuBytes: options.mtuBytes ?? 1500 })
      await runProgram(`attach sandbox ${sandbox.id}`, 'sh', [
        '-c',
        attachScript,
        'sh',
        link,
        sandbox.netnsPath,
        commands.host,
        commands.pod,
      ])
      await tellHostPorts(pod)
      return { addresses: [pod.address] }
    },
    detach,
    hostPortPods: () => addresses.list().filter(({ hostPorts }) => hostPorts.length > 0),
    async retain(sandboxIds: readonly string[]): Promise<void> {
      const keep = new Set(sandboxIds)
      for (const { sandboxId } of addresses.list()) {
        if (keep.has(sandboxId)) continue
        log.info('Detaching a sandbox that is gone', { sandboxId })
        await detach(sandboxId)
      }
    },
  }
}

/**
 * One spawn for Node. A link of that name is this sandbox's own from an earlier try (the claim is exclusive) and is
 * made anew. The veth is made in the pod's namespace with its peer in that of the calling shell, which $$ names.
 */
const attachScript = `set -e
if [ -e /sys/class/net/"$1" ]; then ip link del "$1"; fi
printf '%s' "$4" | sed "s/HOST/$$/" | nsenter --net="$2" ip -batch -
printf '%s' "$3" | ip -batch -`

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
}) {
  const podMac = `0a:58:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`
  const pod = [
    'link set lo up',
    `link add eth0 mtu ${mtuBytes} address ${podMac} type veth peer name ${link} mtu ${mtuBytes} address ${hostMac} netns HOST`,
    `addr add ${address}/32 dev eth0`,
    'link set eth0 up',
    `neigh replace ${gateway} lladdr ${hostMac} dev eth0 nud permanent`,
    `route add ${gateway}/32 dev eth0 scope link`,
    `route add default via ${gateway} dev eth0`,
  ]
  const host = [
    `link set ${link} up`,
    `neigh replace ${address} lladdr ${podMac} dev ${link} nud permanent`,
    `route replace ${address}/32 dev ${link} scope link src ${nodeAddress}`,
  ]
  return { pod: `${pod.join('\n')}\n`, host: `${host.join('\n')}\n` }
}

/** Deleting one side deletes both; that it is gone already is fine. */
export async function deleteLink(link: string): Promise<void> {
  try {
    await runProgram(`delete link ${link}`, 'ip', ['link', 'del', link])
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('Cannot find device'))) throw error
  }
}

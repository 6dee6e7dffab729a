import { open } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import { RouteSocket } from '../base/route-socket.ts'
import { SystemCallError } from '../base/system-call.ts'
import { addressNumber, parseRange } from './address-range.ts'
import { addAddress, addCable, deleteLink, findLink, indexIn, setNeighbour, setRoute, setUp, withoutRedirects } from './link-requests.ts'
import { type HostPort, openPodAddresses, type PodAddress } from './pod-addresses.ts'

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
  /** The host's network namespace; left out, that of this process. */
  readonly hostNamespace?: string
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
const defaultMtuBytes = 1500
export const linkPrefix = (clusterIndex: number) => `sp${clusterIndex}p`

/**
 * A routed veth per pod: the host has a /32 route to it, the pod a default route over a link-local gateway. Both sides
 * have a permanent neighbour entry, so that neither ARP nor proxy_arp is needed. Claims are on disk before links exist.
 */
export async function createPodNetwork(options: PodNetworkOptions): Promise<PodNetworkHandle> {
  const { podRange, nodeAddress, stateDir, log, hostNamespace, mtuBytes = defaultMtuBytes } = options
  const addresses = await openPodAddresses({ range: podRange, reserved: [nodeAddress], folder: stateDir })
  const { first } = parseRange(podRange)
  const linkOf = (address: string) => `${linkPrefix(options.clusterIndex)}${(addressNumber(address) - first).toString(16)}`
  const hostPortPods = () => addresses.list().filter(({ hostPorts }) => hostPorts.length > 0)
  const tellHostPorts = (pods: readonly PodAddress[]) => {
    if (pods.some(({ hostPorts }) => hostPorts.length > 0)) options.onHostPorts?.(hostPortPods())
  }
  const detachAll = async (pods: readonly PodAddress[]) => {
    if (pods.length === 0) return
    await withSocket(hostNamespace, async (host) => {
      for (const { address } of pods) await deleteIfThere(host, linkOf(address))
    })
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
      await connectPod({
        link: linkOf(pod.address),
        address: pod.address,
        nodeAddress,
        mtuBytes,
        hostNamespace,
        podNamespace: sandbox.netnsPath,
      })
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

interface PodLink {
  readonly link: string
  readonly address: string
  readonly nodeAddress: string
  readonly mtuBytes: number
  readonly hostNamespace: string | undefined
  readonly podNamespace: string
}

/** No process is started: a link takes a few requests to the kernel on each side. */
async function connectPod({ link, address, nodeAddress, mtuBytes, hostNamespace, podNamespace }: PodLink): Promise<void> {
  const podMac = macOf(address)
  const namespace = await open(podNamespace, 'r')
  try {
    await withSocket(hostNamespace, async (host) => {
      const cable = addCable({ name: link, mac: hostMac, mtuBytes }, { name: 'eth0', mac: podMac, mtuBytes }, namespace.fd)
      // A link of that name is this sandbox's own from an earlier try (the claim is exclusive) and is made anew.
      await host.send([cable]).catch(async (error: unknown) => {
        if (!(error instanceof SystemCallError && error.code === 'EEXIST')) throw error
        await deleteIfThere(host, link)
        await host.send([cable])
      })
      await withSocket(podNamespace, async (inPod) => {
        const index = await indexOf(inPod, 'eth0')
        await inPod.send([
          setUp('lo'),
          addAddress(index, address),
          setUp('eth0'),
          setNeighbour(index, gateway, hostMac),
          setRoute({ index, destination: gateway }),
          setRoute({ index, gateway }),
        ])
      })
      const index = await indexOf(host, link)
      await host.send([
        withoutRedirects(link),
        setUp(link),
        setNeighbour(index, address, podMac),
        setRoute({ index, destination: address, source: nodeAddress }),
      ])
    })
  } finally {
    await namespace.close()
  }
}

async function withSocket<Value>(namespace: string | undefined, use: (socket: RouteSocket) => Promise<Value>): Promise<Value> {
  const socket = RouteSocket.open(namespace)
  try {
    return await use(socket)
  } finally {
    socket.close()
  }
}

async function indexOf(socket: RouteSocket, name: string): Promise<number> {
  const reply = await socket.send([findLink(name)])
  if (!reply) throw new Error(`The kernel did not say which link ${name} is`)
  return indexIn(reply)
}

/** Deleting one side deletes both; that it is gone already is fine. */
async function deleteIfThere(socket: RouteSocket, link: string): Promise<void> {
  try {
    await socket.send([deleteLink(link)])
  } catch (error) {
    if (!(error instanceof SystemCallError && error.code === 'ENODEV')) throw error
  }
}

const macOf = (address: string) =>
  `0a:58:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`

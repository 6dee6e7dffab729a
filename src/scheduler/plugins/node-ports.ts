import type { NodeInfo } from '../node-info.ts'
import type { Plugin } from '../plugin.ts'
import type { HostPort, PodInfo } from '../pod-info.ts'

const taken = { reasons: ["node(s) didn't have free ports for the requested pod ports"] }

/** A host port is one pod's. */
export const nodePorts: Plugin = {
  name: 'NodePorts',
  weight: 0,
  wakesOn: ['node-added', 'pod-removed'],
  begin: ({ hostPorts }) => (hostPorts.length > 0 ? { filter: (node) => (hasConflict(node, hostPorts) ? taken : undefined) } : {}),
}

function hasConflict(node: NodeInfo, wanted: readonly HostPort[]): boolean {
  for (const pod of node.pods.values()) if (conflicts(pod, wanted)) return true
  return false
}

const conflicts = ({ hostPorts }: PodInfo, wanted: readonly HostPort[]) =>
  hostPorts.some((held) =>
    wanted.some(({ port, protocol, address }) => held.port === port && held.protocol === protocol && overlap(held.address, address)),
  )

const overlap = (left: string, right: string) => left === right || left === '0.0.0.0' || right === '0.0.0.0'

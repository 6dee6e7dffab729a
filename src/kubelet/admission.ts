import { accumulate, amountsOf } from '../api/amounts.ts'
import { requiredNodes } from '../api/node-selector.ts'
import { requestsOfPod } from '../api/pod-amounts.ts'
import { covers } from '../api/toleration.ts'
import type { Node, Pod } from '../api/types/core-v1.ts'
import { forbiddenSysctl } from './sysctls.ts'

export interface Rejection {
  readonly reason: string
  readonly message: string
}

/** Whether the node takes a pod beside those it has: the last word, after the scheduler's; pure. */
export function rejectionOf(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const forbidden = forbiddenSysctl(pod)
  if (forbidden !== undefined) return { reason: 'SysctlForbidden', message: forbidden }
  return rejectedByNode(pod, node) ?? rejectedByPorts(pod, others) ?? rejectedByResources(pod, node, others)
}

function rejectedByNode(pod: Pod, node: Node): Rejection | undefined {
  if (pod.spec.os && pod.spec.os.name !== 'linux') {
    return { reason: 'PodOSNotSupported', message: `Failed to admit pod as the OS field doesn't match node OS` }
  }
  if (!requiredNodes(pod)(node)) {
    return { reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" }
  }
  // Of what keeps pods away only that counts which would drive them off again.
  const isDrivenOff = (node.spec?.taints ?? []).some(
    (taint) => taint.effect === 'NoExecute' && !pod.spec.tolerations?.some((toleration) => covers(toleration, taint)),
  )
  return isDrivenOff
    ? { reason: 'TaintToleration', message: "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate" }
    : undefined
}

const hostPortsOf = ({ spec }: Pod) =>
  [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]
    .flatMap(({ ports = [] }) => ports)
    .flatMap(({ hostPort, hostIP, protocol }) => (hostPort ? [{ hostPort, hostIP: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP' }] : []))

function rejectedByPorts(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const wanted = hostPortsOf(pod)
  if (wanted.length === 0) return undefined
  const taken = others.flatMap(hostPortsOf)
  const clash = wanted.some((port) =>
    taken.some(
      (other) =>
        other.hostPort === port.hostPort &&
        other.protocol === port.protocol &&
        (other.hostIP === port.hostIP || other.hostIP === '0.0.0.0' || port.hostIP === '0.0.0.0'),
    ),
  )
  return clash
    ? { reason: 'NodePorts', message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" }
    : undefined
}

/** A resource of somebody's own, not of Kubernetes. */
const isExtended = (name: string) => name.includes('/') && !name.includes('kubernetes.io/')

function rejectedByResources(pod: Pod, { status }: Node, others: readonly Pod[]): Rejection | undefined {
  const allocatable = status?.allocatable ?? {}
  const maxPods = Number(allocatable.pods ?? 110)
  if (others.length + 1 > maxPods) {
    return {
      reason: 'OutOfpods',
      message: `Node didn't have enough resource: pods, requested: 1, used: ${others.length}, capacity: ${maxPods}`,
    }
  }
  const capacities = amountsOf(allocatable)
  const used = others.reduce((sum, other) => accumulate(sum, requestsOfPod(other)), new Map<string, number>())
  for (const [name, requested] of requestsOfPod(pod)) {
    // What the node does not know at all is the whole cluster's.
    if (requested === 0 || (isExtended(name) && !capacities.has(name))) continue
    const capacity = capacities.get(name) ?? 0
    const taken = used.get(name) ?? 0
    if (taken + requested <= capacity) continue
    return {
      reason: `OutOf${name}`,
      message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${taken}, capacity: ${capacity}`,
    }
  }
  return undefined
}

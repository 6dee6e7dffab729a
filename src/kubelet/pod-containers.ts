import type { Container, EphemeralContainer, Pod } from '../api/types/core-v1.ts'
import { assert } from '../base/assert.ts'

/** What a container is to its pod; a sidecar is an init container that is restarted whenever it ends. */
export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

export interface PodContainer {
  readonly role: ContainerRole
  readonly container: Container | EphemeralContainer
}

/** All containers of a pod: init containers and sidecars in their order, then the others. */
export function podContainers({ spec }: Pod): readonly PodContainer[] {
  return [
    ...(spec.initContainers ?? []).map((container) => ({ role: roleOfInit(container), container })),
    ...spec.containers.map((container) => ({ role: 'main' as const, container })),
    ...(spec.ephemeralContainers ?? []).map((container) => ({ role: 'ephemeral' as const, container })),
  ]
}

/** One that the spec is known to have. */
export function containerNamed(pod: Pod, name: string): PodContainer {
  const found = podContainers(pod).find(({ container }) => container.name === name)
  assert(found, `container ${name} is in the spec of pod ${pod.metadata.name}`)
  return found
}

const roleOfInit = ({ restartPolicy }: Container) => (restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const))

/** Whether a container that ended with this code starts again; its own policy and rules come before the pod's. */
export function isRestarted({ spec }: Pod, { role, container }: PodContainer, exitCode: number): boolean {
  if (role === 'sidecar') return true
  if (role === 'ephemeral') return false
  if (ruleApplies(container, exitCode)) return true
  const policy = container.restartPolicy ?? spec.restartPolicy ?? 'Always'
  if (policy === 'Never') return false
  if (role === 'init' || policy === 'OnFailure') return exitCode !== 0
  return true
}

function ruleApplies({ restartPolicyRules = [] }: Container, exitCode: number): boolean {
  return restartPolicyRules.some(({ exitCodes }) => {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false
    return exitCodes?.operator === 'NotIn' ? !isListed : isListed
  })
}
